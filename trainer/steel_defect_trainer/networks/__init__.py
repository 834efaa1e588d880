"""The networks: one body, what stands on it, and the form of it that is exported."""
