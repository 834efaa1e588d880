"""Scores photographs of steel strip. The core: it knows the model file and pictures, and no cloud.

from steel_defect import Model

prediction = Model.load().predict("picture.jpg")
print(prediction.decision, prediction.defect_prob)
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steel_defect.camera import Camera, Orientation
    from steel_defect.decision import Decision, Reason
    from steel_defect.errors import ModelUnavailable, SteelDefectError
    from steel_defect.model import Model
    from steel_defect.prediction import Prediction

__all__ = [
    "Camera",
    "Decision",
    "Model",
    "ModelUnavailable",
    "Orientation",
    "Prediction",
    "Reason",
    "SteelDefectError",
]
__version__ = "0.1.0"

# ONNX Runtime (1.29 and later) otherwise reports to its makers over the network and leaves an identifier in the home
# folder. A mill's pictures and machines are private; setting the variable to 0 allows the reports.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# A cold start imports this package, and needs few of these.
_WHERE = {
    "Camera": "camera",
    "Decision": "decision",
    "Model": "model",
    "ModelUnavailable": "errors",
    "Orientation": "camera",
    "Prediction": "prediction",
    "Reason": "decision",
    "SteelDefectError": "errors",
}

if not TYPE_CHECKING:  # Type checkers see the imports above.

    def __getattr__(name: str) -> object:
        """Import a public name when it is used first."""
        if name not in _WHERE:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
