"""Scores what arrives in a bucket: event -> `ObjectRef` -> result beside the upload -> outcome event."""
