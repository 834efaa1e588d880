"""Exact intervals for shares of pictures, which say something where all pictures are right, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.stats import beta

from steel_defect_trainer.evaluation.resampling import Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEVELS: Final = (0.025, 0.975)


def exact_interval(share: float, count: float) -> Interval:
    """95 % interval of a share of `count` independent pictures (Clopper and Pearson, 1934); NaN of none."""
    if not count:
        return Interval(share, float("nan"), float("nan"))
    hits = share * count
    low = 0.0 if hits <= 0 else float(beta.ppf(_LEVELS[0], hits, count - hits + 1))
    high = 1.0 if hits >= count else float(beta.ppf(_LEVELS[1], hits + 1, count - hits))
    return Interval(share, low, high)


def share_interval(
    hit: NDArray[np.bool_], counted: NDArray[np.bool_], groups: NDArray[np.int64] | None = None
) -> Interval:
    """The share of the counted pictures that are hit, with its exact 95 % interval.

    Pictures of one group say less than as many of different ones: their number is divided by the design effect (Korn
    and Graubard, 1998). If all are hit, or none, that cannot be measured, and only the groups count.

    Args:
        hit: (N,).
        counted: (N,).
        groups: number of each picture's group (N,); None if pictures are independent.
    """
    count = int(counted.sum())
    if not count:
        return Interval(float("nan"), float("nan"), float("nan"))
    share = float(hit[counted].mean())
    return exact_interval(share, count if groups is None else _effective(hit[counted], groups[counted]))


def _effective(hit: NDArray[np.bool_], groups: NDArray[np.int64]) -> float:
    """How many independent pictures would say as much: from the number of groups to that of pictures."""
    numbers = np.unique(groups, return_inverse=True)[1]
    count, apart, share = len(hit), int(numbers.max()) + 1, float(hit.mean())
    if apart == 1 or share in {0.0, 1.0}:
        return float(apart)
    surplus = np.bincount(numbers, hit - share)
    variance = apart / (apart - 1) * float((surplus**2).sum()) / count**2
    return float(np.clip(share * (1 - share) / max(variance, 1e-12), min(apart, count), count))
