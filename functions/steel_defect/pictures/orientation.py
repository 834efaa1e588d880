"""The orientation in Exif and XMP data, and the turn that it asks for."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ORIENTATION: Final = 0x0112
_IN_XMP: Final = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')
# From here on, rows and columns change places.
_SWAPPED: Final = 5


def orientation(exif: bytes = b"", xmp: bytes = b"") -> int:
    """The orientation 1 to 8 that the metadata states; 1 if they state none, or are broken.

    Broken metadata is common, and no reason to refuse a good picture.
    """
    value = _in_exif(exif.removeprefix(b"Exif\x00\x00"))
    if value is None:
        found = _IN_XMP.search(xmp)
        value = int(found[1]) if found else 1
    return value if 1 <= value <= 8 else 1  # noqa: PLR2004 - Exif 2.32, section 4.6.4


def swaps(turn: int) -> bool:
    """Tell whether the turn exchanges width and height."""
    return turn >= _SWAPPED


def turned(pixels: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    """The pixels as a view that is seen upright."""
    if swaps(turn):
        pixels = pixels.T
    return pixels[:: -1 if turn in {3, 4, 7, 8} else 1, :: -1 if turn in {2, 3, 6, 7} else 1]


def _in_exif(block: bytes) -> int | None:
    """The value in the first directory of a TIFF structure."""
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(block[:4])
    if order is None:
        return None
    try:
        (start,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, start)
        for index in range(count):
            tag, kind = struct.unpack_from(order + "HH", block, start + 2 + 12 * index)
            if tag == _ORIENTATION:
                # Written as a short; some write a long, whose value is in the same four bytes.
                form = "I" if kind == 4 else "H"  # noqa: PLR2004 - TIFF's number for long
                value: int = struct.unpack_from(order + form, block, start + 10 + 12 * index)[0]
                return value
    except struct.error:
        pass
    return None
