"""Scores photographs of steel strip. The core: it knows the model file and pictures, and no cloud."""

__version__ = "0.1.0"
