"""What two overlapping pictures show counts once; in doubt it counts twice."""

from __future__ import annotations

from typing import Any

import pytest

from steel_defect.coils.summary import summary_of
from steel_defect.coils.verdict import Coil
from tests.coils.made import defect, result, tallied

# Pictures of 800 mm, 0.5 mm a pixel: a place at 1,500 px of one is at 1,500 px - 760 mm of the next.
SHIFT = 1520


def counts(*pictures: tuple[float | None, dict[str, Any]]) -> tuple[int, int]:
    """How many count, and how many were seen twice."""
    found = summary_of(Coil("4711"), tallied(*pictures), None).content["defects"]
    return found["counted"], found["seen_twice"]


def test_a_defect_in_the_overlap_counts_once_and_is_the_larger_one() -> None:
    cut, whole = defect(1590, 100, 20, long=10), defect(1590 - SHIFT, 100, 20)
    summary = summary_of(Coil("4711"), tallied((0, result(cut)), (760, result(whole))), None)
    assert summary.counts.tolist() == [False, True]
    assert counts((760, result(whole)), (0, result(cut))) == (1, 1)


@pytest.mark.parametrize(
    "other",
    [
        defect(1590 - SHIFT, 100, 20, name="scratches"),
        defect(1590 - SHIFT, 130, 20),
        defect(1590 - SHIFT + 40, 100, 20),
        defect(1590 - SHIFT, 100, 20, mm=None),
    ],
    ids=["of another class", "elsewhere across", "elsewhere along", "without millimetres"],
)
def test_another_defect_counts(other: dict[str, Any]) -> None:
    assert counts((0, result(defect(1580, 100, 20))), (760, result(other))) == (2, 0)


def test_of_two_near_ones_each_has_its_own_counterpart() -> None:
    here = [defect(1530, 100, 20), defect(1552, 100, 20)]
    there = [defect(1530 - SHIFT, 100, 20), defect(1552 - SHIFT, 100, 20)]
    assert counts((0, result(*here)), (760, result(*there))) == (2, 2)


def test_two_in_one_picture_are_two() -> None:
    assert counts((0, result(defect(1530, 100, 20), defect(1532, 100, 20))), (760, result())) == (2, 0)


@pytest.mark.parametrize("second", [0.0, 200.0])
def test_pictures_of_several_cameras_are_not_joined(second: float) -> None:
    """Side by side, or the other side of the strip: they overlap by half and more, or cover each place twice."""
    here = [(800.0 * index, result(defect(100, 100, 20))) for index in range(5)]
    there = [(800.0 * index + second, result(defect(100 - round(2 * second), 100, 20))) for index in range(5)]
    if second:
        there = [(place, result(defect(1300, 100, 20))) for place, _ in there]
    assert counts(*here, *there) == (10, 0)


def test_without_positions_all_count() -> None:
    assert counts((None, result(defect(1590, 100, 20))), (None, result(defect(70, 100, 20)))) == (2, 0)


def test_a_strip_that_runs_down_the_pictures() -> None:
    tall: dict[str, Any] = {
        "image": {"width": 256, "height": 1600, "format": "PNG"},
        "view": {"turned": 90, "pages": 1},
    }
    here, there = defect(100, 1590, 20, along_x=False, long=10), defect(100, 1590 - SHIFT, 20, along_x=False)
    assert counts((0, result(here, **tall)), (760, result(there, **tall))) == (1, 1)
