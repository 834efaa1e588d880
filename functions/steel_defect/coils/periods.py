"""Marks that come again: a roll with a damaged place prints it once a turn, at the same place across the strip.

`chance` says how sure a period is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect.coils.chance import COPIES, LANE_MM, TURNS, against_chance, pairs_of, width_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

# The largest defects are searched; more would show more of the same.
MOST_SEARCHED: Final = 4_000
_FEWEST_MARKS: Final = 5
# Pieces of one defect.
_ONE_MM: Final = 100.0
_MOST_PERIODS: Final = 3


@dataclass(frozen=True)
class Period:
    """Marks that come again.

    Attributes:
        period_mm: along the strip.
        roll_diameter_mm: of a roll that prints once a turn, if the strip was not stretched since.
        marks: how many defects are such marks.
        rows: which of the defects.
        pairs: found 1 to 4 periods apart, or multiples of it if these stand out more.
        pairs_by_chance: expected.
        chance: that a coil without such marks has this, at most.
        first_mm, last_mm: where along the strip they are.
        across_mm: from and to across it.
        of_the_camera: as far apart as the pictures: dirt on a lens, more likely than a roll.
    """

    period_mm: float
    roll_diameter_mm: float
    marks: int
    rows: tuple[int, ...]
    pairs: int
    pairs_by_chance: float
    chance: float
    first_mm: float
    last_mm: float
    across_mm: tuple[float, float]
    of_the_camera: bool


def periods_in(along: Numbers, across: Numbers, area: Numbers, *, pitch_mm: float | None) -> list[Period]:
    """The periods that are claimed, the surest first.

    The same defects give the same periods: the random numbers have a fixed seed.

    Args:
        along: middle of each defect along the strip, in millimetres; NaN for those that are not searched.
        across: across it.
        area: in square millimetres.
        pitch_mm: from picture to picture; None if that is not known.
    """
    rows = np.flatnonzero(~(np.isnan(along) | np.isnan(across)))
    rows = rows[np.argsort(-area[rows], kind="stable")[:MOST_SEARCHED]]
    rows = rows[np.argsort(along[rows], kind="stable")]
    rows = rows[_apart(along[rows], across[rows])]
    found: list[Period] = []
    while len(rows) >= _FEWEST_MARKS and len(found) < _MOST_PERIODS:
        claimed = _strongest(along[rows], across[rows])
        if claimed is None:
            break
        period, marks, pairs, expected = claimed
        where = along[rows[marks]]
        lanes = across[rows[marks]]
        found.append(
            Period(
                period_mm=round(period, 1),
                roll_diameter_mm=round(period / math.pi, 1),
                marks=len(marks),
                rows=tuple(int(row) for row in rows[marks]),
                pairs=pairs,
                pairs_by_chance=round(expected, 2),
                chance=1 / (COPIES + 1),
                first_mm=round(float(where.min()), 1),
                last_mm=round(float(where.max()), 1),
                across_mm=(round(float(lanes.min()), 1), round(float(lanes.max()), 1)),
                of_the_camera=pitch_mm is not None and abs(period - pitch_mm) <= width_of(period, 1),
            )
        )
        rows = np.delete(rows, marks)
    return found


def _apart(along: Numbers, across: Numbers) -> NDArray[np.bool_]:
    """Which rows are no further piece of a defect: nothing comes shortly before them in their lane."""
    first = np.searchsorted(along, along - _ONE_MM)
    return np.array(
        [not (np.abs(across[begin:row] - across[row]) <= LANE_MM).any() for row, begin in enumerate(first.tolist())],
        bool,
    )


def _strongest(along: Numbers, across: Numbers) -> tuple[float, NDArray[np.intp], int, float] | None:
    """Period, marks, pairs and pairs by chance of the strongest; None if chance may give as strong ones."""
    # Most coils have none, which few copies show.
    for copies in (COPIES // 10, COPIES):
        found = against_chance(along, across, copies)
        if found.ratio <= found.by_chance:
            return None
    one, other = pairs_of(along, across, found.period, 0.0)
    lags = along[other] - along[one]
    # Marks every P are also every 2 P, and as many: the shortest period that has half as many neighbours is theirs.
    neighbours = [
        np.count_nonzero(np.abs(lags - found.period / part) <= width_of(found.period / part, 1)) for part in range(1, 6)
    ]
    enough = max(1.0, neighbours[0] / 2)
    period = found.period / max((part for part in range(1, 6) if neighbours[part - 1] >= enough), default=1)
    turns = np.maximum(1, np.rint(lags / period))
    chosen = (turns <= TURNS) & (np.abs(lags - turns * period) <= width_of(period, turns))
    marks = np.unique(np.concatenate([one[chosen], other[chosen]]))
    if len(marks) < _FEWEST_MARKS:
        return None
    # The mean of the pairs is finer than the step.
    return float(np.sum(lags[chosen]) / np.sum(turns[chosen])), marks, int(found.pairs), found.expected
