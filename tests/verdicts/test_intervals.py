"""The bounds of how many pictures have a defect."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import hypergeom

from steel_defect.verdicts.intervals import Part, defects_of


@pytest.mark.parametrize(("pictures", "drawn"), [(1, 1), (20, 5), (20, 20), (300, 40), (5_000, 100), (400_000, 2_000)])
def test_the_interval_is_that_of_the_hypergeometric_tails(pictures: int, drawn: int) -> None:
    for defects in {0, drawn // 7, drawn // 2, drawn}:
        low, high = defects_of(pictures, drawn, defects, 0.05)
        assert defects <= low <= high <= pictures - (drawn - defects)

        def at_least(number: int, defects: int = defects) -> float:
            return float(hypergeom.sf(defects - 1, pictures, number, drawn))

        def at_most(number: int, defects: int = defects) -> float:
            return float(hypergeom.cdf(defects, pictures, number, drawn))

        assert at_least(low) > 0.025
        assert low == defects or at_least(low - 1) <= 0.025
        assert at_most(high) > 0.025
        assert high == pictures - (drawn - defects) or at_most(high + 1) <= 0.025


def test_it_holds_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    found = {defects: defects_of(200, 30, defects, 0.05) for defects in range(31)}
    for number in (0, 1, 10, 100):
        drawn = random.hypergeometric(number, 200 - number, 30, size=2_000) if number else np.zeros(2_000, int)
        held = [found[int(one)][0] <= number <= found[int(one)][1] for one in drawn]
        assert np.mean(held) > 0.94


def test_of_what_nobody_looked_at_nothing_is_assumed() -> None:
    bounds = Part(pictures=100, looked=10, defects=10).all_defects(0.05)
    assert (bounds.low, bounds.high, bounds.likely) == (10, 100, None)


def test_what_everybody_looked_at_is_known() -> None:
    bounds = Part(pictures=10, looked=10, defects=3).all_defects(0.05)
    assert (bounds.low, bounds.high, bounds.likely) == (3, 3, 3)


def test_drawn_pictures_that_nobody_looked_at_count_as_the_worse_of_both() -> None:
    whole = Part(pictures=10_000, looked=500, defects=5, drawn=500, drawn_looked=500, drawn_defects=5).all_defects(0.05)
    half = Part(pictures=10_000, looked=450, defects=5, drawn=500, drawn_looked=450, drawn_defects=5).all_defects(0.05)
    assert whole.low <= 100 <= whole.high < 240
    assert half.low == whole.low
    assert half.high > 55 / 500 * 10_000
    assert (whole.likely, half.likely) == (100, None)


def test_who_looked_at_what_was_odd_does_not_bend_the_guess() -> None:
    """Eight of the ten looked at by choice have a defect, none of the hundred that were drawn."""
    part = Part(pictures=10_000, looked=110, defects=8, drawn=100, drawn_looked=100, drawn_defects=0)
    bounds = part.all_defects(0.05)
    assert bounds.low == bounds.likely == 8
    assert bounds.high < 400
