"""The layout for a user's own line: a table `labels.csv` of pictures, labels and masks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from steel_defect_trainer.data.dataset import DataSet, LabelledPicture
from steel_defect_trainer.data.label_words import CLEAN, DEFECT, check_class_names, is_clean
from steel_defect_trainer.data.mask_files import MaskRow, settle_masks
from steel_defect_trainer.data.mask_rules import COLUMN
from steel_defect_trainer.data.masks import BoxMask, read_boxes
from steel_defect_trainer.data.same_bytes import check_same_bytes
from steel_defect_trainer.data.tables import rows
from steel_defect_trainer.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect_trainer.data.dataset import MaskSource

TABLE: Final = "labels.csv"
BOXES: Final = "boxes"


@dataclass
class _Rows:
    """The content of the rows of one picture."""

    row: int
    group: str
    labels: dict[str, MaskRow | BoxMask | None] = field(default_factory=dict)


def open_table(table: Path, root: Path | None = None) -> DataSet:
    """Read a table `file,label[,mask][,mask_value][,boxes][,group]`.

    `file` is relative to `root`, by default the folder of the table. `label` is "clean", another word for it
    (`label_words.CLEAN_WORDS`), or the name of a class; a picture with two classes has two rows. `mask`, if it is
    known, is a picture as large as the file; `mask_files.settle_masks` has the rules by which it is read, and
    `mask_value` states a level or a colour instead. Where there is no mask, `boxes` has what `masks.read_boxes` reads.
    Pictures with the same `group`, for example of one coil, stay together when data is split. Classes are numbered in
    the order of their names; where all pictures are clean, the one class is called "defect".

    Raises:
        DataError: the table or a mask cannot be used, a picture is missing or there twice; names file and row.
    """
    root = root or table.parent
    found: dict[str, _Rows] = {}
    for row, values in rows(table, ("file", "label")):
        where = f"{table}, row {row}"
        name, label, mask = values["file"].strip(), values["label"].strip(), values.get("mask", "").strip()
        label = CLEAN if is_clean(label) else label
        if not name or not label:
            message = f"{where}: file and label must both be given; the label of a picture without defect is {CLEAN!r}"
            raise DataError(message)
        group = values.get("group", "").strip() or name
        picture = found.setdefault(name, _Rows(row, group))
        if label in picture.labels or (picture.labels and CLEAN in {label, *picture.labels}):
            message = f"{where}: {name} is {' and '.join(picture.labels)} by row {picture.row}, and {label} here"
            raise DataError(message)
        if group != picture.group:
            message = f"{where}: {name} is in group {picture.group} by row {picture.row}, and in {group} here"
            raise DataError(message)
        if label == CLEAN and mask:
            message = f"{where}: {name} is clean, so it has no mask; found {mask}"
            raise DataError(message)
        if not picture.labels and not (root / name).is_file():
            message = f"{where}: picture {root / name} is missing"
            raise DataError(message)
        value = values.get(COLUMN, "").strip()
        if value and not mask:
            message = f"{where}: {name} has {COLUMN} {value} and no mask; name the mask, or leave {COLUMN} out"
            raise DataError(message)
        boxes = values.get(BOXES, "").strip()
        if boxes and (mask or label == CLEAN):
            message = f"{where}: {name} has {BOXES}, and {'a mask too' if mask else 'is clean'}; leave one out"
            raise DataError(message)
        drawn = read_boxes(boxes, root / name, where) if boxes else None
        picture.labels[label] = MaskRow(root / name, label, root / mask, value, where) if mask else drawn
    labels = dict.fromkeys(label for picture in found.values() for label in picture.labels if label != CLEAN)
    class_names = tuple(sorted(labels)) or (DEFECT,)
    check_class_names(class_names, str(table))
    masks_of = settle_masks(
        [row for picture in found.values() for row in picture.labels.values() if isinstance(row, MaskRow)],
        {label: number for number, label in enumerate(labels, 1)},
        root,
    )
    number_of = {name: number for number, name in enumerate(class_names)}
    pictures = []
    for name, picture in sorted(found.items()):
        numbers = frozenset(number_of[label] for label in picture.labels if label != CLEAN)
        masks: dict[int, MaskSource] = {
            number_of[label]: place if isinstance(place, BoxMask) else masks_of[place.picture, label]
            for label, place in picture.labels.items()
            if place is not None
        }
        pictures.append(LabelledPicture(name, numbers, masks, picture.group))
    dataset = DataSet(root, class_names, tuple(pictures))
    check_same_bytes(dataset)
    return dataset
