"""Every threshold from 0.00 to 1.00, and the one to take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect_trainer.errors import RecallFloorUnmet

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEPS: Final = 100
# Weighted sums are not exact.
_ROUNDING: Final = 1e-12


@dataclass(frozen=True)
class Scan:
    """Figures at each threshold, all float64 (101,). A picture is called a defect from the threshold on.

    Attributes:
        thresholds: 0.00 to 1.00 by 0.01.
        precision: share of defects among what is called one; NaN if nothing is.
        recall: share of the defects that are called one.
        f1: harmonic mean of the two.
        false_alarms: share of the clean pictures that are called a defect.
    """

    thresholds: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    false_alarms: NDArray[np.float64]


def scan_thresholds(
    probabilities: NDArray[np.float64], truth: NDArray[np.bool_], weights: NDArray[np.float64] | None = None
) -> Scan:
    """Measure every threshold.

    Args:
        probabilities: (N,), of a defect.
        truth: (N,), with pictures of both kinds.
        weights: (N,), of the pictures; None for one each.
    """
    thresholds = np.arange(_STEPS + 1) / _STEPS
    weight = np.ones(len(truth)) if weights is None else weights
    called = (probabilities >= thresholds[:, None]).astype(np.float64)
    hits, alarms = called @ (weight * truth), called @ (weight * ~truth)
    defects, clean = weight[truth].sum(), weight[~truth].sum()
    everything = hits + alarms
    return Scan(
        thresholds=thresholds,
        precision=np.divide(hits, everything, out=np.full_like(hits, np.nan), where=everything > 0),
        recall=hits / defects,
        f1=2 * hits / (everything + defects),
        false_alarms=alarms / clean,
    )


def best_f1(scan: Scan) -> float:
    """The threshold with the best F1, in the middle of the widest run of such thresholds."""
    return _middle(scan, scan.f1 == scan.f1.max())


def best_precision(scan: Scan, recall_floor: float) -> float:
    """The threshold with the best precision among those whose recall is `recall_floor` or more.

    If several are equally good, the middle of the widest run.

    Raises:
        RecallFloorUnmet: only calling every picture a defect finds that many of them.
    """
    useful = (scan.recall >= recall_floor - _ROUNDING) & ~np.isnan(scan.precision) & (scan.false_alarms < 1)
    if not useful.any():
        others = (scan.false_alarms < 1) & (scan.recall > 0)
        hint = "no threshold separates the pictures"
        if others.any():
            index = int(others.argmax())
            highest, at = scan.recall[index], scan.thresholds[index]
            hint = f"the highest recall short of that is {highest:.4f}, at threshold {at:.2f}"
        message = (
            f"a recall of {recall_floor:g} is reached only by calling every picture a defect; {hint}. "
            "Lower the floor, or train a better model"
        )
        raise RecallFloorUnmet(message)
    return _middle(scan, useful & (scan.precision == scan.precision[useful].max()))


def _middle(scan: Scan, chosen: NDArray[np.bool_]) -> float:
    """Middle of the longest run of true values, the first one of equals; the lower of two middles."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], chosen.astype(np.int8), [0]])))
    starts, ends = edges[::2], edges[1::2]
    longest = int((ends - starts).argmax())
    return float(scan.thresholds[(starts[longest] + ends[longest] - 1) // 2])
