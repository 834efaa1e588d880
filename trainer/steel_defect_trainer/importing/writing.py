"""Writes what labels say as a table `labels.csv`, with pictures and masks beside it."""

from __future__ import annotations

import csv
import os
import re
import shutil
from collections import Counter
from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from PIL import Image

from steel_defect_trainer.data.generic import BOXES, TABLE
from steel_defect_trainer.data.label_words import CLEAN
from steel_defect_trainer.data.mask_rules import COLUMN
from steel_defect_trainer.data.parallel import with_progress
from steel_defect_trainer.data.sizes import upright_size
from steel_defect_trainer.errors import DataError
from steel_defect_trainer.importing.areas import Polygons
from steel_defect_trainer.importing.described import Box, MaskPicture

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect_trainer.importing.described import Area, Described, Mark

_Row: TypeAlias = tuple[str, str, str, str, str]
_HEADER: Final = ("file", "label", "mask", COLUMN, BOXES)
_VOID: Final = 255
_DAMAGE: Final = 1
_FEW: Final = 3


@dataclass(frozen=True)
class Labelled:
    """A picture that goes into the table.

    Attributes:
        path: of the file as it is.
        name: that it gets in the table.
        described: its labels; None for a clean one.
    """

    path: Path
    name: str
    described: Described | None


def write_table(pictures: Sequence[Labelled], folder: Path) -> Counter[tuple[str, str]]:
    """Write the table, the masks, and the pictures, which are linked where the disk allows and else copied.

    Args:
        pictures: all of them.
        folder: to write into; it must not exist.

    Returns:
        How many pictures have each label, and how its place is known.

    Raises:
        DataError: labels are of a picture of another size, or a place in them cannot be drawn.
        OSError: the folder cannot be written.
    """

    def one(picture: Labelled) -> list[_Row] | DataError:
        try:
            rows = _rows(picture, parts, folder)
        except DataError as error:
            return error
        _put(picture.path, folder / picture.name)
        return rows

    parts = _folder_names({mark.label for item in pictures if item.described for mark in item.described.marks})
    folder.mkdir(parents=True)
    written = list(with_progress("importing", pictures, one))
    faults = [item for item in written if isinstance(item, DataError)]
    if faults:
        more = f" ({len(faults)} pictures have such faults)" if len(faults) > 1 else ""
        message = f"{faults[0]}{more}"
        raise DataError(message)
    rows = [row for item in written if isinstance(item, list) for row in item]
    with (folder / TABLE).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_HEADER)
        writer.writerows(rows)
    return Counter((row[1], "mask" if row[2] else "boxes" if row[4] else "no place") for row in rows)


def _rows(picture: Labelled, parts: Mapping[str, str], folder: Path) -> list[_Row]:
    described = picture.described
    if described is None:
        return [(picture.name, CLEAN, "", "", "")]
    size = upright_size(picture.path)
    if described.size is not None and described.size != size:
        message = (
            f"{described.where}: the labels are of a picture of {described.size[1]} x {described.size[0]} pixels, and "
            f"{picture.path} has {size[1]} x {size[0]} as it is seen upright"
        )
        raise DataError(message)
    by_label: dict[str, list[Mark]] = {}
    for mark in described.marks:
        by_label.setdefault(mark.label, []).append(mark)
    rows = []
    for label, marks in by_label.items():
        mask = f"masks/{parts[label]}/{picture.name.partition('/')[2]}.png"
        try:
            rows.append((picture.name, label, *_place(marks, described.void, size, folder, mask)))
        except _NoPixel as error:
            message = f"{described.where}: {error} of {label} has no pixel inside of {picture.path}"
            raise DataError(message) from error
    return rows


class _NoPixel(Exception):
    """Nothing is left of a place inside of the picture; says what it is."""


def _place(
    marks: list[Mark], void: Area | None, size: tuple[int, int], folder: Path, mask: str
) -> tuple[str, str, str]:
    """The columns for the place of one label; `mask` is the file to write, if one is needed."""
    places = [mark.place for mark in marks if mark.place is not None]
    boxes = [_whole(place, size) for place in places if isinstance(place, Box)]
    files = [place for place in places if isinstance(place, MaskPicture)]
    areas = [place for place in places if not isinstance(place, Box | MaskPicture)]
    # A shape without an area is somewhere too: to call the rest sound would be wrong.
    if not places or any(mark.partial for mark in marks):
        return "", "", ""
    if files:
        name = mask.removesuffix(".png") + files[0].path.suffix
        _put(files[0].path, folder / name)
        return name, "", ""
    if not areas:
        return "", "", ";".join(" ".join(map(str, box)) for box in boxes)
    drawn = _drawn(areas, boxes, void, size)
    if not (drawn == _DAMAGE).any():
        if not any(isinstance(area, Polygons) for area in areas):
            return "", "", ""  # an empty mask: where the damage is was not drawn
        message = "a shape"
        raise _NoPixel(message)
    (folder / mask).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(drawn).save(folder / mask)
    return mask, str(_DAMAGE), ""


def _drawn(
    areas: Sequence[Area], boxes: Sequence[tuple[int, ...]], void: Area | None, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """1 is damage, and 255 unknown: most of a box may be sound."""
    drawn = np.zeros(size, np.uint8)
    if void is not None:
        drawn[void.mask(size)] = _VOID
    for left, top, right, bottom in boxes:
        drawn[top:bottom, left:right] = _VOID
    for area in areas:
        drawn[area.mask(size)] = _DAMAGE
    return drawn


def _whole(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """All pixels that a box touches, as left, top, right and bottom, the last two behind it."""
    left, top = max(0, floor(box.left)), max(0, floor(box.top))
    right, bottom = min(size[1], ceil(box.right)), min(size[0], ceil(box.bottom))
    if left >= right or top >= bottom:
        message = "a box"
        raise _NoPixel(message)
    return left, top, right, bottom


def _folder_names(labels: Iterable[str]) -> dict[str, str]:
    """Each label as the name of a folder of its own."""
    names: dict[str, str] = {}
    for label in sorted(labels):
        plain = re.sub(r"[^\w-]+", "_", label).casefold()
        names[label] = plain if plain not in names.values() else f"{plain}-{len(names)}"
    return names


def _put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)


def few(names: Sequence[object]) -> str:
    """The first few of many, in words."""
    more = f" and {len(names) - _FEW:,} more" if len(names) > _FEW else ""
    return ", ".join(map(str, names[:_FEW])) + more
