"""Layouts for a user's own line: folders `defect/` and `clean/`, or a table `labels.csv`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from steel_defect_trainer.data.dataset import DataSet, LabelledPicture
from steel_defect_trainer.data.masks import PictureMask
from steel_defect_trainer.data.pictures import pictures_below
from steel_defect_trainer.data.tables import rows
from steel_defect_trainer.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

TABLE: Final = "labels.csv"
DEFECT: Final = "defect"
CLEAN: Final = "clean"


def open_folders(folder: Path) -> DataSet:
    """Read `defect/` and `clean/`, each searched through; the one class is called "defect", its place is unknown.

    Raises:
        DataError: one of the two is missing.
    """
    for name in (DEFECT, CLEAN):
        if not (folder / name).is_dir():
            message = f"{folder} has no folder {name}/; a layout of folders has {DEFECT}/ and {CLEAN}/"
            raise DataError(message)
    names = [
        (path.relative_to(folder).as_posix(), part == DEFECT)
        for part in (DEFECT, CLEAN)
        for path in pictures_below(folder / part)
    ]
    pictures = [LabelledPicture(name, frozenset({0} if defect else ()), {}, name) for name, defect in sorted(names)]
    return DataSet(folder, (DEFECT,), tuple(pictures))


@dataclass
class _Rows:
    """The content of the rows of one picture."""

    row: int
    group: str
    labels: dict[str, PictureMask | None] = field(default_factory=dict)


def open_table(table: Path, root: Path | None = None) -> DataSet:
    """Read a table `file,label[,mask][,group]`.

    `file` is relative to `root`, by default the folder of the table. `label` is "clean" or the name
    of a class; a picture with two classes has two rows. `mask`, if it is known, is a picture as large as the file,
    bright on that class. Pictures with the same `group`, for example of one coil, stay together when data is split.
    Classes are numbered in the order of their names.

    Raises:
        DataError: the table cannot be used or a picture is missing; names file and row.
    """
    root = root or table.parent
    found: dict[str, _Rows] = {}
    for row, values in rows(table, ("file", "label")):
        where = f"{table}, row {row}"
        name, label, mask = values["file"].strip(), values["label"].strip(), values.get("mask", "").strip()
        label = CLEAN if label.casefold() == CLEAN else label
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
        picture.labels[label] = PictureMask(root / mask, where) if mask else None
    class_names = tuple(sorted({label for picture in found.values() for label in picture.labels} - {CLEAN}))
    number_of = {name: number for number, name in enumerate(class_names)}
    pictures = []
    for name, picture in sorted(found.items()):
        labels = {number_of[label]: mask for label, mask in picture.labels.items() if label != CLEAN}
        masks = {number: mask for number, mask in labels.items() if mask is not None}
        pictures.append(LabelledPicture(name, frozenset(labels), masks, picture.group))
    return DataSet(root, class_names, tuple(pictures))
