"""The proof that a model file computes what its network does: both are run on the same pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import onnxruntime
import torch

from steel_defect.image import decode
from steel_defect.scorer import Scorer
from steel_defect_trainer.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect_trainer.networks.deployed import Deployed

# The largest difference in any probability between the network and its exported file.
TOLERANCE: Final = 1e-4
# Where two classes are as likely as each other, the last digit decides in which mask a field stands: in so few fields.
_TIES: Final = 1e-3
_OF_CLASSES: Final = frozenset({"mask_prob", "defect_map"})
_BATCH: Final = 8


def run_onnx(path: Path, pixels: NDArray[np.uint8], batch: int = _BATCH) -> dict[str, NDArray[np.float32]]:
    """All outputs of a model file for uint8 pictures (N, H, W), by name."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    parts = [session.run(names, {"image": pixels[start : start + batch]}) for start in range(0, len(pixels), batch)]
    return {name: np.concatenate([part[index] for part in parts]) for index, name in enumerate(names)}


def run_torch(deployed: Deployed, pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """The same outputs from the torch module."""
    with torch.inference_mode():
        parts = [
            deployed(torch.from_numpy(np.array(pixels[start : start + _BATCH])))
            for start in range(0, len(pixels), _BATCH)
        ]
    return {name: torch.cat([part[index] for part in parts]).numpy() for index, name in enumerate(deployed.outputs)}


def largest_difference(one: dict[str, NDArray[np.float32]], other: dict[str, NDArray[np.float32]]) -> float:
    """The largest difference of any probability between two runs over the same pictures.

    Raises:
        ExportError: one has an output that the other lacks.
    """
    if one.keys() != other.keys():
        message = f"one gives {', '.join(one)}, the other {', '.join(other)}"
        raise ExportError(message)
    if "mask_prob" in one and 0 < (np.abs(one["mask_prob"] - other["mask_prob"]) >= TOLERANCE).mean() < _TIES:
        # The map has the most of each cell's fields: where one of these is a tie, so is its cell.
        one, other = (
            {name: values.max(axis=1) if name in _OF_CLASSES else values for name, values in found.items()}
            for found in (one, other)
        )
    return max(float(np.abs(one[name] - other[name]).max()) for name in one)


def check_parity(deployed: Deployed, path: Path, files: Sequence[Path]) -> float:
    """Compare a model file with the network on real bytes: what the scorer computes, against torch.

    Outputs that the scorer does not read are compared as the file gives them.

    Args:
        deployed: what was exported.
        path: the file that was written.
        files: pictures.

    Returns:
        The largest difference of any probability.

    Raises:
        ExportError: it is not below `TOLERANCE`.
    """
    scorer = Scorer(path)
    largest = 0.0
    for file in files:
        pixels = decode(file.read_bytes(), scorer.contract.input).pixels[None]
        expected = run_torch(deployed, pixels)
        found = {**run_onnx(path, pixels), **scorer.predict(pixels)}
        difference = largest_difference(expected, {name: found[name] for name in expected})
        if not difference < TOLERANCE:
            message = f"{path} differs from the network by {difference:.2e} on {file}; {TOLERANCE:.0e} is allowed"
            raise ExportError(message)
        largest = max(largest, difference)
    return largest
