"""Scores photographs of steel strip. The core: it knows the model file and pictures, and no cloud."""

import os

__version__ = "0.1.0"

# ONNX Runtime (1.29 and later) otherwise reports to its makers over the network and leaves an identifier in the home
# folder. A mill's pictures and machines are private; setting the variable to 0 allows the reports.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
