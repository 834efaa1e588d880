"""How far two model files agree on the same pictures, and what each costs."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Final

import numpy as np
import onnxruntime

from steel_defect.contract import from_metadata
from steel_defect_trainer.evaluation.ranking import roc_auc

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect.contract import ModelContract
    from steel_defect_trainer.strips import StripSet

# What an int8 file may differ from its float one.
AUC_DIFFERENCE: Final = 0.002
EQUAL_DECISIONS: Final = 0.99
_SHOWN: Final = 3


@dataclass(frozen=True)
class Agreement:
    """Two files on the same pictures; the first is the one that the second stands in for.

    Attributes:
        pictures: how many.
        roc_auc: of each file; NaN where all pictures are of one kind.
        largest_difference: in `defect_prob`, over all pictures.
        mean_difference: the mean of its absolute value.
        equal_decisions: share of pictures that both pass, both send to review, or both reject.
        equal_statuses: share of pictures that both put on the same side of the threshold.
        furthest: name and both probabilities of the pictures that differ most, the worst first.
    """

    pictures: int
    roc_auc: tuple[float, float]
    largest_difference: float
    mean_difference: float
    equal_decisions: float
    equal_statuses: float
    furthest: tuple[tuple[str, float, float], ...]

    @property
    def holds(self) -> bool:
        """Whether the second file can stand in for the first: `AUC_DIFFERENCE` and `EQUAL_DECISIONS` are kept."""
        difference = abs(self.roc_auc[1] - self.roc_auc[0])
        return not difference > AUC_DIFFERENCE and self.equal_decisions >= EQUAL_DECISIONS


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


def compare(one: Path, other: Path, strips: StripSet) -> Agreement:
    """Score the same pictures with both files, and decide by the contract of the first."""
    contract, first = _scored(one, strips.pixels)
    _, second = _scored(other, strips.pixels)
    bounds = (contract.review_low, contract.review_high)
    same_decision = np.digitize(first, bounds) == np.digitize(second, bounds)
    same_status = (first >= contract.threshold) == (second >= contract.threshold)
    differences = np.abs(first - second)
    worst = np.argsort(-differences, kind="stable")[:_SHOWN]
    return Agreement(
        pictures=len(strips),
        roc_auc=(roc_auc(first, strips.defect), roc_auc(second, strips.defect)),
        largest_difference=float(differences.max()),
        mean_difference=float(differences.mean()),
        equal_decisions=float(same_decision.mean()),
        equal_statuses=float(same_status.mean()),
        furthest=tuple((strips.names[place], float(first[place]), float(second[place])) for place in worst),
    )


def costs(paths: Sequence[Path], picture: NDArray[np.uint8], *, rounds: int = 40) -> list[Cost]:
    """Time the files in turn, so that whatever else the machine does meets all of them.

    Args:
        paths: of the files.
        picture: uint8 (H, W).
        rounds: how often each is timed.
    """
    sessions = [_session(path) for path in paths]
    times: list[list[float]] = [[] for _ in paths]
    for number in range(-3, rounds):  # the first three warm up
        for session, found in zip(sessions, times, strict=True):
            start = perf_counter()
            session.run(["defect_prob"], {"image": picture[None]})
            if number >= 0:
                found.append(1e3 * (perf_counter() - start))
    return [
        Cost(path.stat().st_size, min(found), float(np.median(found))) for path, found in zip(paths, times, strict=True)
    ]


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _scored(path: Path, pixels: NDArray[np.uint8]) -> tuple[ModelContract, NDArray[np.float32]]:
    session = _session(path)
    contract = from_metadata(session.get_modelmeta().custom_metadata_map)
    scores = [session.run(["defect_prob"], {"image": np.asarray(picture)[None]})[0] for picture in pixels]
    return contract, np.concatenate(scores)
