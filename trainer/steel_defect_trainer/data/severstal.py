"""Folders as Kaggle laid out Severstal's pictures: `train.csv` and `train_images/`, in both formats it published."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from steel_defect_trainer.data.dataset import DataSet, LabelledPicture
from steel_defect_trainer.data.masks import RunLengthMask
from steel_defect_trainer.data.tables import header, rows
from steel_defect_trainer.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEIGHT: Final = 256
WIDTH: Final = 1600
TABLE: Final = "train.csv"
PICTURES: Final = "train_images"
# Severstal numbers its four classes and does not name them; the names say what is seen in them.
CLASSES: Final = {1: "pits", 2: "cracks", 3: "scratches", 4: "rolled-in scale"}
CLASS_NAMES: Final = tuple(f"class {number}" for number in CLASSES)


@dataclass(frozen=True)
class Annotation:
    """One row of `train.csv`: a picture, one of its classes from 0, and its runs; no runs if it has none of it."""

    row: int
    name: str
    number: int
    runs: str


def read_annotations(path: Path) -> Iterator[Annotation]:
    """The rows of a `train.csv`, whichever of the two formats it has.

    `ImageId,ClassId,EncodedPixels` has a row for each defect. `ImageId_ClassId,EncodedPixels`, where the first column
    is `0002cc93b.jpg_1`, has four rows a picture, with nothing in the second if the picture has none of the class.

    Raises:
        DataError: the table cannot be used; names file and row.
    """
    joined = _is_joined(path)
    columns = ("ImageId_ClassId", "EncodedPixels") if joined else ("ImageId", "ClassId", "EncodedPixels")
    seen: dict[tuple[str, int], int] = {}
    for row, values in rows(path, columns):
        if joined:
            name, _, number = values["ImageId_ClassId"].rpartition("_")
        else:
            name, number = values["ImageId"], values["ClassId"]
        if number not in map(str, CLASSES) or not name:
            message = f"{path}, row {row}: unknown class {number!r} of picture {name!r}; the classes are 1 to 4"
            raise DataError(message)
        annotation = Annotation(row, name, int(number) - 1, values["EncodedPixels"].strip())
        if not annotation.runs and not joined:
            message = f"{path}, row {row}: {name} has class {number} but no EncodedPixels; leave out what has none"
            raise DataError(message)
        if (name, annotation.number) in seen:
            message = f"{path}, row {row}: class {number} of {name} is in row {seen[name, annotation.number]} already"
            raise DataError(message)
        seen[name, annotation.number] = row
        yield annotation


def _is_joined(path: Path) -> bool:
    return "ImageId_ClassId" in header(path)


def open_severstal(folder: Path, *, tables_only: bool = False) -> DataSet:
    """Read the labels of a Severstal folder.

    Every picture of the folder without a defect in the table is clean. With `tables_only` the pictures are those of the
    table: in the format with defects only, no clean ones.

    Raises:
        DataError: the table cannot be used, or a picture that it names is missing.
    """
    table = folder / TABLE
    first_row: dict[str, int] = {}
    masks: dict[str, dict[int, RunLengthMask]] = defaultdict(dict)
    for annotation in read_annotations(table):
        first_row.setdefault(annotation.name, annotation.row)
        if annotation.runs:
            where = f"{table}, row {annotation.row}"
            masks[annotation.name][annotation.number] = RunLengthMask(annotation.runs, where)
    if tables_only:
        names = sorted(first_row)
    else:
        names = sorted(path.name for path in (folder / PICTURES).glob("*.jpg"))
        missing = sorted(first_row.keys() - set(names), key=first_row.__getitem__)
        if missing:
            message = f"{table}, row {first_row[missing[0]]}: picture {PICTURES}/{missing[0]} is missing"
            raise DataError(message)
        unlabelled = set(names) - first_row.keys() if _is_joined(table) else ()
        if unlabelled:
            message = (
                f"{table} has no rows of picture {PICTURES}/{min(unlabelled)}; in this format each picture has four"
            )
            raise DataError(message)
    return DataSet(
        folder,
        CLASS_NAMES,
        tuple(
            LabelledPicture(
                f"{PICTURES}/{name}", frozenset(masks.get(name, ())), masks.get(name, {}), f"{PICTURES}/{name}"
            )
            for name in names
        ),
        size=(HEIGHT, WIDTH),
        present=not tables_only,
    )
