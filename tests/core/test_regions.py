"""Regions are those that scipy finds, whatever the mask."""

from __future__ import annotations

from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from steel_defect.regions import Regions, find_regions

# Training brings it, a deployment does not: without it, this file is tried with the trainer's tests alone.
ndimage = pytest.importorskip("scipy.ndimage")

CORNERS_TOO = np.ones((3, 3))


def found_in(prob: np.ndarray[tuple[int, int, int], np.dtype[np.float32]], threshold: float = 0.5) -> Regions:
    _, rows, columns = prob.shape
    return find_regions(prob, (threshold,) * len(prob), np.arange(columns + 1.0), np.arange(rows + 1.0))


def listed(regions: Regions) -> list[tuple[float, ...]]:
    names = ("class_index", "prob", "left", "top", "right", "bottom", "area", "center_x", "center_y")
    return sorted(zip(*(getattr(regions, name).tolist() for name in names), strict=True))


def expected(prob: np.ndarray[tuple[int, int, int], np.dtype[np.float32]]) -> list[tuple[float, ...]]:
    found = []
    for index, plane in enumerate(prob):
        labels, count = ndimage.label(plane >= np.float32(0.5), CORNERS_TOO)
        for number in range(1, count + 1):
            rows, columns = np.nonzero(labels == number)
            found.append(
                (
                    index,
                    float(plane[rows, columns].max()),
                    *(float(side.min()) for side in (columns, rows)),
                    *(float(side.max() + 1) for side in (columns, rows)),
                    float(len(rows)),
                    *(float(np.mean(side) + 0.5) for side in (columns, rows)),
                )
            )
    return sorted(found)


SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 24), st.integers(1, 24))
MASKS = arrays.arrays(np.float32, SHAPES, elements=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]))


@given(MASKS)
def test_regions_are_those_of_scipy(prob: np.ndarray[tuple[int, int, int], np.dtype[np.float32]]) -> None:
    np.testing.assert_allclose(listed(found_in(prob)), expected(prob), rtol=1e-12)


@pytest.mark.parametrize("share", [0.2, 0.4, 0.45, 0.6])
def test_large_masks_too(share: float) -> None:
    prob = np.random.default_rng(3).random((2, 64, 400), np.float32)
    prob = np.where(prob > 1 - share, prob, 0) + (prob > 1 - share) * np.float32(0.5)
    np.testing.assert_allclose(listed(found_in(prob)), expected(prob), rtol=1e-12)


def spiral(side: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.float32]]:
    """One line, two cells apart from itself, from the corner to the middle."""
    cells = np.zeros((side, side), np.float32)
    row, column, down, right = 0, 0, 0, 1
    for length in [side - 1, *(left for left in range(side - 1, 0, -2) for _ in range(2))]:
        for _ in range(length):
            cells[row, column] = 1
            row, column = row + down, column + right
        down, right = right, -down
    return cells[None]


def test_a_spiral_is_one_region_and_a_chessboard_too() -> None:
    assert len(found_in(spiral(99)).area) == ndimage.label(spiral(99)[0], CORNERS_TOO)[1] == 1
    chessboard = (np.indices((64, 400)).sum(axis=0) % 2).astype(np.float32)[None]
    assert found_in(chessboard).area.tolist() == [12_800]


def test_the_runs_of_a_region_are_its_cells() -> None:
    prob = np.random.default_rng(4).random((2, 20, 30), np.float32)
    runs = found_in(prob, 0.7).runs
    painted = np.zeros(prob.shape, np.bool_)
    for index, row, start, stop in zip(runs.class_index, runs.row, runs.start, runs.stop, strict=True):
        painted[index, row, start:stop] = True
    assert np.array_equal(painted, prob >= np.float32(0.7))


def best_ms(prob: np.ndarray[tuple[int, int, int], np.dtype[np.float32]]) -> float:
    times = []
    for _ in range(20):
        start = perf_counter()
        found_in(prob)
        times.append(1e3 * (perf_counter() - start))
    return min(times)


def test_a_few_defects_take_no_time_and_noise_little() -> None:
    few = np.zeros((4, 64, 400), np.float32)
    few[0, 10:30, 50:90] = few[1, 40:44, 100:300] = few[2, ::9, ::40] = 0.9
    assert best_ms(few) < 3  # 0.4 ms on a quiet processor
    dots = np.zeros((4, 64, 400), np.float32)
    dots[:, ::2, ::2] = 1
    assert best_ms(dots) < 100  # 5 ms
    assert len(found_in(dots).area) == 25_600
