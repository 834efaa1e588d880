"""Marks that come again: found where they are, and not claimed where chance gives as many."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from steel_defect.coils.chance import COPIES
from steel_defect.coils.periods import periods_in

Numbers = NDArray[np.float64]
LENGTH = 400 * 760.0


def coil(
    seed: int, noise: int, marks: float = 0.0, period: float = 1885.0, error: float = 3.0
) -> tuple[Numbers, Numbers, Numbers]:
    """Random defects, and a share of the marks of a roll."""
    random = np.random.default_rng(seed)
    turns = np.arange(random.uniform(0, period), LENGTH, period)
    turns = turns[random.random(len(turns)) < marks]
    along = np.concatenate([random.uniform(0, LENGTH, noise), turns + random.normal(0, error, len(turns))])
    across = np.concatenate([random.uniform(0, 128, noise), 60 + random.normal(0, 2, len(turns))])
    return along, across, np.ones(len(along))


@pytest.mark.parametrize("seed", range(10))
def test_no_period_is_claimed_where_there_is_none(seed: int) -> None:
    for noise in (30, 300):
        assert periods_in(*coil(seed, noise), pitch_mm=760) == []


@pytest.mark.parametrize("share", [1, 0.5, 0.25])
@pytest.mark.parametrize("period", [314.2, 1885.0, 4712.4])
def test_a_period_is_found_although_marks_are_missed(share: float, period: float) -> None:
    (found,) = periods_in(*coil(2, 30, share, period), pitch_mm=760)
    assert found.period_mm == pytest.approx(period, rel=0.002)
    assert found.roll_diameter_mm == pytest.approx(period / np.pi, rel=0.002)
    assert found.pairs > found.pairs_by_chance
    assert found.chance == 1 / (COPIES + 1)


def test_two_rolls_are_two_periods() -> None:
    one, other = coil(3, 30, 1, 1885), coil(4, 0, 1, 1131)
    along, across = np.concatenate([one[0], other[0]]), np.concatenate([one[1], other[1] + 40])
    found = periods_in(along, across, np.ones(len(along)), pitch_mm=760)
    assert sorted(period.period_mm for period in found) == [
        pytest.approx(1131, rel=0.002),
        pytest.approx(1885, rel=0.002),
    ]


@pytest.mark.parametrize("seed", range(10))
def test_where_defects_gather_no_period_is_claimed(seed: int) -> None:
    """At the head of the coil, at welds, and in pieces of one scratch."""
    random = np.random.default_rng(seed)
    middles = np.concatenate([random.uniform(0, 8_000, 60), random.uniform(0, LENGTH, 10).repeat(12)])
    along = middles + random.normal(0, 400, len(middles))
    pieces = (random.uniform(0, LENGTH, 1) + np.cumsum(random.uniform(10, 90, 40)), np.full(40, 60.0))
    along, across = np.concatenate([along, pieces[0]]), np.concatenate([random.uniform(0, 128, len(along)), pieces[1]])
    assert periods_in(along, across, np.ones(len(along)), pitch_mm=760) == []


def test_dirt_on_the_lens_is_told_from_a_roll() -> None:
    (found,) = periods_in(*coil(5, 30, 1, 760.0, error=1), pitch_mm=760)
    assert found.of_the_camera


def test_without_places_nothing_is_searched() -> None:
    assert periods_in(np.full(100, np.nan), np.zeros(100), np.ones(100), pitch_mm=None) == []
    assert periods_in(np.zeros(0), np.zeros(0), np.zeros(0), pitch_mm=None) == []
