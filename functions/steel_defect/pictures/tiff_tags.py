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
MAX_TAGS: Final = 1000
# Of a description, or of the tables of JPEG.
MAX_CONTENT: Final = 1 << 20
_KINDS: Final = {1: "u1", 2: "u1", 3: "u2", 4: "u4", 6: "i1", 7: "u1", 8: "i2", 9: "i4", 13: "u4", 16: "u8", 17: "i8"}
_REDUCED_OR_MASK: Final = 0b101


@dataclass(frozen=True)
class Directory:
    """The tags of one page: of each its NumPy type, where its values are in the file, and how many."""

    data: bytes
    order: str
    tags: Mapping[int, tuple[str, int, int]]

    def numbers(self, tag: int, most: int = 1 << 12) -> tuple[int, ...]:
        """The first values of a tag of integers; empty without it, or if it lies outside the file."""
        kind, where, count = self.tags.get(tag, ("u1", 0, 0))
        type_of_one = np.dtype(self.order + kind)
        value = self.data[where : where + min(count, most) * type_of_one.itemsize]
        return tuple(
            np.frombuffer(value[: len(value) // type_of_one.itemsize * type_of_one.itemsize], type_of_one).tolist()
        )

    def number(self, tag: int, default: int) -> int:
        """The first value of a tag of integers."""
        return next(iter(self.numbers(tag)), default)

    def content(self, tag: int) -> bytes:
        """The bytes of a tag of bytes; empty without it."""
        _, where, count = self.tags.get(tag, ("u1", 0, 0))
        return self.data[where : where + min(count, MAX_CONTENT)]

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
    if count > MAX_TAGS:
        message = f"a TIFF of more than {MAX_TAGS} tags a page is not read"
        raise NotAnImage(message)
    if first + count * size > len(data):
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
        tags[tag] = (_KINDS[kind], where, values)
    (following,) = struct.unpack_from(order + offset, data, first + count * size)
    return Directory(data, order, tags), following
