"""Strips that are drawn: surfaces, damage with its exact masks, and whole sets of them."""
