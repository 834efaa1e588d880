"""One pass over a data set: the content of each picture, from labels, masks and pixels."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage

from steel_defect.contract import InputSpec
from steel_defect_trainer.data.load import read_picture
from steel_defect_trainer.data.mask_files import MaskFile
from steel_defect_trainer.data.masks import RunLengthMask
from steel_defect_trainer.data.parallel import with_progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from steel_defect_trainer.data.dataset import DataSet, LabelledPicture

# Pixels that touch at a corner are one region: damage that runs across the pixel grid is not many.
_NEIGHBOURS: Final = np.ones((3, 3), np.int8)


@dataclass(frozen=True)
class Defect:
    """One class on one picture.

    Attributes:
        number: of the class, from 0.
        area: pixels of its mask; None if the place is not known.
        boxes: of its connected regions, int64 (regions, 4): left, top, right, bottom, the last two inside.
    """

    number: int
    area: int | None
    boxes: NDArray[np.int64]


@dataclass(frozen=True)
class Surveyed:
    """One picture.

    Attributes:
        name: as in the data set.
        size: height and width in pixels; None if pictures are absent and may differ.
        levels: how many pixels have each level, int64 (3, 256) for red, green, blue; None if pictures are absent.
        gray: whether red, green and blue are equal all over.
        defects: by class.
    """

    name: str
    size: tuple[int, int] | None
    levels: NDArray[np.int64] | None
    gray: bool
    defects: tuple[Defect, ...]


def survey(dataset: DataSet) -> Iterator[Surveyed]:
    """Every picture of a data set, in its order.

    Raises:
        DataError: a picture or a mask cannot be used.
    """

    def one(picture: LabelledPicture) -> Surveyed:
        if not dataset.present:
            return Surveyed(picture.name, dataset.size, None, True, _defects(picture, dataset.size))  # noqa: FBT003 - nothing says otherwise
        pixels = read_pixels(dataset, picture)
        gray = bool((pixels == pixels[..., :1]).all())
        levels = np.stack([np.bincount(pixels[..., channel].ravel(), minlength=256) for channel in range(3)])
        size = pixels.shape[0], pixels.shape[1]
        return Surveyed(picture.name, size, levels, gray, _defects(picture, size))

    return with_progress("looking", dataset.pictures, one)


def read_pixels(dataset: DataSet, picture: LabelledPicture) -> NDArray[np.uint8]:
    """One picture as it is seen upright, uint8 (height, width, 3).

    Raises:
        DataError: it cannot be read or decoded, or has another size than the data set's pictures have.
    """
    # The one decoder says what can be read, and which way is up.
    data, seen = read_picture(dataset, picture, InputSpec())
    with Image.open(BytesIO(data)) as image:
        if image.mode.startswith(("I", "F")) or image.has_transparency_data:
            own_size = InputSpec(height=seen.height, width=seen.width, resize="stretch")
            gray = read_picture(dataset, picture, own_size)[1].pixels
            return np.repeat(gray[..., None], 3, axis=2)
        upright = image if image.format == "TIFF" else ImageOps.exif_transpose(image)
        return np.asarray(upright.convert("RGB"))


def regions(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Bounding boxes of the connected regions of a mask, int64 (regions, 4): left, top, right, bottom, all inside."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return np.empty((0, 4), np.int64)
    top, left = int(rows[0]), int(columns[0])
    part = mask[top : rows[-1] + 1, left : columns[-1] + 1]
    boxes = [
        (left + across.start, top + down.start, left + across.stop - 1, top + down.stop - 1)
        for down, across in ndimage.find_objects(ndimage.label(part, _NEIGHBOURS)[0])
    ]
    return np.array(boxes, np.int64)


def centres(boxes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Centres of boxes, float64 (regions, 2): along the width and along the height, in pixels."""
    return boxes[:, :2] + (boxes[:, 2:] - boxes[:, :2]) / 2


def known_mask(picture: LabelledPicture, number: int, size: tuple[int, int] | None) -> NDArray[np.bool_] | None:
    """Where one class is on a picture of this height and width; None if that is not known.

    Raises:
        DataError: the mask cannot be used.
    """
    source = picture.masks.get(number)
    if size is None or not isinstance(source, RunLengthMask | MaskFile):
        return None
    return source.mask(size)


def _defects(picture: LabelledPicture, size: tuple[int, int] | None) -> tuple[Defect, ...]:
    defects = []
    for number in sorted(picture.classes):
        found = _damaged_columns(picture, number, size)
        if found is None:
            defects.append(Defect(number, None, np.empty((0, 4), np.int64)))
        else:
            mask, left = found
            defects.append(Defect(number, int(mask.sum()), regions(mask) + np.array([left, 0, left, 0])))
    return tuple(defects)


def _damaged_columns(
    picture: LabelledPicture, number: int, size: tuple[int, int] | None
) -> tuple[NDArray[np.bool_], int] | None:
    """Part of a mask that has all of its damage, and its first column; few columns of a strip are damaged."""
    source = picture.masks.get(number)
    if isinstance(source, RunLengthMask) and size is not None:
        return source.columns(size)
    mask = known_mask(picture, number, size)
    return None if mask is None else (mask, 0)
