"""What a picture costs in a model file, on one thread of this machine."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Cost:
    """What one picture costs on one thread of this machine.

    Attributes:
        size_bytes: of the file.
        least_ms: milliseconds in the model, the least of many.
        median_ms: their median.
    """

    size_bytes: int
    least_ms: float
    median_ms: float


def costs(paths: Sequence[Path], picture: NDArray[np.uint8], *, rounds: int = 40) -> list[Cost]:
    """Time the files in turn, so that other load on the machine slows all of them alike.

    Args:
        paths: of the files.
        picture: uint8 (H, W).
        rounds: how often each is timed.
    """
    sessions = [single_threaded(path) for path in paths]
    times: list[list[float]] = [[] for _ in paths]
    for number in range(-3, rounds):  # the first three warm up
        for session, of_session in zip(sessions, times, strict=True):
            start = perf_counter()
            session.run(None, {"image": picture[None]})
            if number >= 0:
                of_session.append(1e3 * (perf_counter() - start))
    return [Cost(path.stat().st_size, min(ms), float(np.median(ms))) for path, ms in zip(paths, times, strict=True)]


def single_threaded(path: Path) -> onnxruntime.InferenceSession:
    """Open a model file for one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
