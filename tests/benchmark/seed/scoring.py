"""How the seed project makes an answer of a picture, written from its description.

It is written as such code is, not as this project would have it, and nothing is tuned either way. One thing is added:
`SEED_THREADS` sets the threads of ONNX Runtime, for the measurements on one thread; without it they are its own choice.
"""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image

SIZE = 384
MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)
THRESHOLD = 0.51
MODEL = Path(__file__).parent / "stage1-E1-FINAL-model.onnx"

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(os.environ.get("SEED_THREADS", "0"))
session = onnxruntime.InferenceSession(str(MODEL), options, providers=["CPUExecutionProvider"])


def preprocess(data: bytes) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Bytes of a picture to float32 (1, 3, 384, 384)."""
    image = Image.open(io.BytesIO(data)).convert("RGB").resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    pixels = (np.array(image, dtype=np.float32) / 255.0 - MEAN) / STD
    return np.expand_dims(pixels.transpose(2, 0, 1), axis=0).astype(np.float32)


def run_model(pixels: np.ndarray[Any, np.dtype[np.float32]]) -> float:
    """The logit."""
    return float(session.run(None, {"input": pixels})[0][0, 0])


def predict_image(image: str) -> dict[str, float | int]:
    """From base64 to the answer."""
    probability = float(1 / (1 + np.exp(-run_model(preprocess(base64.b64decode(image))))))
    return {"defect_prob": probability, "defect_status": int(probability >= THRESHOLD)}
