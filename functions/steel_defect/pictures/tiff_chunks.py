"""The bytes of a strip or tile of a TIFF, decompressed and checked for completeness."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect.errors import DamagedImage, TooManyPixels
from steel_defect.pictures.frames import bands
from steel_defect.pictures.tiff_layout import ADOBE_DEFLATE, DEFLATE, NONE, PACKBITS, Layout
from steel_defect.pictures.tiff_lzw import unpacked as lzw_unpacked
from steel_defect.pictures.tiff_lzw import unpacked_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from PIL.Image import Image

_REVERSED: Final = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
# LZW and PackBits are unpacked a whole strip at once.
MAX_STRIP_BYTES: Final = 64_000_000
# Of PackBits, which is unpacked in Python; photographs have one run in a hundred bytes.
MAX_RUNS: Final = 3_000_000
# A call of libtiff through Pillow takes half a millisecond.
_GROUP_BYTES: Final = 8_000_000
_REPEATS: Final = 128


class Chunks:
    """The strips or tiles of one page."""

    def __init__(self, data: bytes, layout: Layout) -> None:
        """Unpack nothing yet."""
        self._data = data
        self._layout = layout
        self._runs = MAX_RUNS
        # Of each plane: the first strip that was unpacked last, their number, their bytes as a gray picture.
        self._groups: dict[int, tuple[int, int, Image]] = {}

    def stored(self, index: int) -> bytes:
        """What the file has of one strip or tile."""
        start, size = self._layout.offsets[index], self._layout.sizes[index]
        stored = self._data[start : start + size]
        return stored.translate(_REVERSED) if self._layout.reversed_bits else stored

    def rows(self, index: int) -> Iterator[NDArray[np.uint8]]:
        """The rows of one strip or tile that are in the picture, as bytes of shape (some rows, layout.row_bytes).

        Raises:
            DamagedImage: there are less of them than there should be, or more than the strip has room for.
            TooManyPixels: it would unpack to more than is allowed at once.
        """
        layout, rows = self._layout, self._layout.rows_in(index)
        if layout.compression == NONE:
            yield _complete(np.frombuffer(self.stored(index), np.uint8), rows, layout.row_bytes)
        elif layout.compression in {DEFLATE, ADOBE_DEFLATE}:
            yield from _inflated(self.stored(index), layout, rows)
        elif rows * layout.row_bytes > MAX_STRIP_BYTES:
            message = (
                f"a strip of this TIFF unpacks to more than {MAX_STRIP_BYTES:,} bytes: save it with smaller strips"
            )
            raise TooManyPixels(message)
        elif layout.compression == PACKBITS:
            unpacked, runs = _packbits(self.stored(index), layout, rows, self._runs)
            self._runs -= runs
            yield unpacked
        else:
            yield from self._lzw(index, rows)

    def _lzw(self, index: int, rows: int) -> Iterator[NDArray[np.uint8]]:
        layout = self._layout
        per_plane = layout.chunks // (layout.samples if layout.planar else 1)
        plane = index // per_plane
        first, count, image = self._groups.get(plane, (0, 0, None))
        if image is None or not first <= index < first + count:
            self._groups[plane] = first, count, image = self._group(index, (plane + 1) * per_plane)
        top = (index - first) * (image.height // count)
        for band in bands(rows, layout.row_bytes):
            yield np.asarray(image.crop((0, top + band.start, layout.row_bytes, top + band.stop)))

    def _group(self, first: int, end: int) -> tuple[int, int, Image]:
        """As many strips or tiles from the first on as are worth a call of libtiff."""
        layout = self._layout
        full = layout.chunk[0] * layout.row_bytes
        strips: list[bytes] = []
        for index in range(first, min(end, first + max(1, _GROUP_BYTES // full))):
            stored = self.stored(index)
            size, least = unpacked_size(stored) or 0, layout.rows_in(index) * layout.row_bytes
            if not least <= size <= full:
                message = f"strip or tile {index} of the TIFF unpacks to {size:,} bytes instead of {least:,}"
                raise DamagedImage(message)
            if size < full and strips:
                break
            strips.append(stored)
            if size < full:  # the last one may have less rows, and is then alone
                return first, 1, lzw_unpacked(strips, layout.row_bytes, size // layout.row_bytes)
        return first, len(strips), lzw_unpacked(strips, layout.row_bytes, layout.chunk[0])


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


def _packbits(stored: bytes, layout: Layout, rows: int, most: int) -> tuple[NDArray[np.uint8], int]:
    """Runs of equal bytes and of bytes as they are (TIFF 6.0, section 9), and how many there were of at most `most`."""
    unpacked = bytearray()
    position = runs = 0
    wanted, end = rows * layout.row_bytes, len(stored)
    while position < end and len(unpacked) < wanted and runs < most:
        runs += 1
        count = stored[position]
        if count < _REPEATS:
            unpacked += stored[position + 1 : position + 2 + count]
            position += 2 + count
        elif count > _REPEATS:
            unpacked += stored[position + 1 : position + 2] * (257 - count)
            position += 2
        else:
            position += 1
    if runs == most:
        message = f"a TIFF of more than {MAX_RUNS:,} runs of PackBits is not read"
        raise TooManyPixels(message)
    if (end - position > 1 or len(unpacked) > wanted) and layout.chunk[0] == rows:
        message = "a strip or tile of the TIFF is longer than it should be"
        raise DamagedImage(message)
    return _complete(np.frombuffer(unpacked, np.uint8), rows, layout.row_bytes), runs
