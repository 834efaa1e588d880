"""The directories of a TIFF or BigTIFF: one a page. Nothing is decoded.

Pillow refuses or misreads kinds that cameras write (packed 10 bits, white as zero, planes, signed samples) and reads
thumbnails as pages, so this project reads the tags itself.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect.errors import DamagedImage, NotAnImage

if TYPE_CHECKING:
    from collections.abc import Mapping

NEW_SUBFILE_TYPE, SUBFILE_TYPE, WIDTH, HEIGHT, BITS, COMPRESSION = 254, 255, 256, 257, 258, 259
PHOTOMETRIC, FILL_ORDER, DESCRIPTION, STRIP_OFFSETS, ORIENTATION, SAMPLES = 262, 266, 270, 273, 274, 277
ROWS_PER_STRIP, STRIP_BYTES, MAX_SAMPLE_VALUE, PLANAR, PREDICTOR = 278, 279, 281, 284, 317
COLOR_MAP, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES = 320, 322, 323, 324, 325
EXTRA_SAMPLES, SAMPLE_FORMAT, JPEG_TABLES = 338, 339, 347

# Reduced copies count as entries, not as pages.
MAX_DIRECTORIES: Final = 256
MAX_VALUES: Final = 1 << 16
_KINDS: Final = {1: "u1", 2: "u1", 3: "u2", 4: "u4", 6: "i1", 7: "u1", 8: "i2", 9: "i4", 13: "u4", 16: "u8", 17: "i8"}
_REDUCED_OR_MASK: Final = 0b101


@dataclass(frozen=True)
class Directory:
    """The tags of one page, as bytes in the file's order and their NumPy type."""

    order: str
    tags: Mapping[int, tuple[str, bytes]]

    def numbers(self, tag: int) -> tuple[int, ...]:
        """The values of a tag of integers; empty without it."""
        kind, value = self.tags.get(tag, ("u1", b""))
        return tuple(np.frombuffer(value, self.order + kind).tolist())

    def number(self, tag: int, default: int) -> int:
        """The first value of a tag of integers."""
        return next(iter(self.numbers(tag)), default)

    def content(self, tag: int) -> bytes:
        """The bytes of a tag; empty without it."""
        return self.tags.get(tag, ("u1", b""))[1]

    @property
    def counts(self) -> bool:
        """Tell whether this is a page, not a thumbnail, a reduced copy or a mask of one."""
        return not self.number(NEW_SUBFILE_TYPE, 0) & _REDUCED_OR_MASK and self.number(SUBFILE_TYPE, 1) != 2  # noqa: PLR2004 - reduced


def read_directories(data: bytes) -> list[Directory]:
    """All directories of the chain, in its order.

    Raises:
        DamagedImage: a directory lies outside the file.
        NotAnImage: there are too many, or a circle of them.
    """
    order = "<" if data.startswith(b"II") else ">"
    big = data[2:4] in {b"+\x00", b"\x00+"}
    found: list[Directory] = []
    seen: set[int] = set()
    try:
        (position,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
        while position:
            if position in seen or len(found) == MAX_DIRECTORIES:
                message = f"a TIFF of more than {MAX_DIRECTORIES} directories, or with a circle of them, is not read"
                raise NotAnImage(message)
            seen.add(position)
            directory, position = _directory(data, position, order, big=big)
            found.append(directory)
    except struct.error as error:
        message = "a directory of the TIFF lies outside the file: it was cut"
        raise DamagedImage(message) from error
    return found


def _directory(data: bytes, start: int, order: str, *, big: bool) -> tuple[Directory, int]:
    """One directory, and where the next one is."""
    head, entry, offset = ("Q", "HHQ", "Q") if big else ("H", "HHI", "I")
    room = struct.calcsize("=" + offset)
    size = struct.calcsize("=" + entry) + room
    (count,) = struct.unpack_from(order + head, data, start)
    first = start + struct.calcsize("=" + head)
    if count > MAX_VALUES or first + count * size > len(data):
        message = "a directory of the TIFF lies outside the file: it was cut"
        raise DamagedImage(message)
    tags = {}
    for index in range(count):
        position = first + index * size
        tag, kind, values = struct.unpack_from(order + entry, data, position)
        if kind not in _KINDS:
            continue  # fractions and floats, which nothing here asks for
        length = values * np.dtype(_KINDS[kind]).itemsize
        where = position + size - room
        if length > room:
            (where,) = struct.unpack_from(order + offset, data, where)
        # What is too long or outside the file is as if it were not there; if it is needed, that is an error.
        if values <= MAX_VALUES or kind in {2, 7}:
            tags[tag] = (_KINDS[kind], data[where : where + length] if where + length <= len(data) else b"")
    (following,) = struct.unpack_from(order + offset, data, first + count * size)
    return Directory(order, tags), following
