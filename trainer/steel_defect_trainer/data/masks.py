"""The kinds of masks: a run-length text, a picture, boxes."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from PIL import Image

from steel_defect_trainer.data import rle
from steel_defect_trainer.errors import DataError, MaskError
from steel_defect_trainer.strips import UNKNOWN, cells_of_mask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect.contract import InputSpec

Box: TypeAlias = tuple[int, ...]
"""Top, left, bottom and right in pixels, all four inside the box."""

# What is only in a box wider than this share of the picture is unknown, for most of such a box is sound.
_WIDE_BOX: Final = 0.5


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

    def key(self) -> str:
        """See `MaskSource`."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class PictureMask:
    """A picture as large as the one it belongs to, bright where damaged; `where` names file and row for errors."""

    path: Path
    where: str

    def mask(self, size: tuple[int, int]) -> NDArray[np.bool_]:
        """The pixels above half of the mask's brightest: 0 and 1 work as do 0 and 255, and lossy edges do no harm.

        Raises:
            DataError: there is no such picture, it has another size, or it is black all over.
        """
        try:
            with Image.open(self.path) as image:
                values = np.asarray(image.convert("L"))
        except OSError as error:
            message = f"{self.where}: the mask {self.path} cannot be read: {error.strerror or error}"
            raise DataError(message) from error
        if values.shape != size:
            message = (
                f"{self.where}: the mask {self.path.name} has {values.shape[1]} x {values.shape[0]} pixels, "
                f"its picture {size[1]} x {size[0]}; a mask is as large as its picture"
            )
            raise DataError(message)
        if not values.any():
            message = f"{self.where}: the mask {self.path.name} is black; leave it out if the place is not known"
            raise DataError(message)
        return np.asarray(values.astype(np.float32) > values.max() / 2)

    def cells(self, size: tuple[int, int], content: tuple[int, int], spec: InputSpec) -> NDArray[np.int8]:
        """See `MaskSource`."""
        return cells_of_mask(self.mask(size), content, spec)

    def key(self) -> str:
        """See `MaskSource`."""
        try:
            state = self.path.stat()
        except OSError as error:
            message = f"{self.where}: the mask {self.path} cannot be read: {error.strerror or error}"
            raise DataError(message) from error
        return f"{self.path.name}\0{state.st_size}\0{state.st_mtime_ns}"


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

    def key(self) -> str:
        """See `MaskSource`."""
        return str(self.boxes)


@contextmanager
def _naming(where: str) -> Iterator[None]:
    """Turn an error in the runs into one that names their file and row."""
    try:
        yield
    except MaskError as error:
        message = f"{where}: {error}"
        raise DataError(message) from error
