"""How far the pictures and answers of a period are from those that a model was evaluated on.

The population stability index of one statistic, over the bins of its reference distribution, is

    PSI = sum over bins of (now - then) * ln(now / then)

with the bins' shares of both (N. Siddiqi, Credit Risk Scorecards, 2006, where below 0.1 is stable and from 0.25 on is a
large change). Without any change it is about chi-squared with bins - 1 degrees of freedom, times 1/n + 1/m for n and m
pictures (B. Yurdakul and J. Naranjo, Statistical Properties of the Population Stability Index, 2020). So few pictures
give a large index by chance alone, and what stays below 95 % of chance is no drift.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from steel_defect.contract import Distribution, Reference

Level = Literal["stable", "moderate", "large"]
MODERATE: Final = 0.1
LARGE: Final = 0.25
# Below, chance alone passes 0.2.
LEAST: Final = 100
# An empty bin counts as this share, so that the logarithm is finite.
_FLOOR: Final = 1e-4
# 95 % of a normal distribution are below it.
_QUANTILE: Final = 1.6449


@dataclass(frozen=True)
class Drift:
    """The drift of one statistic.

    Attributes:
        name: of the statistic.
        psi: its population stability index.
        chance: the index stays below it in 95 % of the cases without any change.
        level: by the index; "stable" too if it is not above chance.
        edges: of the bins.
        then: share of each bin in the reference.
        now: share of each bin in the period.
    """

    name: str
    psi: float
    chance: float
    level: Level
    edges: tuple[float, ...]
    then: tuple[float, ...]
    now: tuple[float, ...]


def drift_of(reference: Reference, values: Mapping[str, Sequence[float]]) -> list[Drift]:
    """The drift of each statistic of the reference, in its order.

    Args:
        reference: of the model file.
        values: by name, one for each picture of the period; at least one.
    """
    return [_drift(name, then, values[name], reference.pictures) for name, then in reference.statistics.items()]


def psi(then: Sequence[float], now: Sequence[float]) -> float:
    """The population stability index of two lists of shares of the same bins; an empty bin counts as 0.0001."""
    pairs = [(max(before, _FLOOR), max(after, _FLOOR)) for before, after in zip(then, now, strict=True)]
    return sum((after - before) * math.log(after / before) for before, after in pairs)


def _drift(name: str, then: Distribution, values: Sequence[float], pictures: int) -> Drift:
    counts = [0] * len(then.shares)
    for value in values:
        counts[bisect_right(then.edges, value)] += 1
    now = tuple(number / len(values) for number in counts)
    found, chance = psi(then.shares, now), _chance(len(counts) - 1, pictures, len(values))
    level: Level = "stable"
    if found > chance and found >= MODERATE:
        level = "large" if found >= LARGE else "moderate"
    return Drift(name, found, chance, level, then.edges, then.shares, now)


def _chance(degrees: int, then: int, now: int) -> float:
    """The 95 % quantile of chi-squared, by Wilson and Hilferty's approximation, times 1/n + 1/m."""
    if not degrees:
        return 0.0
    part = 2 / (9 * degrees)
    quantile = degrees * (1 - part + _QUANTILE * math.sqrt(part)) ** 3
    return quantile * (1 / then + 1 / now)
