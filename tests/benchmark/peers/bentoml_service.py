"""The stand-in's model behind BentoML, written as its documentation writes a service; nothing is tuned.

BentoML imports this file in an environment of its own; `model.onnx` lies beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bentoml  # type: ignore[import-not-found]  # in an environment of its own
import numpy as np
import onnxruntime
from PIL import Image  # BentoML looks the type up while it runs

SIZE = 384
MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)
THRESHOLD = 0.51


@bentoml.service
class SteelDefect:
    """Answers `POST /predict` with a form that has the picture as the file `image`."""

    def __init__(self) -> None:
        """Load the model: once in each worker."""
        model = Path(__file__).with_name("model.onnx")
        self.session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])

    @bentoml.api  # type: ignore[untyped-decorator]  # as above
    def predict(self, image: Image.Image) -> dict[str, Any]:
        """Score one picture, prepared as the FastAPI stand-in prepares it."""
        scaled = image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BICUBIC)
        pixels = (np.array(scaled, dtype=np.float32) / 255.0 - MEAN) / STD
        pixels = np.expand_dims(pixels.transpose(2, 0, 1), axis=0).astype(np.float32)
        logit = float(self.session.run(None, {"input": pixels})[0][0, 0])
        probability = float(1 / (1 + np.exp(-logit)))
        return {"defect_prob": probability, "defect_status": int(probability >= THRESHOLD)}
