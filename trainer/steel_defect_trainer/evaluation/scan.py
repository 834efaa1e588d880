"""Every threshold that decides differently, and the one to take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect_trainer.errors import RecallFloorUnmet

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A model file keeps four digits of its bounds, and computes in float32.
DIGITS: Final = 10_000
FLOAT32: Final = 1e-6
# Weighted sums are not exact.
_ROUNDING: Final = 1e-12


@dataclass(frozen=True)
class Scan:
    """Figures at each threshold, all float64 (K,). A picture is called a defect from the threshold on.

    Attributes:
        thresholds: 0, 1, and for each distinct score the highest threshold of four digits that still calls it a defect;
            ascending, so between two of them nothing is decided differently than at the upper one.
        precision: share of defects among what is called one; NaN if nothing is.
        recall: share of the defects that are called one.
        f1: harmonic mean of the two.
        false_alarms: share of the clean pictures that are called a defect.

    Without any defect, recall and F1 are NaN.
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
        truth: (N,), with clean pictures.
        weights: (N,), of the pictures; None for one each.
    """
    thresholds = np.unique(np.concatenate([[0.0], below(probabilities), [1.0]]))
    weight = np.ones(len(truth)) if weights is None else weights
    order = np.argsort(probabilities)
    first = np.searchsorted(probabilities[order], thresholds)
    hits, alarms = (_from_each(weight[order] * kind[order])[first] for kind in (truth, ~truth))
    defects, clean = weight[truth].sum(), weight[~truth].sum()
    everything = hits + alarms
    return Scan(
        thresholds=thresholds,
        precision=np.divide(hits, everything, out=np.full_like(hits, np.nan), where=everything > 0),
        recall=hits / defects if defects else np.full_like(hits, np.nan),
        f1=2 * hits / (everything + defects) if defects else np.full_like(hits, np.nan),
        false_alarms=alarms / clean,
    )


def below(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """The highest bound of four digits that each probability reaches for certain, at least 0."""
    found: NDArray[np.float64] = np.maximum(np.floor((probabilities - FLOAT32) * DIGITS), 0) / DIGITS
    return found


def above(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """The lowest bound of four digits that each probability stays below for certain, at most 1."""
    found: NDArray[np.float64] = np.minimum(np.floor((probabilities + FLOAT32) * DIGITS) + 1, DIGITS) / DIGITS
    return found


def best_f1(scan: Scan) -> float:
    """The threshold with the best F1, in the middle of the widest run of such thresholds."""
    return _middle(scan, scan.f1 >= scan.f1.max() - _ROUNDING)


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
            hint = f"the highest recall short of that is {highest:.4f}, at threshold {at:.4g}"
        message = (
            f"a recall of {recall_floor:g} is reached only by calling every picture a defect; {hint}. "
            "Lower the floor, or train a better model"
        )
        raise RecallFloorUnmet(message)
    return _middle(scan, useful & (scan.precision >= scan.precision[useful].max() - _ROUNDING))


def _from_each(ascending: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum from each place to the end, and 0 behind it, (N + 1,)."""
    return np.append(ascending[::-1].cumsum()[::-1], 0.0)


def _middle(scan: Scan, chosen: NDArray[np.bool_]) -> float:
    """Middle of the widest run of chosen thresholds, four digits.

    Width and middle are those of the log-odds: what a network is sure of differs by factors of the odds, and where
    defects are rare all scores lie close to 0.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], chosen.astype(np.int8), [0]])))
    starts, ends = edges[::2], edges[1::2] - 1
    highest = scan.thresholds[ends]
    # A run begins behind the last threshold that decides otherwise; one step more, for a score that lies on a step.
    lowest = np.where(starts > 0, np.minimum(scan.thresholds[starts - 1] + 2 / DIGITS, highest), 0.0)
    low, high = _log_odds(lowest), _log_odds(highest)
    widest = int((high - low).argmax())
    middle = 1 / (1 + np.exp(-(low[widest] + high[widest]) / 2))
    return float(np.clip(round(middle * DIGITS) / DIGITS, lowest[widest], highest[widest]))


def _log_odds(thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(thresholds, 0.5 / DIGITS, 1 - 0.5 / DIGITS)
    found: NDArray[np.float64] = np.log(inside / (1 - inside))
    return found
