"""Pictures that tests make themselves: gradients whose every pixel is known."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRIP = (256, 1600)


def gradient(height: int = STRIP[0], width: int = STRIP[1], top: float = 255) -> NDArray[np.float64]:
    """Dark at the left, bright at the right, and the lower half 20 % darker, so that no turn or flip looks the same."""
    row = np.linspace(0, top, width)
    return np.concatenate([np.tile(row, (height // 2, 1)), np.tile(0.8 * row, (height - height // 2, 1))])


def gray(pixels: NDArray[Any]) -> Image.Image:
    """An 8-bit gray picture of the pixels."""
    return Image.fromarray(np.round(pixels).astype(np.uint8))


def encoded(image: Image.Image, image_format: str = "PNG", **options: Any) -> bytes:  # noqa: ANN401 - Pillow's options
    """The picture as the bytes of a file."""
    buffer = BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def strip_jpeg() -> bytes:
    """A good picture: the gradient as JPEG, of the size of a real strip picture."""
    return encoded(gray(gradient()), "JPEG", quality=95)


def pixel_bomb() -> bytes:
    """A PNG of some 10 kB that unfolds to 81 megapixels."""
    return encoded(Image.new("1", (9000, 9000)), optimize=True)
