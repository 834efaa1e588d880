"""Labelled pictures of a user: reading the layouts, what belongs together, splitting, decoding into a cache."""
