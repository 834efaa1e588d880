"""Bytes of a picture to the model's input. The only such code: the trainer imports it too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from steel_defect.errors import ImageTooSmall
from steel_defect.pictures import open_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steel_defect.contract import InputSpec


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: the model's input, uint8 of shape (spec.height, spec.width), gray, 0 is black.
        width: of the picture as it is seen upright, in its own pixels.
        height: the same.
        content: the part of `pixels` that holds the picture, as (rows, columns); the rest is padding.
        format: one of `steel_defect.pictures.formats.FORMATS`.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    content: tuple[int, int]
    format: str


def decode(data: bytes, spec: InputSpec) -> Picture:
    """Decode the bytes of one picture into the model's input; of several pages, the first.

    JPEG is decoded at the smallest size that libjpeg can produce above the target, which is where most of the time of
    a naive decode goes.

    Raises:
        ImageTooSmall: a side below `spec.min_side`, or more elongated than `spec.max_aspect`.
        SteelDefectError: as `open_picture` and `PictureSource.read`.
    """
    with open_picture(data, max_bytes=spec.max_bytes, max_pixels=spec.max_pixels) as source:
        page = source.pages[0]
        content = _fit(page.width, page.height, spec)
        gray = source.read(0, content)
    if gray.shape != content:
        shrinks = gray.shape[0] >= content[0] and gray.shape[1] >= content[1]
        filtered = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
        gray = np.asarray(Image.fromarray(gray).resize((content[1], content[0]), filtered))
    pixels = np.full((spec.height, spec.width), spec.pad, dtype=np.uint8)
    pixels[: content[0], : content[1]] = gray
    return Picture(pixels, page.width, page.height, content, source.format)


def _fit(width: int, height: int, spec: InputSpec) -> tuple[int, int]:
    """Rows and columns that the upright picture fills in the model's input."""
    if min(width, height) < spec.min_side:
        message = f"the picture is {width} x {height}; both sides must have at least {spec.min_side} pixels"
        raise ImageTooSmall(message)
    if max(width, height) > spec.max_aspect * min(width, height):
        message = f"the picture is {width} x {height}; one side may be at most {spec.max_aspect:g} times the other"
        raise ImageTooSmall(message)
    if spec.resize == "stretch":
        return spec.height, spec.width
    scale = min(spec.height / height, spec.width / width)
    return max(1, min(spec.height, round(height * scale))), max(1, min(spec.width, round(width * scale)))
