"""The bootstrap: resamples of pictures as rows of weights, so that a figure is computed for many of them at once.

A resample draws as many pictures as there are, with replacement (Efron, 1979); the weight of a picture is how often
it is drawn. Pictures that belong together (of one coil, of one source) are drawn together: then groups are drawn, and
the interval does not pretend that pictures are independent.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

RESAMPLES: Final = 2000
_LEVELS: Final = (0.025, 0.975)
# Weights held at a time: 32 MB.
_CHUNK: Final = 4_000_000


@dataclass(frozen=True)
class Interval:
    """An estimate and its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """As it is printed in tables."""
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"

    def rounded(self) -> dict[str, float]:
        """`value`, `low` and `high` with four digits, as they are kept in files."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def resample_weights(
    count: int,
    groups: Sequence[str] | NDArray[np.int64] | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Iterator[NDArray[np.float64]]:
    """Draw resamples of `count` pictures, by group if groups are given.

    Yields:
        How often each picture comes in each resample, float64 (some of the resamples, `count`).

    Raises:
        ValueError: there are no pictures, or not as many groups as pictures.
    """
    if not count:
        message = "there are no pictures to draw from"
        raise ValueError(message)
    if groups is not None and len(groups) != count:
        message = f"expected the groups of {count} pictures, got {len(groups)}"
        raise ValueError(message)
    group_of = np.arange(count) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    units = int(group_of.max()) + 1
    rng = np.random.default_rng(seed)
    most = max(1, _CHUNK // count)
    for start in range(0, resamples, most):
        rows = min(most, resamples - start)
        drawn = rng.integers(0, units, (rows, units)) + units * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * units).reshape(rows, units)
        yield times[:, group_of].astype(np.float64)


def interval(value: float, resampled: NDArray[np.float64]) -> Interval:
    """95 % percentile interval around an estimate; resamples in which the figure has no value (NaN) are left out."""
    known = resampled[~np.isnan(resampled)]
    if not known.size:
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(known, _LEVELS)
    return Interval(value, float(low), float(high))
