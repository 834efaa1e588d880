"""The public magnetic tile set, brought into the generic layout: pictures of surfaces with five kinds of defects."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from steel_defect_trainer.data.generic import TABLE, open_table
from steel_defect_trainer.data.label_words import CLEAN
from steel_defect_trainer.data.near_duplicates import group_near_duplicates
from steel_defect_trainer.data.tables import rows
from steel_defect_trainer.files import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect_trainer.data.dataset import DataSet

_FREE: Final = "Free"
# Six masks of large uneven surfaces have 0, 1 or 3 bright pixels; the smallest defect has 26.
_LEAST_PIXELS: Final = 20
_BRIGHT: Final = 127


def open_magnetic_tiles(folder: Path, work: Path) -> DataSet:
    """Read the tiles: five classes, masks, and groups of pictures of one surface, for splitting.

    Args:
        folder: with `labels.csv` (`file,class,...`), `images/` and `masks/` (same names, .png).
        work: folder in which the table in the generic layout and the hashes are kept.

    Raises:
        DataError: a table or a picture cannot be used.
    """
    table = work / TABLE
    write_generic_table(folder, table)
    return group_near_duplicates(open_table(table, root=folder), work)


def write_generic_table(folder: Path, table: Path) -> None:
    """Write `file,label,mask` for the tiles, without the masks of six that are black, or all but.

    Raises:
        DataError: `labels.csv` cannot be used.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("file", "label", "mask"))
    for _, row in rows(folder / "labels.csv", ("file", "class")):
        clean = row["class"] == _FREE
        mask = f"masks/{row['file'].removesuffix('.jpg')}.png"
        known = not clean and _shows_anything(folder / mask)
        writer.writerow((f"images/{row['file']}", CLEAN if clean else row["class"], mask if known else ""))
    with replacing(table) as file:
        file.write(text.getvalue().encode())


def _shows_anything(mask: Path) -> bool:
    with Image.open(mask) as image:
        return int((np.asarray(image) > _BRIGHT).sum()) >= _LEAST_PIXELS
