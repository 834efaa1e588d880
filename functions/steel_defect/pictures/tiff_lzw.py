"""LZW in TIFF: whether the codes of a strip unpack to the bytes that it should have, and these bytes.

TIFF has no checksum. libtiff takes a strip that unpacks to more than it should, and of less it tells on stderr.
A flipped bit changes the length of what follows nearly always, so the lengths are added up here.
The strings themselves are not built: that is left to libtiff.
"""

from __future__ import annotations

import struct
from io import BytesIO
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

_CLEAR, _END, _FIRST = 256, 257, 258
_TABLE: Final = 4096
# A full table takes 5 kB of codes; one that begins anew all the time only takes time.
_TABLES, _TABLE_BYTES = 16, 1024
# After so many codes the table is full, and a writer begins a new one.
_CODES: Final = _TABLE - _FIRST + 2
# TIFF 6.0, section 13: the code that follows is one bit wider from these on.
_WIDTHS: Final = np.full(_CODES, 12)
_WIDTHS[: 1023 - 257 + 1024] = 11
_WIDTHS[: 1023 - 257] = 10
_WIDTHS[: 511 - 257] = 9
_STARTS: Final = np.concatenate([[0], np.cumsum(_WIDTHS[:-1])])


def unpacked_size(stored: bytes) -> int | None:
    """The bytes that the codes unpack to; None if they are no LZW."""
    data = np.frombuffer(stored + bytes(4), np.uint8).astype(np.uint32)
    bits = 8 * len(stored)
    position = total = 0
    if bits < _WIDTHS[0] or _codes(data, 0, 1)[0] != _CLEAR:
        return None
    position = int(_WIDTHS[0])
    for _ in range(_TABLES + len(stored) // _TABLE_BYTES):
        within = int(np.searchsorted(_STARTS + _WIDTHS, bits - position, side="right"))
        codes = _codes(data, position, within)
        ends = np.flatnonzero((codes == _CLEAR) | (codes == _END))
        last = int(ends[0]) if ends.size else within
        length = _length(codes[:last])
        if length is None:
            return None
        total += length
        if not ends.size or codes[last] == _END:
            return total
        position += int(_STARTS[last] + _WIDTHS[last])
    return None


def unpacked(strips: list[bytes], row_bytes: int, rows: int) -> Image:
    """The bytes of strips of equal size, as the pixels of a gray picture: by libtiff, through Pillow."""
    from PIL.TiffImagePlugin import TiffImageFile

    count = len(strips)
    start = 8 + 2 + 9 * 12 + 4
    offsets = start + 8 * count + np.concatenate([[0], np.cumsum([len(strip) for strip in strips[:-1]])])
    sizes = np.array([len(strip) for strip in strips])
    one = count == 1
    entries = (
        (256, 1, row_bytes),
        (257, 1, rows * count),
        (258, 1, 8),
        (259, 1, 5),
        (262, 1, 1),
        (273, count, int(offsets[0]) if one else start),
        (277, 1, 1),
        (278, 1, rows),
        (279, count, int(sizes[0]) if one else start + 4 * count),
    )
    directory = b"".join(struct.pack("<HHII", tag, 4, *values) for tag, *values in entries)
    head = struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + directory + bytes(4)
    lists = offsets.astype("<u4").tobytes() + sizes.astype("<u4").tobytes()
    with TiffImageFile(BytesIO(head + lists + b"".join(strips))) as image:
        image.load()
        return image


def _codes(data: NDArray[np.uint32], position: int, count: int) -> NDArray[np.int32]:
    """The codes that follow a clear code, from a position in bits."""
    first = position + _STARTS[:count]
    byte, shift = first >> 3, 24 - _WIDTHS[:count] - (first & 7)
    three = data[byte] << 16 | data[byte + 1] << 8 | data[byte + 2]
    masked: NDArray[np.uint32] = three >> shift.astype(np.uint32) & ((1 << _WIDTHS[:count]) - 1).astype(np.uint32)
    return masked.astype(np.int32)


def _length(codes: NDArray[np.int32]) -> int | None:
    """What the codes of one table unpack to; None if one of them is not in the table yet."""
    # The code at index i adds entry i of the table: its own string, and one byte of the next.
    parents = np.maximum(codes - _FIRST, -1)
    if (parents >= np.arange(len(codes), dtype=np.int32)).any():
        return None
    # Each string is one byte longer than that of its parent: how many parents there are, by ever longer jumps.
    lengths = np.ones(len(codes) + 1, np.int32)
    lengths[-1] = 0
    following = np.append(parents, np.int32(-1))  # the last, -1, points at itself
    while following.max() >= 0:
        lengths += lengths[following]
        following = following[following]
    return int(lengths.sum(dtype=np.int64))
