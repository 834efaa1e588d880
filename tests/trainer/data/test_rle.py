"""Run-length masks: worked by hand, and there and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steel_defect_trainer.data import rle
from steel_defect_trainer.errors import MaskError


def test_counts_from_one_down_the_columns() -> None:
    # 3 rows x 4 columns are numbered 1 2 3 / 4 5 6 / 7 8 9 / 10 11 12, column by column.
    expected = np.array([[0, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 1]], dtype=bool)
    assert np.array_equal(rle.decode("2 4 12 1", 3, 4), expected)
    assert rle.encode(expected) == "2 4 12 1"


def test_first_and_last_pixel() -> None:
    mask = rle.decode("1 1 409600 1", 256, 1600)
    assert mask[0, 0]
    assert mask[255, 1599]
    assert mask.sum() == 2


def test_nothing_and_everything() -> None:
    assert rle.encode(np.zeros((3, 4), bool)) == ""
    assert not rle.decode("", 3, 4).any()
    assert rle.encode(np.ones((3, 4), bool)) == "1 12"
    assert rle.decode("1 12", 3, 4).all()


@given(st.integers(1, 12), st.integers(1, 12), st.data())
def test_there_and_back(height: int, width: int, data: st.DataObject) -> None:
    bits = data.draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width))
    mask = np.array(bits, dtype=bool).reshape(height, width)
    assert np.array_equal(rle.decode(rle.encode(mask), height, width), mask)
    part, left = rle.decode_columns(rle.encode(mask), height, width)
    assert np.array_equal(part, mask[:, left : left + part.shape[1]])
    assert part.sum() == mask.sum()
    assert part[:, [0, -1]].any(axis=0).all() if mask.any() else part.shape == (height, 0)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), max_size=12))
def test_any_runs_mean_just_their_pixels(gaps_and_lengths: list[tuple[int, int]]) -> None:
    # Touching runs, which `encode` never writes, are read as well.
    expected = np.zeros(13 * 7 * 8, bool)
    words, place = [], 0
    for gap, length in gaps_and_lengths:
        words += [str(place + gap + 1), str(length)]
        expected[place + gap : place + gap + length] = True
        place += gap + length
    assert np.array_equal(rle.decode(" ".join(words), 56, 13), expected.reshape((56, 13), order="F"))


@pytest.mark.parametrize(
    "text",
    ["1", "1 2 3", "0 1", "12 2", "5 0", "3 -1", "a 1", "4 2 5 1", "6 1 2 1", "1.5 2", f"{2**63} 1", f"1 {2**63 - 1}"],
)
def test_refuses_what_is_no_mask_of_this_size(text: str) -> None:
    with pytest.raises(MaskError):
        rle.decode(text, 3, 4)
