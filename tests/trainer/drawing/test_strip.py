"""Drawn strips: the same for the same seed, in Severstal's layout, damaged where the mask says so."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from steel_defect.contract import InputSpec
from steel_defect_trainer.data import rle
from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.data.load import load
from steel_defect_trainer.data.severstal import HEIGHT, WIDTH
from steel_defect_trainer.drawing import surface
from steel_defect_trainer.drawing.samples import SAMPLES, write_samples
from steel_defect_trainer.drawing.strip import DRAW, draw_strip, write_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_same_seed_same_pixels_and_other_seed_others() -> None:
    one, same = draw_strip(3, 5, classes=(3,)), draw_strip(3, 5, classes=(3,))
    assert np.array_equal(one.pixels, same.pixels)
    assert np.array_equal(one.masks[3], same.masks[3])
    assert not np.array_equal(one.pixels, draw_strip(4, 5, classes=(3,)).pixels)
    assert not np.array_equal(one.pixels, draw_strip(3, 6, classes=(3,)).pixels)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_damage_changes_the_strip_inside_its_mask(number: int) -> None:
    steel = np.ones((HEIGHT, WIDTH), np.float32)
    for seed in range(6):
        strip = surface.rolled_steel(np.random.default_rng(seed))
        damaged, mask = DRAW[number](np.random.default_rng(seed + 100), strip, steel)
        change = np.abs(damaged - strip) / strip
        assert mask.shape == damaged.shape == (HEIGHT, WIDTH)
        assert change[mask].mean() > 0.05
        assert change[mask].mean() > 5 * change[~mask].mean()


def test_a_strip_has_the_masks_of_its_classes_on_the_steel_alone() -> None:
    strip = draw_strip(11, 3, classes=(3, 4), mark="edge")
    assert set(strip.masks) == {3, 4}
    assert "edge" in strip.marks
    for mask in strip.masks.values():
        assert mask.sum() >= 400
        assert strip.pixels[mask].mean() > 15


def test_half_are_clean_and_scratches_lead() -> None:
    strips = [draw_strip(21, index) for index in range(60)]
    clean = sum(not strip.masks for strip in strips)
    assert 18 <= clean <= 42
    assert sum(3 in strip.masks for strip in strips) > sum(1 in strip.masks for strip in strips)
    assert {"paint", "edge", "water"} <= {mark for strip in strips for mark in strip.marks}


def test_folder_has_severstals_layout_and_reads_back(tmp_path: Path) -> None:
    write_folder(tmp_path, count=8, seed=5, processes=2)
    names = sorted(path.name for path in (tmp_path / "train_images").iterdir())
    assert len(names) == 8
    for name in names:
        with Image.open(tmp_path / "train_images" / name) as image:
            assert (image.format, image.size, image.mode) == ("JPEG", (WIDTH, HEIGHT), "L")
    drawn = [draw_strip(5, index) for index in range(8)]
    with (tmp_path / "train.csv").open(newline="") as table:
        reader = csv.DictReader(table)
        assert reader.fieldnames == ["ImageId", "ClassId", "EncodedPixels"]
        rows = list(reader)
    assert len(rows) == sum(len(strip.masks) for strip in drawn)
    for row in rows:
        strip = drawn[names.index(row["ImageId"])]
        assert np.array_equal(rle.decode(row["EncodedPixels"], HEIGHT, WIDTH), strip.masks[int(row["ClassId"])])
    read = load(open_data(tmp_path), InputSpec(), tmp_path / "cache")
    assert read.pixels.shape == (8, 128, 800)
    assert [bool(strip.masks) for strip in drawn] == read.defect.tolist()
    assert np.array_equal(read.classes, (read.cells == 1).any(axis=(2, 3)))


def test_samples_are_those_of_the_command(samples: list[Path], tmp_path: Path) -> None:
    # Another version of libjpeg may encode differently, hence pixels and not bytes.
    write_samples(tmp_path)
    for sample in SAMPLES:
        with Image.open(samples[0].parent / sample.name) as ours, Image.open(tmp_path / sample.name) as drawn:
            difference = np.abs(np.asarray(ours, np.int64) - np.asarray(drawn, np.int64))
        assert difference.mean() < 1, sample.name
