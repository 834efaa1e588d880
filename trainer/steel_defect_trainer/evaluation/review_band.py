"""What a person should look at: a band of probabilities that promises no more than its pictures can show."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect_trainer.evaluation.scan import DIGITS, above, below

if TYPE_CHECKING:
    from numpy.typing import NDArray

# What the review band may let slip: defects that pass, clean pictures that are rejected without a look.
PASSED_DEFECTS: Final = 0.05
REJECTED_CLEAN: Final = 0.10
# Of few pictures that are alike, a new one may still have other odds by this factor: in log-odds.
_LEAST_SPREAD: Final = 1.0
# Probabilities are kept away from 0 and 1 by half of the last digit before their log-odds are taken.
_EDGE: Final = 0.5 / DIGITS


def review_band(
    probabilities: NDArray[np.float64], truth: NDArray[np.bool_], threshold: float | None = None
) -> tuple[float, float]:
    """Bounds of what a person should look at, four digits, rounded so that the band holds what it promises.

    Of new defects at most `PASSED_DEFECTS` are expected below the first, of new clean pictures at most `REJECTED_CLEAN`
    from the second on: of n pictures the k-th lowest is undercut by the next one with the chance k / (n + 1), whatever
    their distribution. Where n is too small for any k, the bound goes beyond the lowest, by an exponential tail.

    Args:
        probabilities: (N,), calibrated, of held-out pictures.
        truth: (N,), with pictures of both kinds.
        threshold: which the band encloses, with all between the nearest pictures on its two sides, for nothing is known
            of what lies there; so the band never closes. None for the bounds by the promises alone.
    """
    log_odds = _log_odds(probabilities)
    low = float(below(_probability(undercut(log_odds[truth], PASSED_DEFECTS))))
    high = float(above(_probability(-undercut(-log_odds[~truth], REJECTED_CLEAN))))
    if threshold is None:
        return low, high
    under, over = probabilities[probabilities < threshold], probabilities[probabilities >= threshold]
    step = 1 / DIGITS
    nearest_under = float(above(under.max(keepdims=True))[0]) if under.size else 0.0
    nearest_over = float(below(over.min(keepdims=True))[0]) if over.size else 1.0
    low, high = min(low, nearest_under, threshold), max(high, nearest_over, threshold)
    if low == high:
        low, high = max(low - step, 0.0), min(high + step, 1.0)
    return round(low * DIGITS) / DIGITS, round(high * DIGITS) / DIGITS


def undercut(values: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """The value below which the next one lies with the chance `share` at most, float64 (), of log-odds (N,).

    Where there are too few of them for that, it lies beyond the lowest.
    """
    ascending, count = np.sort(values), len(values)
    rank = math.floor(share * (count + 1))
    if rank:
        return np.asarray(ascending[rank - 1])
    spread = max(float(values.std()), _LEAST_SPREAD)
    return np.asarray(ascending[0] - spread * math.log(1 / (share * (count + 1))))


def _log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(probabilities, _EDGE, 1 - _EDGE)
    found: NDArray[np.float64] = np.log(inside / (1 - inside))
    return found


def _probability(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = 1 / (1 + np.exp(-log_odds))
    return found
