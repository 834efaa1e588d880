"""Pictures that Pillow decodes."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from PIL import Image, ImageChops

from steel_defect.errors import DamagedImage, NotAnImage, TooManyPixels
from steel_defect.pictures.formats import FORMATS
from steel_defect.pictures.source import Depth, Page

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import NDArray

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


class PillowSource:
    """A `PictureSource` on Pillow."""

    def __init__(self, data: bytes, max_pixels: int, bit_depth: int | None) -> None:
        """Read the header alone and refuse what is too large to decode."""
        self._image = _open(data, max_pixels)
        self._turn = _orientation(self._image)
        self._bit_depth = bit_depth
        width, height = self._image.size
        self.format = str(self._image.format)
        self.pages = (Page(height, width) if self._turn >= 5 else Page(width, height),)  # noqa: PLR2004 - axes swap
        self.depth: Depth | None = None

    def read(self, page: int, at_least: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """See `PictureSource.read`."""
        del page
        try:
            if at_least is not None:
                rows, columns = at_least if self._turn < 5 else at_least[::-1]  # noqa: PLR2004 - as above
                self._image.draft("L", (columns, rows))
            gray = _to_gray(self._image)
            self.depth = Depth(8, "file")
        except MemoryError:
            raise
        except Exception as error:  # A decoder meets hostile bytes here, and its exceptions are not a closed list.
            message = f"the {self.format} picture cannot be decoded to its end: {_first_line(error)}"
            raise DamagedImage(message) from error
        if self._turn in _UPRIGHT:
            gray = gray.transpose(_UPRIGHT[self._turn])
        return np.asarray(gray)

    def close(self) -> None:
        """See `PictureSource.close`."""
        self._image.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


def _open(data: bytes, max_pixels: int) -> Image.Image:
    """Read the header alone and refuse what is too large to decode."""
    try:
        image = _header(data)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:  # Pillow's own, higher limit.
        message = f"the picture's header promises far more than the {max_pixels:,} pixels that are accepted"
        raise TooManyPixels(message) from error
    except MemoryError:
        raise
    except Exception as error:  # As when decoding: a plugin meets whatever bytes there are.
        message = f"the bytes are not a picture that can be read; send one of {', '.join(FORMATS)}"
        raise NotAnImage(message) from error
    pixels = image.width * image.height
    if pixels > max_pixels:
        image.close()
        message = (
            f"the picture is {image.width} x {image.height}, {pixels:,} pixels; at most {max_pixels:,} are accepted"
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
