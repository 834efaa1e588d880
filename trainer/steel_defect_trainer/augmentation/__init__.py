"""Random changes of strips while a network learns from them."""
