"""The bytes of a strip or tile of a TIFF, decompressed and checked for completeness."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect.errors import DamagedImage, TooManyPixels
from steel_defect.pictures.frames import bands
from steel_defect.pictures.tiff_layout import ADOBE_DEFLATE, DEFLATE, NONE, PACKBITS, Layout
from steel_defect.pictures.tiff_lzw import unpacked_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_REVERSED: Final = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
# LZW and PackBits are unpacked a whole strip at once.
MAX_STRIP_BYTES: Final = 64_000_000
_REPEATS: Final = 128


def chunk_bytes(data: bytes, layout: Layout, index: int) -> bytes:
    """What is stored of one strip or tile.

    Raises:
        DamagedImage: it does not lie within the file.
    """
    start, size = layout.offsets[index], layout.sizes[index]
    if start + size > len(data):
        message = f"the TIFF was cut: strip or tile {index} ends at byte {start + size:,}, the file at {len(data):,}"
        raise DamagedImage(message)
    stored = data[start : start + size]
    return stored.translate(_REVERSED) if layout.reversed_bits else stored


def rows_of(data: bytes, layout: Layout, index: int, rows: int) -> Iterator[NDArray[np.uint8]]:
    """The first rows of one strip or tile, as bytes of shape (some rows, layout.row_bytes).

    Raises:
        DamagedImage: there are less of them than there should be, or more than the strip has room for.
        TooManyPixels: it would unpack to more than is allowed at once.
    """
    stored = chunk_bytes(data, layout, index)
    if layout.compression == NONE:
        yield _complete(np.frombuffer(stored, np.uint8), rows, layout.row_bytes)
    elif layout.compression in {DEFLATE, ADOBE_DEFLATE}:
        yield from _inflated(stored, layout, rows)
    elif rows * layout.row_bytes > MAX_STRIP_BYTES:
        message = f"a strip of this TIFF unpacks to more than {MAX_STRIP_BYTES:,} bytes: save it with smaller strips"
        raise TooManyPixels(message)
    else:
        yield from (_packbits if layout.compression == PACKBITS else _unpacked)(stored, layout, rows)


def _complete(unpacked: NDArray[np.uint8], rows: int, row_bytes: int) -> NDArray[np.uint8]:
    if unpacked.size < rows * row_bytes:
        message = f"the TIFF was cut: a strip or tile has {unpacked.size:,} bytes instead of {rows * row_bytes:,}"
        raise DamagedImage(message)
    return unpacked[: rows * row_bytes].reshape(rows, row_bytes)


def _inflated(stored: bytes, layout: Layout, rows: int) -> Iterator[NDArray[np.uint8]]:
    stream = zlib.decompressobj()
    rest = stored
    for band in bands(rows, layout.row_bytes):
        wanted = (band.stop - band.start) * layout.row_bytes
        inflated = stream.decompress(rest, wanted)
        rest = stream.unconsumed_tail
        yield _complete(np.frombuffer(inflated, np.uint8), band.stop - band.start, layout.row_bytes)
    # To the end of the stream, where its checksum is; the last strip may be filled up to the size of the others.
    padding = (layout.chunk[0] - rows) * layout.row_bytes
    while not stream.eof and padding >= 0:
        more = stream.decompress(rest, 1 << 20)
        padding -= len(more)
        if not more and not stream.unconsumed_tail:
            break
        rest = stream.unconsumed_tail
    if not stream.eof:
        message = "a strip or tile of the TIFF is longer than it should be, or lacks its end"
        raise DamagedImage(message)


def _unpacked(stored: bytes, layout: Layout, rows: int) -> Iterator[NDArray[np.uint8]]:
    """By libtiff: the strip is presented to Pillow as a gray picture, whose pixels are its bytes."""
    from PIL.TiffImagePlugin import TiffImageFile

    size = unpacked_size(stored)
    if size is None or not rows * layout.row_bytes <= size <= layout.chunk[0] * layout.row_bytes:
        message = f"a strip or tile of the TIFF unpacks to {size or 0:,} bytes instead of {rows * layout.row_bytes:,}"
        raise DamagedImage(message)
    with TiffImageFile(BytesIO(_as_picture(stored, layout, rows))) as image:
        image.load()
        for band in bands(rows, layout.row_bytes):
            yield np.asarray(image.crop((0, band.start, layout.row_bytes, band.stop)))


def _packbits(stored: bytes, layout: Layout, rows: int) -> Iterator[NDArray[np.uint8]]:
    """Runs of equal bytes and of bytes as they are (TIFF 6.0, section 9)."""
    unpacked = bytearray()
    position, wanted = 0, rows * layout.row_bytes
    while position < len(stored) and len(unpacked) < wanted:
        count = stored[position]
        if count < _REPEATS:
            unpacked += stored[position + 1 : position + 2 + count]
            position += 2 + count
        else:
            if count > _REPEATS:
                unpacked += stored[position + 1 : position + 2] * (257 - count)
            position += 2 if count > _REPEATS else 1
    if (len(stored) - position > 1 or len(unpacked) > wanted) and layout.chunk[0] == rows:
        message = "a strip or tile of the TIFF is longer than it should be"
        raise DamagedImage(message)
    yield _complete(np.frombuffer(unpacked, np.uint8), rows, layout.row_bytes)


def _as_picture(stored: bytes, layout: Layout, rows: int) -> bytes:
    """A TIFF of one strip of 8-bit gray."""
    start = 8 + 2 + 9 * 12 + 4
    entries = (
        (256, layout.row_bytes),
        (257, rows),
        (258, 8),
        (259, layout.compression),
        (262, 1),
        (273, start),
        (277, 1),
        (278, rows),
        (279, len(stored)),
    )
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    return struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + directory + bytes(4) + stored
