"""One picture as one input of the model, as it is trained on: scaled whole, never turned or cut into tiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from steel_defect.camera import Camera
from steel_defect.pictures import open_picture
from steel_defect.pictures.framing import framing
from steel_defect.pictures.views import check_size, resized

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steel_defect.contract import InputSpec
    from steel_defect.pictures.source import Page


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
        content = _fit(page, spec)
        gray = source.read(0, content)
    pixels = np.full((spec.height, spec.width), spec.pad, dtype=np.uint8)
    pixels[: content[0], : content[1]] = resized(gray, *content)
    return Picture(pixels, page.width, page.height, content, source.format)


def _fit(page: Page, spec: InputSpec) -> tuple[int, int]:
    """Rows and columns that the upright picture fills in the model's input."""
    check_size(page, spec, elongated=True)
    plan = framing(page.width, page.height, spec, None, Camera())
    return plan.rows, plan.columns
