"""BMP without compression. It has no checksum, so its header is judged by whether it fits the length of the file."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Final

from PIL.BmpImagePlugin import BmpImageFile

from steel_defect.errors import DamagedImage, NotAnImage
from steel_defect.pictures.frames import Frame, Gray
from steel_defect.pictures.pillow_gray import gray_of

_RGB, _BIT_FIELDS, _ALPHA_BIT_FIELDS = 0, 3, 6
# Headers from this on may be followed by a colour profile behind the pixels.
_WITH_PROFILE: Final = 124
# Some writers pad the file to four bytes.
_PADDING: Final = 4


class BmpReader:
    """A `Reader` of BMP."""

    def __init__(self, data: bytes) -> None:
        """Read the header.

        Raises:
            NotAnImage: compressed, or no BMP.
        """
        try:
            self._start, self._header = struct.unpack_from("<10xII", data)
            if self._header == 12:  # noqa: PLR2004 - OS/2's header
                width, height, _, self._bits = struct.unpack_from("<HHHH", data, 18)
                compression = _RGB
            else:
                width, height, _, self._bits, compression = struct.unpack_from("<iiHHI", data, 18)
        except struct.error as error:
            message = "the BMP ends within its header"
            raise NotAnImage(message) from error
        if compression not in {_RGB, _BIT_FIELDS, _ALPHA_BIT_FIELDS}:
            message = "a compressed BMP is not read; save it without compression, or as PNG"
            raise NotAnImage(message)
        self._data = data
        self.frames = (Frame(width, abs(height)),)

    def decode(self, index: int, at_least: tuple[int, int] | None) -> Gray:
        """See `Reader.decode`."""
        del at_least
        frame = self.frames[index]
        row = (frame.width * self._bits + 31) // 32 * 4
        surplus = len(self._data) - self._start - row * frame.height
        if surplus < 0 or (surplus > _PADDING and self._header < _WITH_PROFILE):
            message = f"the BMP has {abs(surplus):,} bytes too {'few' if surplus < 0 else 'many'} for its size"
            raise DamagedImage(message)
        with BmpImageFile(BytesIO(self._data)) as image:
            if image.size != (frame.width, frame.height):
                message = "the BMP states two sizes"
                raise DamagedImage(message)
            return Gray(gray_of(image))
