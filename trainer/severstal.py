"""Severstal pictures: folders as Kaggle lays them out, and the few loose real ones this project was developed on."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Final

import numpy as np

from trainer import rle
from trainer.strips import UNKNOWN, StripLabel, StripSet, cells_of_mask, grid_shape, load_strips

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect.contract import InputSpec

HEIGHT: Final = 256
WIDTH: Final = 1600


def read_folder(folder: Path, spec: InputSpec) -> StripSet:
    """Read `train.csv` (ImageId, ClassId, EncodedPixels; defects only) and all of `train_images/*.jpg`.

    Raises:
        MaskError: with the row, where a mask cannot be read.
        SteelDefectError: a picture cannot be decoded.
    """
    cells: dict[str, NDArray[np.int8]] = defaultdict(lambda: np.zeros(grid_shape(spec), np.int8))
    classes: dict[str, set[int]] = defaultdict(set)
    with (folder / "train.csv").open(newline="") as table:
        for number, row in enumerate(csv.DictReader(table), 2):
            try:
                mask = rle.decode(row["EncodedPixels"], HEIGHT, WIDTH)
            except rle.MaskError as error:
                message = f"train.csv, row {number}: {error}"
                raise rle.MaskError(message) from error
            cells[row["ImageId"]][int(row["ClassId"]) - 1] = cells_of_mask(mask, spec)
            classes[row["ImageId"]].add(int(row["ClassId"]))
    names = sorted(path.name for path in (folder / "train_images").glob("*.jpg"))
    labels = [StripLabel(name, folder.name, frozenset(classes[name]), cells[name]) for name in names]
    return load_strips(folder / "train_images", labels, spec)


def read_loose_pictures(folder: Path, spec: InputSpec) -> StripSet:
    """Read the developers' real pictures: `labels.csv`, `train_images/` and, for where, `train_bboxes.csv`.

    A picture has one row of boxes for each of its classes. The class is not named, but the rows come in the order of
    the classes: over all 6,666 defect pictures no class has a larger mask than the boxes that this order gives it.
    """
    boxes: dict[str, list[list[list[int]]]] = defaultdict(list)
    with (folder / "train_bboxes.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            boxes[row["ImageId"]].append(json.loads(row["bboxes"]))
    labels = []
    with (folder / "labels.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            numbers = sorted(int(word) for word in row["ClassIds"].split())
            cells = np.zeros(grid_shape(spec), np.int8)
            for number, its_boxes in zip(numbers, boxes[row["ImageId"]], strict=True):
                cells[number - 1] = _cells_of_boxes(its_boxes, spec)
            labels.append(StripLabel(row["file"], row["source_repo"], frozenset(numbers), cells))
    return load_strips(folder / "train_images", labels, spec)


def read_agreed_pictures(folder: Path, spec: InputSpec) -> StripSet:
    """Read the pictures of Kaggle's test part for which two public competition models name the same classes.

    These are pseudo-labels: good enough to learn from beside true ones, never to be measured against.
    """
    labels = []
    with (folder / "test_images.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            one, other = row["pseudo_classes_model_a"], row["pseudo_classes_model_b"]
            if "NA" in {one, other} or one != other:
                continue
            numbers = frozenset(int(word) for word in one.split() if word != "none")
            cells = np.zeros(grid_shape(spec), np.int8)
            cells[[number - 1 for number in numbers]] = UNKNOWN
            labels.append(StripLabel(row["ImageId"], "agreed", numbers, cells))
    return load_strips(folder / "test_images", labels, spec)


def _cells_of_boxes(boxes: list[list[int]], spec: InputSpec) -> NDArray[np.int8]:
    """Boxes as a mask; what is only in boxes wider than half the strip is unknown, for most of such a box is sound."""
    near, far = np.zeros((HEIGHT, WIDTH), np.bool_), np.zeros((HEIGHT, WIDTH), np.bool_)
    for top, left, bottom, right in boxes:
        mask = near if right - left <= WIDTH // 2 else far
        mask[top : bottom + 1, left : right + 1] = True
    cells = cells_of_mask(near, spec)
    return np.where((cells == 0) & (cells_of_mask(far, spec) != 0), UNKNOWN, cells).astype(np.int8)
