"""Cells of masks: what is damaged, sound or unknown, for pictures of any size, fitted or stretched."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from steel_defect.contract import InputSpec
from steel_defect_trainer.strips import cells_of_mask, fields_of_mask

SPEC = InputSpec()


def test_cells_of_a_mask_are_damaged_sound_or_unknown() -> None:
    mask = np.zeros((256, 1600), bool)
    mask[64:128, 128:192] = True  # exactly the cell in row 1, column 2
    mask[0, 0] = True  # far too little to tell
    cells = cells_of_mask(mask, (128, 800), SPEC)
    assert cells.shape == (4, 25)
    assert cells[1, 2] == 1
    assert cells[0, 0] == -1
    assert (cells == 0).sum() == 98


def test_a_cell_is_damaged_from_two_percent_on() -> None:
    mask = np.zeros((256, 1600), bool)
    mask[0, :80] = mask[64, 64:144] = True  # 64 of the 4,096 pixels of one cell, 16 of the next
    mask[65, 64:128] = True  # and 128 where a row below is damaged too
    cells = cells_of_mask(mask, (128, 800), SPEC)
    assert cells[0, :2].tolist() == [-1, -1]
    assert cells[1, 1:3].tolist() == [1, -1]


def test_padding_is_sound() -> None:
    square = np.ones((300, 300), bool)
    cells = cells_of_mask(square, (128, 128), SPEC)
    assert (cells[:, :4] == 1).all()
    assert (cells[:, 4:] == 0).all()
    wide = np.ones((128, 1600), bool)
    cells = cells_of_mask(wide, (64, 800), SPEC)
    assert (cells[:2] == 1).all()
    assert (cells[2:] == 0).all()


@settings(deadline=None)
@given(st.integers(20, 200), st.integers(20, 200), st.integers(1, 6), st.integers(1, 6))
def test_the_lower_right_quarter_stays_there_at_any_size(height: int, width: int, rows: int, columns: int) -> None:
    spec = InputSpec(height=rows * 64, width=columns * 64, resize="stretch")
    mask = np.zeros((height * 2, width * 2), bool)
    mask[height:, width:] = True
    cells = cells_of_mask(mask, (spec.height, spec.width), spec)
    expected = np.zeros((rows * 2, columns * 2), np.int8)
    expected[rows:, columns:] = 1
    assert np.array_equal(cells, expected)


def test_fields_of_a_mask_are_percents_of_its_pixels() -> None:
    spec = InputSpec(height=64, width=96, resize="stretch")
    mask = np.zeros((128, 192), bool)
    mask[8:16, 16:24] = True  # exactly one field, of half the size
    mask[64:66, 64:72] = True  # a quarter of one
    mask[127, 191] = True  # the least there is
    fields = fields_of_mask(mask, (64, 96), spec)
    assert fields.shape == (16, 24)
    assert {(int(row), int(column)): int(fields[row, column]) for row, column in np.argwhere(fields)} == {
        (1, 2): 100,
        (8, 8): 25,
        (15, 23): 2,
    }
    assert not fields_of_mask(np.zeros_like(mask), (64, 96), spec).any()
