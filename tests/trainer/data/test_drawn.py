"""The data set that needs no folder: drawn once, and the strips that its numbers ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from steel_defect_trainer.drawing.dataset import drawn
from steel_defect_trainer.drawing.strip import HARD_STRENGTH, draw_strip

if TYPE_CHECKING:
    from pathlib import Path


def test_strips_are_drawn_once_for_count_seed_and_strength(tmp_path: Path) -> None:
    dataset = drawn(3, 11, tmp_path)
    assert len(dataset) == 3
    times = [path.stat().st_mtime_ns for path in dataset.folder.rglob("*.jpg")]
    again = drawn(3, 11, tmp_path)
    assert again == dataset
    assert [path.stat().st_mtime_ns for path in again.folder.rglob("*.jpg")] == times
    others = {
        drawn(2, 11, tmp_path).folder,
        drawn(3, 12, tmp_path).folder,
        drawn(3, 11, tmp_path, HARD_STRENGTH).folder,
    }
    assert len(others - {dataset.folder}) == 3
    for index, picture in enumerate(dataset.pictures):
        strip = draw_strip(11, index)
        assert picture.classes == {number - 1 for number in strip.masks}
        with Image.open(dataset.folder / picture.name) as image:
            assert np.abs(np.asarray(image, np.int64) - strip.pixels).mean() < 3
