"""The input has the shape of the pictures, at the recipe's number of pixels, and it is said how much they fill."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steel_defect.contract import InputSpec
from steel_defect.image import decode
from steel_defect_trainer.data.input_shape import canvas, fitting_input, picture_sizes
from steel_defect_trainer.data.layouts import open_data
from tests.trainer.data.folders import noise_picture, write_picture, write_severstal

if TYPE_CHECKING:
    from pathlib import Path

STRIP = InputSpec(height=128, width=800)


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ((256, 1600), (128, 800)),
        ((1600, 256), (800, 128)),
        ((1260, 500), (512, 192)),
        ((300, 300), (320, 320)),
        ((100, 4000), (64, 1600)),
    ],
)
def test_the_shape_is_that_of_the_pictures_at_the_same_budget(size: tuple[int, int], shape: tuple[int, int]) -> None:
    spec = fitting_input(STRIP, [size])
    assert (spec.height, spec.width) == shape
    assert spec.height * spec.width <= STRIP.height * STRIP.width


@pytest.mark.parametrize("width", range(40, 3000, 97))
@pytest.mark.parametrize("height", [64, 256, 1260])
def test_no_shape_within_the_budget_shows_a_picture_larger(height: int, width: int) -> None:
    def shown(high: int, wide: int) -> float:
        return min(high / height, wide / width)

    best = max(shown(h, w) for h in range(32, 3201, 32) for w in range(32, 102400 // h + 1, 32))
    spec = fitting_input(STRIP, [(height, width)])
    assert shown(spec.height, spec.width) >= 0.999 * best


def test_what_is_squashed_keeps_its_shape() -> None:
    square = InputSpec(height=384, width=384, resize="stretch")
    assert fitting_input(square, [(1260, 500)]) == square
    assert canvas(square, [(1260, 500)]).warning is None


def test_a_tall_picture_in_the_default_is_warned_of(tmp_path: Path) -> None:
    """The picture of 500 x 1260 that kept 1 % of its pixels, as the decoder shows it, too."""
    write_picture(tmp_path / "a.png", noise_picture(0, 1260, 500))
    decoded = decode((tmp_path / "a.png").read_bytes(), STRIP)
    lie = canvas(STRIP, [(1260, 500)])
    assert decoded.content == (128, 51)
    assert lie.filled == pytest.approx(128 * 51 / (128 * 800), rel=0.01)
    assert str(lie).endswith("is filled to 6% by the median picture, which has 1.0% of its own pixels there.")
    assert lie.warning is not None
    assert "1 of 1 pictures fill less than half of the input of 800 x 128" in lie.warning
    fitted = canvas(fitting_input(STRIP, [(1260, 500)]), [(1260, 500)])
    assert fitted.warning is None
    assert fitted.filled > 0.9


def test_sizes_are_those_of_upright_pictures_in_all_formats(tmp_path: Path) -> None:
    for label in ("clean", "defect"):
        write_picture(tmp_path / label / f"{label}.tif", noise_picture(len(label), 48, 96))
    assert picture_sizes(open_data(tmp_path)) == [(48, 96)] * 2
    assert picture_sizes(open_data(write_severstal(tmp_path / "severstal", [(1,), ()]))) == [(256, 1600)] * 2
