"""A picture that is opened but not decoded: its format, its pages and their sizes, and a way to read one page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from steel_defect.errors import DamagedImage, EmptyBody, NotAnImage, SteelDefectError, TooManyPixels, too_many_bytes
from steel_defect.pictures.formats import FORMATS, format_of
from steel_defect.pictures.frames import MAX_PAGES
from steel_defect.pictures.memory import give_back
from steel_defect.pictures.orientation import swaps, turned

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from steel_defect.pictures.frames import Depth, Frame, Reader


# Measured with the mode of each format that takes the most: 6.7 (PNG, 16 bits, colour with transparency) and 15.4.
_BYTES_PER_PIXEL: Final = 7
_BYTES_PER_PIXEL_OF_WEBP: Final = 17
# Whatever the size: a tile in the model, the pages of libraries that are loaded.
_BYTES: Final = 16_000_000


@dataclass(frozen=True)
class Page:
    """One page of a file as it is seen upright, in its own pixels."""

    width: int
    height: int


class PictureSource:
    """A picture whose header was read and whose limits were checked; nothing is decoded yet. A context manager.

    Attributes:
        format: one of `formats.FORMATS`.
        pages: all pages that count; thumbnails do not.
        depth: of the page that was read last; None before the first.
    """

    def __init__(self, image_format: str, reader: Reader) -> None:
        """Take a reader whose header was read."""
        self.format = image_format
        self.pages = tuple(_upright(frame) for frame in reader.frames)
        self.depth: Depth | None = None
        self._reader: Reader | None = reader

    def read(self, page: int, at_least: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """Decode one page to gray, uint8 of shape (rows, columns), upright; 0 is black.

        Args:
            page: its index in `pages`.
            at_least: rows and columns; the result may be a reduced picture that is no smaller than this in either.

        Raises:
            DamagedImage: the header is good, the rest is not.
            NotAnImage: the samples are of a kind that is not read.
        """
        if self._reader is None:
            message = "read of a closed picture"
            raise ValueError(message)
        turn = self._reader.frames[page].turn
        if at_least is not None and swaps(turn):
            at_least = at_least[::-1]
        try:
            gray = self._reader.decode(page, at_least)
        except (SteelDefectError, MemoryError):
            raise
        except Exception as error:  # A decoder meets hostile bytes here, and its exceptions are not a closed list.
            message = f"the {self.format} picture cannot be decoded to its end: {_first_line(error)}"
            raise DamagedImage(message) from error
        self.depth = gray.depth
        return turned(gray.pixels, turn)

    @property
    def memory(self) -> int:
        """Bytes that reading and scoring the largest page take at most; `tests/infra/gcp/test_memory.py` holds it."""
        pixels = max(page.width * page.height for page in self.pages)
        return _BYTES + pixels * (_BYTES_PER_PIXEL_OF_WEBP if self.format == "WEBP" else _BYTES_PER_PIXEL)

    def close(self) -> None:
        """Give back what is held; after a large picture also what the allocator holds."""
        self._reader = None
        give_back(max(page.width * page.height for page in self.pages))

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


def open_picture(data: bytes, *, max_bytes: int, max_pixels: int, bit_depth: int | None = None) -> PictureSource:
    """Read the header of a picture and check it against the limits.

    Args:
        data: the bytes of one file.
        max_bytes: refuse more.
        max_pixels: refuse more in all pages together.
        bit_depth: of the camera, where it is known; it overrules what the file says.

    Raises:
        EmptyBody: no bytes.
        TooManyBytes: more than `max_bytes`.
        TooManyPixels: the header promises more than `max_pixels`, or more than the format's own limit of memory.
        NotAnImage: not one of `formats.FORMATS`, judged by content, or of a kind that is not read.
        DamagedImage: the header itself is damaged.
    """
    if not data:
        message = "there are no bytes to decode: send the picture itself"
        raise EmptyBody(message)
    if len(data) > max_bytes:
        raise too_many_bytes(max_bytes, len(data))
    image_format = format_of(data[:16])
    try:
        reader = _reader(image_format, data, bit_depth)
    except (SteelDefectError, MemoryError):
        raise
    except Exception as error:  # As when decoding: whatever bytes there are.
        message = f"the bytes are not a picture that can be read; send one of {', '.join(FORMATS)}"
        raise NotAnImage(message) from error
    _check(reader.frames, max_pixels)
    return PictureSource(str(image_format), reader)


def _reader(image_format: str | None, data: bytes, bit_depth: int | None) -> Reader:
    """Import the reader of one format: the others are not loaded for it."""
    match image_format:
        case "JPEG":
            from steel_defect.pictures.jpeg import JpegReader

            return JpegReader(data)
        case "PNG":
            from steel_defect.pictures.png import PngReader

            return PngReader(data, bit_depth)
        case "WEBP":
            from steel_defect.pictures.webp import WebpReader

            return WebpReader(data)
        case "BMP":
            from steel_defect.pictures.bmp import BmpReader

            return BmpReader(data)
        case "TIFF":
            from steel_defect.pictures.tiff import TiffReader

            return TiffReader(data, bit_depth)
    message = f"the bytes are not a picture that can be read; send one of {', '.join(FORMATS)}"
    raise NotAnImage(message)


def _check(frames: tuple[Frame, ...], max_pixels: int) -> None:
    if len(frames) > MAX_PAGES:
        message = f"the picture has more than {MAX_PAGES} pages"
        raise TooManyPixels(message)
    pixels = sum(frame.width * frame.height for frame in frames)
    if pixels > max_pixels:
        pages = f"has {len(frames)} pages, of" if len(frames) > 1 else f"is {frames[0].width} x {frames[0].height},"
        message = f"the picture {pages} {pixels:,} pixels; at most {max_pixels:,} are accepted"
        raise TooManyPixels(message)
    if any(frame.width < 1 or frame.height < 1 for frame in frames):
        message = "the picture has a side without pixels"
        raise NotAnImage(message)


def _upright(frame: Frame) -> Page:
    return Page(frame.height, frame.width) if swaps(frame.turn) else Page(frame.width, frame.height)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
