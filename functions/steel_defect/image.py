"""Bytes of a picture to the model's input. The only such code: the trainer imports it too.

Everything becomes 8-bit gray before it is scaled, and JPEG is decoded straight to gray at the smallest size that
libjpeg can produce above the target, which is where most of the time of a naive decode goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageChops

from steel_defect.errors import DamagedImage, EmptyBody, ImageTooSmall, NotAnImage, TooManyPixels, too_many_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steel_defect.contract import InputSpec

FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
# What the names of files in these formats end in.
PICTURE_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
_EXIF_ORIENTATION: Final = 0x0112
# Exif 2.32, section 4.6.4: how the stored picture is turned to be seen upright.
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SENSOR_BITS: Final = (8, 10, 12, 14, 16)


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: the model's input, uint8 of shape (spec.height, spec.width), gray, 0 is black.
        width: of the picture as it is seen upright, in its own pixels.
        height: the same.
        content: the part of `pixels` that holds the picture, as (rows, columns); the rest is padding.
        format: as Pillow names it, one of `FORMATS`.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    content: tuple[int, int]
    format: str


def decode(data: bytes, spec: InputSpec) -> Picture:
    """Decode the bytes of one picture into the model's input.

    Animated and multi-page files give their first frame. Transparent parts are seen on black. Gray of more than 8 bits
    is scaled by the sensor range it uses (8, 10, 12, 14 or 16 bits), never clipped.

    Raises:
        EmptyBody: no bytes.
        TooManyBytes: more than `spec.max_bytes`.
        TooManyPixels: the header promises more than `spec.max_pixels`; nothing was decoded.
        NotAnImage: not one of `FORMATS`, judged by content.
        ImageTooSmall: a side below `spec.min_side`, or more elongated than `spec.max_aspect`.
        DamagedImage: the header is good, the rest is not.
    """
    if not data:
        message = "there are no bytes to decode: send the picture itself"
        raise EmptyBody(message)
    if len(data) > spec.max_bytes:
        raise too_many_bytes(spec.max_bytes, len(data))
    with _open(data, spec) as image:
        image_format = str(image.format)
        turn = _orientation(image)
        width, height = (image.height, image.width) if turn >= 5 else image.size  # noqa: PLR2004 - 5 to 8 swap the axes
        content = _fit(width, height, spec)
        stored = content if turn < 5 else content[::-1]  # noqa: PLR2004 - as above
        try:
            image.draft("L", (stored[1], stored[0]))
            gray = _to_gray(image)
        except MemoryError:
            raise
        except Exception as error:  # A decoder meets hostile bytes here, and its exceptions are not a closed list.
            message = f"the {image_format} picture cannot be decoded to its end: {_first_line(error)}"
            raise DamagedImage(message) from error
    shrinks = gray.height >= stored[0] and gray.width >= stored[1]
    gray = gray.resize((stored[1], stored[0]), Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR)
    if turn in _UPRIGHT:
        gray = gray.transpose(_UPRIGHT[turn])
    pixels = np.full((spec.height, spec.width), spec.pad, dtype=np.uint8)
    pixels[: content[0], : content[1]] = np.asarray(gray)
    return Picture(pixels, width, height, content, image_format)


def _open(data: bytes, spec: InputSpec) -> Image.Image:
    """Read the header alone and refuse what is too large to decode."""
    try:
        image = _header(data)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:  # Pillow's own, higher limit.
        message = f"the picture's header promises far more than the {spec.max_pixels:,} pixels that are accepted"
        raise TooManyPixels(message) from error
    except MemoryError:
        raise
    except Exception as error:  # As when decoding: a plugin meets whatever bytes there are.
        message = f"the bytes are not a picture that can be read; send one of {', '.join(FORMATS)}"
        raise NotAnImage(message) from error
    pixels = image.width * image.height
    if pixels > spec.max_pixels:
        image.close()
        message = (
            f"the picture is {image.width} x {image.height}, {pixels:,} pixels; "
            f"at most {spec.max_pixels:,} are accepted"
        )
        raise TooManyPixels(message)
    return image


def _header(data: bytes) -> Image.Image:
    """Read the header by the plugin of its format; before the first picture, `Image.open` would load five of them."""
    if data.startswith(b"\xff\xd8\xff"):
        from PIL.JpegImagePlugin import JpegImageFile

        return JpegImageFile(BytesIO(data))
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        from PIL.PngImagePlugin import PngImageFile

        return PngImageFile(BytesIO(data))
    return Image.open(BytesIO(data), formats=FORMATS)


def _orientation(image: Image.Image) -> int:
    """The Exif orientation that is left to apply, 1 to 8; 1 if there is none or it is invalid."""
    if image.format == "TIFF":
        return 1  # Pillow turns a TIFF itself as it loads it, and states the upright size before.
    try:
        value = image.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - broken Exif data is common and no reason to refuse a good picture
        return 1
    return value if value in _UPRIGHT else 1


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


def _to_gray(image: Image.Image) -> Image.Image:
    """Decode fully, to mode L."""
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_to_8_bits(np.asarray(image)))
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return ImageChops.multiply(rgba.convert("L"), rgba.getchannel("A"))
    if image.mode in {"L", "1"}:
        return image.convert("L")
    return image.convert("RGB").convert("L")


def _to_8_bits(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Gray of more than 8 bits to 8, by the full scale of the smallest sensor that can have produced it."""
    if values.dtype.kind == "f":
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        if values.max(initial=0) <= 1:
            values = values * 65535
    top = int(values.max(initial=0))
    bits = next((bits for bits in _SENSOR_BITS if top < 2**bits), top.bit_length())
    if bits > _SENSOR_BITS[-1]:
        values = values / 2 ** (bits - 16)
        bits = 16
    # A table is exact, and takes one byte a pixel where arithmetic would take eight.
    table = np.round(np.linspace(0, 255, 2**bits)).astype(np.uint8)
    levels: NDArray[np.uint8] = table[np.clip(values, 0, 2**bits - 1).astype(np.uint16)]
    return levels


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
