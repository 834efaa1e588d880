"""TIFF: from the bytes of strips and tiles to gray, whatever the samples are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from steel_defect.errors import DamagedImage, NotAnImage
from steel_defect.pictures.bits import luma, to_gray
from steel_defect.pictures.frames import EIGHT_BITS, MAX_PAGES, Frame, Gray, bands
from steel_defect.pictures.tiff_chunks import Chunks
from steel_defect.pictures.tiff_layout import (
    CMYK,
    FLOAT,
    JPEG,
    MAX_CHUNKS,
    PALETTE,
    SIGNED,
    WHITE_IS_ZERO,
    Layout,
    read_layout,
)
from steel_defect.pictures.tiff_samples import decoded_jpeg, samples_of
from steel_defect.pictures.tiff_tags import Directory, read_directories

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_BYTE: Final = 8


class TiffReader:
    """A `Reader` of TIFF."""

    def __init__(self, data: bytes, bit_depth: int | None) -> None:
        """Read the directories; a file of thumbnails alone has one page, the first of them.

        Raises:
            NotAnImage: no directory, or a page of a kind that is not read.
        DamagedImage: something lies outside the file.
        """
        directories = read_directories(data)
        if not directories:
            message = "the TIFF has no page"
            raise NotAnImage(message)
        pages = [directory for directory in directories if directory.counts] or directories[:1]
        self._data = data
        self._bit_depth = bit_depth
        self._layouts = _layouts(data, pages)
        self.frames = tuple(Frame(layout.width, layout.height, layout.turn) for layout in self._layouts)

    def decode(self, index: int, at_least: tuple[int, int] | None) -> Gray:
        """See `Reader.decode`."""
        del at_least
        layout = self._layouts[index]
        samples = np.empty((layout.height, layout.width), _gray_type(layout))
        alpha = np.empty(samples.shape, np.uint8) if layout.alpha else None
        for rows, columns, part in self._parts(layout):
            samples[rows, columns] = _gray_of(part, layout)
            if alpha is not None:
                alpha[rows, columns] = _alpha_of(part, layout)
        gray = self._to_8_bits(samples, layout)
        if alpha is not None and alpha.any():
            for band in bands(*samples.shape):
                gray.pixels[band] = np.round(gray.pixels[band] * (alpha[band] / np.float32(255)))
        return gray

    def _to_8_bits(self, samples: NDArray[Any], layout: Layout) -> Gray:
        if samples.dtype == np.uint8:
            gray = Gray(samples, EIGHT_BITS)
        else:
            gray = to_gray(samples, self._bit_depth, layout.white_bits)
        if layout.photometric == WHITE_IS_ZERO:
            np.subtract(255, gray.pixels, out=gray.pixels)
        return gray

    def _parts(self, layout: Layout) -> Iterator[tuple[slice, slice, NDArray[Any]]]:
        """Where each part of the page belongs, and its samples, of shape (rows, columns, samples)."""
        down, across = -(-layout.height // layout.chunk[0]), -(-layout.width // layout.chunk[1])
        chunks = Chunks(self._data, layout)
        for chunk in range(down * across):
            top, left = chunk // across * layout.chunk[0], chunk % across * layout.chunk[1]
            width = min(layout.chunk[1], layout.width - left)
            columns = slice(left, left + width)
            for part in _samples(chunks, layout, chunk):
                rows = slice(top, top + len(part))
                yield rows, columns, part[:, :width]
                top += len(part)


def _samples(chunks: Chunks, layout: Layout, chunk: int) -> Iterator[NDArray[Any]]:
    """The rows of one strip or tile in bands, of shape (rows, columns, samples)."""
    if layout.compression == JPEG:
        yield decoded_jpeg(chunks.stored(chunk), layout)[: layout.rows_in(chunk)]
        return
    planes = range(layout.samples if layout.planar else 1)
    streams = [chunks.rows(chunk + plane * layout.chunks // len(planes)) for plane in planes]
    for parts in zip(*streams, strict=True):
        for band in bands(len(parts[0]), layout.chunk[1] * layout.samples):
            samples = [samples_of(part[band], layout) for part in parts]
            yield samples[0] if len(samples) == 1 else np.concatenate(samples, axis=2)


def _layouts(data: bytes, pages: list[Directory]) -> tuple[Layout, ...]:
    """Of all pages, whose strips and tiles together are limited in number, and do not lie upon each other."""
    layouts: list[Layout] = []
    chunks = stored = 0
    for page in pages[: MAX_PAGES + 1]:
        layout = read_layout(page)
        end = max(start + size for start, size in zip(layout.offsets, layout.sizes, strict=False))
        if end > len(data):
            message = f"the TIFF was cut: a strip or tile ends at byte {end:,}, the file at {len(data):,}"
            raise DamagedImage(message)
        chunks += layout.chunks
        stored += sum(layout.sizes)
        if chunks > MAX_CHUNKS or stored > 2 * len(data):
            message = (
                f"a TIFF of more than {MAX_CHUNKS:,} strips or tiles, or with the same ones on many pages, is not read"
            )
            raise NotAnImage(message)
        layouts.append(layout)
    return tuple(layouts)


def _gray_type(layout: Layout) -> type[np.generic]:
    """The type in which the gray of the whole page is kept until its range is known."""
    if layout.sample_format == FLOAT or (layout.colours > 1 and layout.bits > 2 * _BYTE):
        return np.float32
    if layout.sample_format == SIGNED:
        return np.int32 if layout.bits > 2 * _BYTE else np.int16
    return np.uint8 if layout.bits <= _BYTE else np.uint16 if layout.bits <= 2 * _BYTE else np.uint32


def _gray_of(part: NDArray[Any], layout: Layout) -> NDArray[Any]:
    if layout.compression == JPEG:
        return part[..., 0]
    if layout.photometric == PALETTE:
        table = luma(np.array(layout.palette, np.uint16).reshape(3, -1).T >> 8)
        levels: NDArray[Any] = table.astype(np.uint8)[part[..., 0]]
        return levels
    if layout.photometric == CMYK:
        return np.asarray(np.round(luma(255 - part[..., :3]) * ((255 - part[..., 3]) / np.float32(255))))
    if layout.colours > 1:
        return luma(part)
    if layout.bits < _BYTE:
        return np.asarray(np.round(part[..., 0] * (255 / (2**layout.bits - 1))))
    return part[..., 0]


def _alpha_of(part: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """The first extra sample, as 8 bits."""
    if part.shape[2] <= layout.colours or layout.sample_format != 1:
        return np.full(part.shape[:2], 255, np.uint8)
    return part[..., layout.colours] >> max(0, layout.bits - _BYTE)
