"""Masks in tables: a run-length text, boxes."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from steel_defect_trainer.data import rle
from steel_defect_trainer.data.mask_pixels import picture_size
from steel_defect_trainer.errors import DataError, MaskError
from steel_defect_trainer.strips import UNKNOWN, cells_of_mask, fields_of_mask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect.contract import InputSpec

Box: TypeAlias = tuple[int, ...]
"""Top, left, bottom and right in pixels, all four inside the box."""

# What is only in a box wider than this share of the picture is unknown, for most of such a box is sound.
_WIDE_BOX: Final = 0.5
_SIDES: Final = 4


@dataclass(frozen=True)
class RunLengthMask:
    """Runs of pixels down the columns, as Severstal writes them; `where` names file and row for errors."""

    text: str
    where: str

    def mask(self, size: tuple[int, int]) -> NDArray[np.bool_]:
        """The damaged pixels of a picture of this height and width.

        Raises:
            DataError: the text is no mask of such a picture.
        """
        with _naming(self.where):
            return rle.decode(self.text, *size)

    def columns(self, size: tuple[int, int]) -> tuple[NDArray[np.bool_], int]:
        """The columns from the first damaged pixel to the last, bool (height, columns), and the first one's number.

        Raises:
            DataError: as `mask`.
        """
        with _naming(self.where):
            return rle.decode_columns(self.text, *size)

    def cells(self, size: tuple[int, int], content: tuple[int, int], spec: InputSpec) -> NDArray[np.int8]:
        """See `MaskSource`."""
        return cells_of_mask(self.mask(size), content, spec)

    def fields(self, size: tuple[int, int], content: tuple[int, int], spec: InputSpec) -> NDArray[np.int8]:
        """See `MaskSource`."""
        return fields_of_mask(self.mask(size), content, spec)

    def key(self) -> str:
        """See `MaskSource`."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class BoxMask:
    """Boxes around the connected regions of a class."""

    boxes: tuple[Box, ...]

    def cells(self, size: tuple[int, int], content: tuple[int, int], spec: InputSpec) -> NDArray[np.int8]:
        """See `MaskSource`."""
        near, far = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
        for top, left, bottom, right in self.boxes:
            mask = near if right - left <= size[1] * _WIDE_BOX else far
            mask[top : bottom + 1, left : right + 1] = True
        cells = cells_of_mask(near, content, spec)
        wide = cells_of_mask(far, content, spec)
        return np.where((cells == 0) & (wide != 0), UNKNOWN, cells).astype(np.int8)

    def fields(self, size: tuple[int, int], content: tuple[int, int], spec: InputSpec) -> NDArray[np.int8]:
        """See `MaskSource`: sound outside of the boxes, and nothing is known inside."""
        inside = np.zeros(size, np.bool_)
        for top, left, bottom, right in self.boxes:
            inside[top : bottom + 1, left : right + 1] = True
        return np.where(fields_of_mask(inside, content, spec) > 0, UNKNOWN, 0).astype(np.int8)

    def key(self) -> str:
        """See `MaskSource`."""
        return str(self.boxes)


def read_boxes(text: str, picture: Path, where: str) -> BoxMask:
    """Boxes of one class in a picture: `left top right bottom` in pixels, where it ends, with ";" between two.

    Raises:
        DataError: the text is not of that form, or a box is empty or leaves the picture; begins with `where`.
    """
    size = picture_size(picture)
    boxes = []
    for part in text.split(";"):
        words = part.split()
        if len(words) != _SIDES or not all(word.isdecimal() for word in words):
            message = (
                f"{where}: boxes are 'left top right bottom' in whole pixels, with ';' between two; found {text!r}"
            )
            raise DataError(message)
        left, top, right, bottom = map(int, words)
        if left >= right or top >= bottom or (size is not None and (bottom > size[0] or right > size[1])):
            message = f"{where}: the box {part.strip()} is empty or leaves the picture"
            raise DataError(message)
        boxes.append((top, left, bottom - 1, right - 1))
    return BoxMask(tuple(boxes))


@contextmanager
def _naming(where: str) -> Iterator[None]:
    """Turn an error in the runs into one that names their file and row."""
    try:
        yield
    except MaskError as error:
        message = f"{where}: {error}"
        raise DataError(message) from error
