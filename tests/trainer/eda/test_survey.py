"""What is seen on a picture: its size, levels and colour, areas, connected regions and their centres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.eda.survey import centres, regions, survey
from tests.trainer.data.folders import box_runs, noise_picture, write_picture, write_severstal, write_table

if TYPE_CHECKING:
    from pathlib import Path


def test_pixels_that_touch_at_a_corner_are_one_region() -> None:
    mask = np.zeros((6, 9), bool)
    mask[1, 2] = mask[2, 3] = True
    mask[5, 6:9] = True
    assert regions(mask).tolist() == [[2, 1, 3, 2], [6, 5, 8, 5]]
    assert centres(regions(mask)).tolist() == [[2.5, 1.5], [7.0, 5.0]]
    assert regions(np.zeros((6, 9), bool)).shape == (0, 4)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.floats(0.02, 0.5))
def test_boxes_hold_all_damage_and_touch_it_on_every_side(seed: int, density: float) -> None:
    mask = np.random.default_rng(seed).random((20, 30)) < density
    boxes = regions(mask)
    assert len(boxes) == ndimage.label(mask, np.ones((3, 3)))[1]
    covered = np.zeros_like(mask)
    for left, top, right, bottom in boxes:
        part = mask[top : bottom + 1, left : right + 1]
        covered[top : bottom + 1, left : right + 1] = True
        assert part[0].any()
        assert part[-1].any()
        assert part[:, 0].any()
        assert part[:, -1].any()
    assert not (mask & ~covered).any()


def test_areas_and_places_of_run_length_masks(tmp_path: Path) -> None:
    write_severstal(tmp_path, [(1,), ()])
    runs = f"{box_runs(10, 100, 30, 140)} {box_runs(50, 700, 60, 900)}"
    write_table(tmp_path / "train.csv", ("ImageId", "ClassId", "EncodedPixels"), [("0.jpg", 2, runs)])
    first, second = survey(open_data(tmp_path))
    assert first.size == (256, 1600)
    assert first.gray
    defect = first.defects[0]
    assert (defect.number, defect.area) == (1, 20 * 40 + 10 * 200)
    assert defect.boxes.tolist() == [[100, 10, 139, 29], [700, 50, 899, 59]]
    assert second.defects == ()
    assert second.levels is not None
    assert second.levels.sum() == 3 * 256 * 1600


def test_colour_is_noticed_and_levels_are_counted_by_channel(tmp_path: Path) -> None:
    pixels = np.zeros((40, 50, 3), np.uint8)
    pixels[..., 0], pixels[:, :10, 1] = 200, 90
    (tmp_path / "clean").mkdir()
    Image.fromarray(pixels).save(tmp_path / "clean" / "a.png")
    write_picture(tmp_path / "defect" / "b.png", noise_picture(1, 40, 50))
    coloured, gray = survey(open_data(tmp_path))
    assert (coloured.gray, gray.gray) == (False, True)
    assert coloured.levels is not None
    assert coloured.levels[0, 200] == coloured.levels[2, 0] == 2000
    assert coloured.levels[1, 90] == 400
    assert gray.defects[0].area is None


def test_pictures_are_seen_upright_and_at_all_depths(tmp_path: Path) -> None:
    write_picture(tmp_path / "defect" / "deep.png", noise_picture(1, 40, 60).astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    (tmp_path / "clean").mkdir()
    Image.fromarray(noise_picture(2, 40, 60)).save(tmp_path / "clean" / "turned.jpg", exif=exif)
    turned, deep = survey(open_data(tmp_path))
    assert (turned.size, deep.size) == ((60, 40), (40, 60))
    assert deep.levels is not None
    expected = np.bincount(noise_picture(1, 40, 60).ravel(), minlength=256)
    assert np.array_equal(deep.levels[0], expected)


def test_table_alone_has_areas_but_no_levels(tmp_path: Path) -> None:
    rows = [("a.jpg_1", "1 40"), ("a.jpg_2", ""), ("b.jpg_1", ""), ("b.jpg_2", "")]
    write_table(tmp_path / "train.csv", ("ImageId_ClassId", "EncodedPixels"), rows)
    first, second = survey(open_data(tmp_path, tables_only=True))
    assert first.defects[0].area == 40
    assert first.levels is None
    assert second.defects == ()
