"""Comparisons whose results are in the README: `python -m` each of them."""
