"""The developers' real pictures: their labels, the boxes of their damage, and pseudo-labels.

How many there are is not counted here: the folder is outside the repository, and it grows.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest

from steel_defect.contract import InputSpec
from steel_defect_trainer.data.load import load
from steel_defect_trainer.data.loose import open_agreed_pictures, open_loose_pictures

if TYPE_CHECKING:
    from pathlib import Path


def test_real_pictures_have_their_labels_and_boxes(severstal: Path, tmp_path: Path) -> None:
    with (severstal / "labels.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    real = load(open_loose_pictures(severstal), InputSpec(), tmp_path)
    assert real.pixels.shape == (len(table), 128, 800)
    assert real.defect.sum() == sum(row["IsDefect"] == "1" for row in table)
    assert set(real.groups) == {row["source_repo"] for row in table}
    # Cells are damaged or unknown only for classes that the strip has, and every class of a strip is somewhere.
    assert np.array_equal((real.cells != 0).any(axis=(2, 3)), real.classes == 1)


def test_agreed_pictures_are_never_labelled_ones(severstal: Path, tmp_path: Path) -> None:
    agreed = load(open_agreed_pictures(severstal), InputSpec(), tmp_path)
    real = open_loose_pictures(severstal)
    assert len(agreed) > 0
    assert not {name.split("/")[-1] for name in agreed.names} & {item.name.split("/")[-1] for item in real.pictures}
    assert (agreed.cells != 1).all()


def test_true_masks_stand_where_there_are_some_and_boxes_elsewhere(severstal: Path, tmp_path: Path) -> None:
    with (severstal / "masks.csv").open(newline="") as file:
        masks = {(row["ImageId"], int(row["ClassId"]) - 1): row["EncodedPixels"] for row in csv.DictReader(file)}
    real = load(open_loose_pictures(severstal), InputSpec(height=256, width=1600), tmp_path)
    known = (real.masks > 0).any(axis=(2, 3))
    assert known.sum() == len(masks)
    areas = sum(sum(map(int, text.split()[1::2])) for text in masks.values())
    assert np.maximum(real.masks, 0).sum(dtype=np.int64) * 16 / 100 == pytest.approx(areas, rel=1e-3)
    # A class without a mask is somewhere in its boxes, and nothing more is known.
    boxed = (real.classes == 1) & ~known
    assert boxed.any()
    assert (real.masks[boxed] == -1).any(axis=(1, 2)).all()
