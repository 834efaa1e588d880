"""WebP. libwebp's decoder, as Pillow uses it, takes 16 bytes a pixel, whatever the file.

A WebP has no checksum. Of 400 single bits flipped in a lossy WebP of a real strip, 21 were noticed and 365 changed it
by more than a gray level; in a lossless one 3 and 84. Where files may be damaged on their way, send PNG.
"""

from __future__ import annotations

from io import BytesIO
from typing import Final

from PIL.WebPImagePlugin import WebPImageFile

from steel_defect.errors import DamagedImage, NotAnImage, TooManyPixels
from steel_defect.pictures.frames import Frame, Gray
from steel_defect.pictures.orientation import orientation
from steel_defect.pictures.pillow_gray import gray_of

# In one frame: 15 megapixels are 240 MB of memory.
MAX_FRAME_PIXELS: Final = 15_000_000
_MAX_CHUNKS: Final = 1000


class WebpReader:
    """A `Reader` of WebP."""

    def __init__(self, data: bytes) -> None:
        """Read the chunks.

        Raises:
            NotAnImage: no size is found in it.
            TooManyPixels: it would take more memory than is allowed.
        """
        self._data = data
        self._chunks = chunks = _chunks(data)
        width, height = _size(chunks)
        if width * height > MAX_FRAME_PIXELS:
            message = (
                f"the WebP picture is {width} x {height}; at most {MAX_FRAME_PIXELS:,} pixels of WebP are accepted: "
                "save it as JPEG or PNG"
            )
            raise TooManyPixels(message)
        found = dict(reversed(chunks))
        frame = Frame(width, height, orientation(found.get(b"EXIF", b""), found.get(b"XMP ", b"")))
        self.frames = (frame,) * max(1, sum(kind == b"ANMF" for kind, _ in chunks))

    def decode(self, index: int, at_least: tuple[int, int] | None) -> Gray:
        """See `Reader.decode`."""
        del at_least
        size = int.from_bytes(self._data[4:8], "little") + 8
        if size > len(self._data) or self._data[size:].strip(b"\x00"):
            message = f"the WebP picture has {len(self._data):,} bytes, and says that it has {size:,}"
            raise DamagedImage(message)
        with WebPImageFile(BytesIO(self._data)) as image:
            if image.n_frames != len(self.frames):
                message = f"the WebP picture has {len(self.frames)} frames, and {image.n_frames} can be decoded"
                raise DamagedImage(message)
            image.seek(index)
            return Gray(gray_of(image))


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and content of each chunk; of picture data only what holds its size."""
    found: list[tuple[bytes, bytes]] = []
    position = 12
    while position + 8 <= len(data):
        kind, length = data[position : position + 4], int.from_bytes(data[position + 4 : position + 8], "little")
        if len(found) == _MAX_CHUNKS:
            message = f"a WebP of more than {_MAX_CHUNKS} chunks is not read"
            raise NotAnImage(message)
        found.append((kind, data[position + 8 : position + 8 + (length if kind in {b"EXIF", b"XMP "} else 16)]))
        position += 8 + length + length % 2
    return found


def _size(chunks: list[tuple[bytes, bytes]]) -> tuple[int, int]:
    """Width and height of the canvas."""
    match chunks[:1]:
        case [(b"VP8X", body)] if len(body) >= 10:  # noqa: PLR2004 - its length
            return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
        case [(b"VP8 ", body)] if body[3:6] == b"\x9d\x01\x2a" and len(body) >= 10:  # noqa: PLR2004 - RFC 6386, 9.1
            return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
        case [(b"VP8L", body)] if body[:1] == b"\x2f" and len(body) >= 5:  # noqa: PLR2004 - its header
            packed = int.from_bytes(body[1:5], "little")
            return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    message = "the WebP picture has no readable header"
    raise NotAnImage(message)
