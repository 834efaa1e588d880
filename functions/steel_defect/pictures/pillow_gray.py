"""A picture that Pillow holds to 8-bit gray, without a second copy of it in colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from steel_defect.pictures.frames import bands

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image


def gray_of(image: Image.Image) -> NDArray[np.uint8]:
    """Decode fully, to gray of shape (rows, columns). Transparent parts are seen on black.

    Alpha that is 0 everywhere is left out: nobody sends a picture of nothing, but some programs leave alpha unset.
    """
    image.load()
    transparent = image.has_transparency_data
    if transparent and image.mode in {"RGBA", "LA"} and image.getchannel("A").getextrema() == (0, 0):
        transparent = False
    pixels = np.empty((image.height, image.width), np.uint8)
    for band in bands(*pixels.shape):
        part = image.crop((0, band.start, image.width, band.stop))
        if transparent:
            part.info = image.info  # the transparent colour, which a crop may lose
        pixels[band] = _part(part, transparent=transparent)
    return pixels


def _part(part: Image.Image, *, transparent: bool) -> NDArray[np.uint8]:
    from PIL import ImageChops

    if transparent:
        rgba = part.convert("RGBA")
        return np.asarray(ImageChops.multiply(rgba.convert("L"), rgba.getchannel("A")))
    if part.mode in {"L", "1", "LA", "RGB"}:
        return np.asarray(part.convert("L"))
    return np.asarray(part.convert("RGB").convert("L"))
