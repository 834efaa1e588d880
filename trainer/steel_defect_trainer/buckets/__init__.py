"""Data sets and run folders in buckets, copied to this machine and back."""
