"""Whether the LZW codes of a TIFF's strip unpack to the bytes that it should have.

TIFF has no checksum, and libtiff takes a strip that unpacks to more than it should; one that unpacks to less
it notices, by a line on stderr. A flipped bit changes the length of what follows nearly always, so the lengths are added up here.
The strings themselves are not built: that is left to libtiff.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

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


def _codes(data: NDArray[np.uint32], position: int, count: int) -> NDArray[np.intp]:
    """The codes that follow a clear code, from a position in bits."""
    first = position + _STARTS[:count]
    byte, shift = first >> 3, 24 - _WIDTHS[:count] - (first & 7)
    three = data[byte] << 16 | data[byte + 1] << 8 | data[byte + 2]
    masked: NDArray[np.uint32] = three >> shift.astype(np.uint32) & ((1 << _WIDTHS[:count]) - 1).astype(np.uint32)
    return masked.astype(np.intp)


def _length(codes: NDArray[np.intp]) -> int | None:
    """What the codes of one table unpack to; None if one of them is not in the table yet."""
    # The code at index i adds entry i of the table: its own string, and one byte of the next.
    parents = np.where(codes >= _FIRST, codes - _FIRST, -1)
    if (parents >= np.arange(len(codes))).any():
        return None
    # Each string is one byte longer than that of its parent: how many parents there are, by ever longer jumps.
    lengths = np.ones(len(codes) + 1, np.int64)
    lengths[-1] = 0
    while (parents >= 0).any():
        lengths[:-1] += lengths[parents]
        following = np.append(parents, -1)
        parents = following[parents]
    return int(lengths.sum())
