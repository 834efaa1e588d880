"""`score --rle`: a submission to Kaggle's competition "Severstal: Steel Defect Detection"."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from steel_defect.cli.mask_files import masks_of
from steel_defect.run_lengths import decode, encode, pixels_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steel_defect.cli.report import Row


class RleFile:
    """A row for each picture and class, classes counted from 1: run lengths of pixels, column by column, from 1.

    A picture that cannot be scored has empty rows, since a submission must name every picture.
    """

    def __init__(self, path: Path, class_names: Sequence[str]) -> None:
        """Take where to write, at the end."""
        self._path = path
        self._classes = len(class_names)
        self._rows = [("ImageId_ClassId", "EncodedPixels")]

    def add(self, row: Row) -> None:
        """Keep the rows of one picture."""
        encoded = [""] * self._classes
        if row.answer is not None:
            masks = masks_of(row.answer)
            size = masks["rows"], masks["columns"]
            encoded = [runs and encode(pixels_in(decode(runs, *size), row.answer)) for runs in masks["runs"]]
        name = Path(row.path).name
        self._rows.extend((f"{name}_{number}", runs) for number, runs in enumerate(encoded, 1))

    def close(self) -> None:
        """Write the file."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(self._rows)
