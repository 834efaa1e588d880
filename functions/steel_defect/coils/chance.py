"""How sure a period of marks is, against what chance gives.

For each period P, N(P) pairs of defects lie 1 to 4 P apart along the strip, in the same lane across it. Chance gives
a number E(P) of them, which is not that of defects spread evenly: they gather at ends and welds. So chance is what is
left when each defect is moved along the strip at random by up to 0.3 of the period (of the shortest in its octave),
which keeps where many are and breaks what repeats: the jitter method (Amarasingham, Harrison, Hatsopoulos and Geman,
J. Neurophysiol. 107, 2012, 517-531). The statistic is the largest log-likelihood ratio of a Poisson count over all
periods, N ln(N/E) - (N - E) (Kulldorff's scan statistic, Commun. Statist. 26, 1997, 1481-1496). A period is claimed
if none of 999 jittered copies reaches it: a Monte Carlo test (Barnard, J. R. Statist. Soc. B 25, 1963, 294), so that
of a thousand coils without such marks one gets a claim. All periods are in the statistic: searching them costs no
certainty.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

# Rolls of 64 to 1,750 mm.
SHORTEST_MM: Final = 200.0
LONGEST_MM: Final = 5_500.0
COPIES: Final = 999
TURNS: Final = 4
LANE_MM: Final = 12.0
# How exact positions are: some millimetres, and slip over the distance.
_EXACT_MM: Final = 6.0
_EXACT_SHARE: Final = 0.003
_STEP: Final = 1.001
_JITTER: Final = 0.3
_PERIODS: Final = SHORTEST_MM * _STEP ** np.arange(math.ceil(math.log(LONGEST_MM / SHORTEST_MM) / math.log(_STEP)))
_OCTAVES: Final = [_PERIODS[(low <= _PERIODS) & (2 * low > _PERIODS)] for low in SHORTEST_MM * 2.0 ** np.arange(5)]


@dataclass(frozen=True)
class Strongest:
    """The strongest period, and the ratio that chance reaches."""

    ratio: float
    period: float
    pairs: float
    expected: float
    by_chance: float


def against_chance(along: Numbers, across: Numbers, copies: int) -> Strongest:
    """The strongest period, and what it reaches in so many copies; `along` ascends."""
    random = np.random.default_rng(1)
    by_chance = np.zeros(copies)
    best = (0.0, 0.0, 0.0, 0.0)
    for periods in _OCTAVES:
        jitter = _JITTER * periods[0]
        one, other = pairs_of(along, across, float(periods[-1]), 2 * jitter)
        observed = _counts(along[other] - along[one], periods)
        counts = np.empty((copies, len(periods)), np.float32)
        for copy in counts:
            moved = along + random.uniform(-jitter, jitter, len(along))
            copy[:] = _counts(np.abs(moved[other] - moved[one]), periods)
        # What is rare among the copies is not impossible.
        expected = np.maximum(counts.mean(axis=0), 1 / COPIES)
        by_chance = np.maximum(by_chance, [_ratio(copy, expected).max() for copy in counts])
        ratios = _ratio(observed, expected)
        top = int(ratios.argmax())
        best = max(best, (float(ratios[top]), float(periods[top]), float(observed[top]), float(expected[top])))
    return Strongest(*best, by_chance=float(by_chance.max()))


def pairs_of(along: Numbers, across: Numbers, longest: float, more: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pairs of a lane that are as far apart as a period up to the longest asks, and `more`; `along` ascends."""
    last = np.searchsorted(along, along + TURNS * longest + width_of(longest, TURNS) + more, side="right")
    count = last - np.arange(len(along)) - 1
    one = np.repeat(np.arange(len(along)), count)
    other = np.arange(len(one)) - np.repeat(np.cumsum(count) - count, count) + one + 1
    same = np.abs(across[one] - across[other]) <= LANE_MM
    return one[same], other[same]


def _counts(lags: Numbers, periods: Numbers) -> Numbers:
    """For each period, how many of the distances are 1 to 4 of it."""
    ordered = np.sort(lags)
    total = np.zeros(len(periods))
    for turn in range(1, TURNS + 1):
        width = width_of(periods, turn)
        ends = np.searchsorted(ordered, turn * periods + width, side="right")
        total += ends - np.searchsorted(ordered, turn * periods - width, side="left")
    return total


def width_of(period: Any, turns: Any) -> Any:  # noqa: ANN401 - numbers or arrays
    """How far from so many periods a pair may be."""
    return _EXACT_MM + _EXACT_SHARE * period * turns


def _ratio(counts: Numbers | NDArray[np.float32], expected: Numbers) -> Numbers:
    """Of the Poisson likelihoods; zero where no more were found than expected."""
    more = np.maximum(counts, expected)
    return np.asarray(more * np.log(more / expected) - (more - expected))
