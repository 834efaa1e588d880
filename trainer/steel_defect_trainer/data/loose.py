"""The few loose real pictures of Severstal's set that this project was developed on, with what is known of them."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from steel_defect_trainer.data.dataset import DataSet, LabelledPicture
from steel_defect_trainer.data.masks import BoxMask, RunLengthMask
from steel_defect_trainer.data.severstal import CLASS_NAMES, HEIGHT, WIDTH, read_annotations
from steel_defect_trainer.data.tables import rows

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect_trainer.data.dataset import MaskSource
    from steel_defect_trainer.data.masks import Box


def open_loose_pictures(folder: Path) -> DataSet:
    """Read the labelled ones: `labels.csv`, `train_images/` and, for where, `masks.csv` or else `train_bboxes.csv`.

    A picture has one row of boxes for each of its classes. The class is not named, but the rows come in the order of
    the classes: over all 6,666 defect pictures no class has a larger mask than the boxes that this order gives it.

    Raises:
        DataError: a table cannot be used.
    """
    boxes: dict[str, list[tuple[Box, ...]]] = defaultdict(list)
    for _, row in rows(folder / "train_bboxes.csv", ("ImageId", "bboxes")):
        boxes[row["ImageId"]].append(tuple(tuple(box) for box in json.loads(row["bboxes"])))
    exact = _masks(folder / "masks.csv")
    pictures = []
    for _, row in rows(folder / "labels.csv", ("file", "ImageId", "ClassIds", "source_repo")):
        numbers = sorted(int(word) - 1 for word in row["ClassIds"].replace("|", " ").split())
        masks: dict[int, MaskSource] = dict(zip(numbers, map(BoxMask, boxes[row["ImageId"]]), strict=True))
        masks |= {number: mask for number, mask in exact[row["ImageId"]].items() if number in masks}
        pictures.append(
            LabelledPicture(f"train_images/{row['file']}", frozenset(numbers), masks, group=row["source_repo"])
        )
    return _severstal(folder, pictures)


def _masks(table: Path) -> dict[str, dict[int, RunLengthMask]]:
    """Picture to class to its true mask, as far as the table has them; a folder may have no such table."""
    masks: dict[str, dict[int, RunLengthMask]] = defaultdict(dict)
    if table.exists():
        for annotation in read_annotations(table):
            where = f"{table}, row {annotation.row}"
            masks[annotation.name][annotation.number] = RunLengthMask(annotation.runs, where)
    return masks


def open_agreed_pictures(folder: Path) -> DataSet:
    """Read the pictures of Kaggle's test part for which two public competition models name the same classes.

    These are pseudo-labels: good enough to learn from beside true ones, never to be measured against.

    Raises:
        DataError: the table cannot be used.
    """
    pictures = []
    columns = ("ImageId", "pseudo_classes_model_a", "pseudo_classes_model_b")
    for _, row in rows(folder / "test_images.csv", columns):
        one, other = row["pseudo_classes_model_a"], row["pseudo_classes_model_b"]
        if "NA" in {one, other} or one != other:
            continue
        numbers = frozenset(int(word) - 1 for word in one.split() if word != "none")
        pictures.append(LabelledPicture(f"test_images/{row['ImageId']}", numbers, {}, group="agreed"))
    return _severstal(folder, pictures)


def open_unlabelled_pictures(folder: Path) -> DataSet:
    """Read all pictures of Kaggle's test part. Nothing is known of them: they are taken for clean, and are not.

    Raises:
        DataError: the table cannot be used.
    """
    names = [row["ImageId"] for _, row in rows(folder / "test_images.csv", ("ImageId",))]
    return _severstal(folder, [LabelledPicture(f"test_images/{name}", frozenset(), {}, group=name) for name in names])


def _severstal(folder: Path, pictures: list[LabelledPicture]) -> DataSet:
    return DataSet(folder, CLASS_NAMES, tuple(sorted(pictures, key=lambda picture: picture.name)), (HEIGHT, WIDTH))
