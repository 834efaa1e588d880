"""Reading labels: cells from masks, boxes and pseudo-labels, and errors that name the row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from steel_defect.contract import InputSpec
from trainer import severstal
from trainer.rle import MaskError
from trainer.strips import cells_of_mask
from trainer.synthetic import draw_strip, to_jpeg

if TYPE_CHECKING:
    from pathlib import Path

SPEC = InputSpec()


def test_cells_of_a_mask_are_damaged_sound_or_unknown() -> None:
    mask = np.zeros((256, 1600), bool)
    mask[64:128, 128:192] = True  # exactly the cell in row 1, column 2
    mask[0, 0] = True  # far too little to tell
    cells = cells_of_mask(mask, SPEC)
    assert cells.shape == (4, 25)
    assert cells[1, 2] == 1
    assert cells[0, 0] == -1
    assert (cells == 0).sum() == 98


def test_a_broken_mask_is_reported_with_its_row(tmp_path: Path) -> None:
    (tmp_path / "train_images").mkdir()
    (tmp_path / "train_images" / "a.jpg").write_bytes(to_jpeg(draw_strip(1, 1).pixels))
    (tmp_path / "train.csv").write_text("ImageId,ClassId,EncodedPixels\na.jpg,1,1 5\na.jpg,2,1 2 3\n")
    with pytest.raises(MaskError, match=r"train\.csv, row 3"):
        severstal.read_folder(tmp_path, SPEC)


def test_real_pictures_have_their_labels_and_boxes(severstal_folder: Path) -> None:
    real = severstal.read_loose_pictures(severstal_folder, SPEC)
    assert real.pixels.shape == (56, 128, 800)
    assert real.defect.sum() == 43
    assert len(set(real.sources)) == 7
    # Cells are damaged or unknown only for classes that the strip has, and every class of a strip is somewhere.
    assert np.array_equal((real.cells != 0).any(axis=(2, 3)), real.classes == 1)


def test_agreed_pictures_are_never_labelled_ones(severstal_folder: Path) -> None:
    agreed = severstal.read_agreed_pictures(severstal_folder, SPEC)
    real = severstal.read_loose_pictures(severstal_folder, SPEC)
    assert len(agreed) == 26
    assert not set(agreed.names) & set(real.names)
    assert (agreed.cells != 1).all()
