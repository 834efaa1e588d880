"""How a page of a TIFF is stored, checked against what is read. What is not read is refused by its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from steel_defect.errors import NotAnImage
from steel_defect.pictures import tiff_tags as tags

if TYPE_CHECKING:
    from steel_defect.pictures.tiff_tags import Directory

NONE, LZW, DEFLATE, ADOBE_DEFLATE, PACKBITS, JPEG = 1, 5, 32946, 8, 32773, 7
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6
_COLOURS: Final = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3}
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
_BITS: Final = {UNSIGNED: (*range(1, 17), 32), SIGNED: (8, 16, 32), FLOAT: (16, 32, 64)}
# In all pages; each costs some 50 microseconds.
MAX_CHUNKS: Final = 40_000
# Rows are unpacked one at a time at the least.
MAX_ROW_BYTES: Final = 16_000_000
_IN_OME: Final = re.compile(rb'SignificantBits="(\d{1,2})"')


@dataclass(frozen=True)
class Layout:
    """One page.

    Attributes:
        chunk: rows and columns of a strip or tile.
        offsets: where the strips or tiles begin; with planes apart, first those of the first plane.
        sizes: their bytes.
        colours: samples that are colour; what follows them is extra.
        white_bits: the depth that the file says; None if it does not.
    """

    order: str
    width: int
    height: int
    turn: int
    bits: int
    samples: int
    colours: int
    sample_format: int
    photometric: int
    compression: int
    predictor: int
    planar: bool
    reversed_bits: bool
    alpha: bool
    chunk: tuple[int, int]
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]
    palette: tuple[int, ...]
    jpeg_tables: bytes
    white_bits: int | None

    @property
    def chunks(self) -> int:
        """How many strips or tiles the page has."""
        return _chunks(self.width, self.height, self.chunk, self.samples if self.planar else 1)

    def rows_in(self, chunk: int) -> int:
        """How many rows of a strip or tile are in the picture."""
        across = -(-self.width // self.chunk[1])
        per_plane = -(-self.height // self.chunk[0]) * across
        return min(self.chunk[0], self.height - chunk % per_plane // across * self.chunk[0])

    @property
    def stored(self) -> int:
        """Samples of a pixel within one strip or tile."""
        return 1 if self.planar else self.samples

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of one strip or tile."""
        return (self.chunk[1] * self.stored * self.bits + 7) // 8


def read_layout(page: Directory) -> Layout:
    """Check the tags of one page.

    Raises:
        NotAnImage: names what is not read.
    """
    width, height = page.number(tags.WIDTH, 0), page.number(tags.HEIGHT, 0)
    tiled = bool(page.numbers(tags.TILE_WIDTH))
    rows = page.number(tags.TILE_HEIGHT if tiled else tags.ROWS_PER_STRIP, height)
    columns = page.number(tags.TILE_WIDTH, width) if tiled else width
    if not 0 < width < 1 << 31 or not 0 < height < 1 << 31 or not rows or not columns:
        message = f"a TIFF of {width} x {height} pixels is not read"
        raise NotAnImage(message)
    photometric = page.number(tags.PHOTOMETRIC, BLACK_IS_ZERO)
    samples = page.number(tags.SAMPLES, 1)
    colours = _COLOURS.get(photometric, 0)
    bits = _same(page.numbers(tags.BITS) or (1,), "depths")
    extra = page.numbers(tags.EXTRA_SAMPLES)
    planar = page.number(tags.PLANAR, 1) == 2 and samples > 1  # noqa: PLR2004 - planes apart
    chunk = (rows if tiled else min(rows, height), columns)
    chunks = _chunks(width, height, chunk, samples if planar else 1)
    if chunks > MAX_CHUNKS:
        message = f"a TIFF of more than {MAX_CHUNKS:,} strips or tiles is not read"
        raise NotAnImage(message)
    layout = Layout(
        order=page.order,
        width=width,
        height=height,
        turn=page.number(tags.ORIENTATION, 1) if page.number(tags.ORIENTATION, 1) in range(1, 9) else 1,
        bits=bits,
        samples=samples,
        colours=colours,
        sample_format=_same(page.numbers(tags.SAMPLE_FORMAT) or (UNSIGNED,), "sample formats"),
        photometric=photometric,
        compression=page.number(tags.COMPRESSION, NONE),
        predictor=page.number(tags.PREDICTOR, 1),
        planar=planar,
        reversed_bits=page.number(tags.FILL_ORDER, 1) == 2,  # noqa: PLR2004 - lowest bit first
        alpha=extra[:1] == (2,),  # what is not yet multiplied by it; the other kind is on black already
        chunk=chunk,
        offsets=page.numbers(tags.TILE_OFFSETS if tiled else tags.STRIP_OFFSETS, chunks),
        sizes=page.numbers(tags.TILE_BYTES if tiled else tags.STRIP_BYTES, chunks),
        palette=page.numbers(tags.COLOR_MAP),
        jpeg_tables=page.content(tags.JPEG_TABLES),
        white_bits=_white_bits(page, bits),
    )
    _check(layout)
    return layout


def _chunks(width: int, height: int, chunk: tuple[int, int], planes: int) -> int:
    return -(-height // chunk[0]) * -(-width // chunk[1]) * planes


def _same(values: tuple[int, ...], what: str) -> int:
    if len(set(values)) > 1:
        message = f"a TIFF whose samples have different {what} ({', '.join(map(str, values[:8]))}) is not read"
        raise NotAnImage(message)
    return 1 if what == "sample formats" and values[0] == 4 else values[0]  # noqa: PLR2004 - "undefined" is unsigned


def _white_bits(page: Directory, bits: int) -> int | None:
    """The depth that the file says; a number of bits that fills whole bytes is only room."""
    if bits % 8:
        return bits
    said = _IN_OME.search(page.content(tags.DESCRIPTION))
    if said and 0 < int(said[1]) <= bits:
        return int(said[1])
    top = page.number(tags.MAX_SAMPLE_VALUE, 0)
    # Some writers put the highest sample of this picture there, which is no depth.
    return top.bit_length() if 8 <= top.bit_length() < bits and top & (top + 1) == 0 else None  # noqa: PLR2004 - a byte


def _check(layout: Layout) -> None:
    known = {NONE, LZW, DEFLATE, ADOBE_DEFLATE, PACKBITS, JPEG}
    kind = {UNSIGNED: "unsigned", SIGNED: "signed", FLOAT: "float"}.get(layout.sample_format, "complex")
    chunks = layout.chunks
    refusals = (
        (layout.compression not in known, f"of compression {layout.compression}"),
        (layout.photometric not in _COLOURS, f"of photometric interpretation {layout.photometric}"),
        (layout.photometric == YCBCR and layout.compression != JPEG, "of YCbCr that is not JPEG"),
        (layout.bits not in _BITS.get(layout.sample_format, ()), f"of {layout.bits} bits a sample, {kind}"),
        (not layout.colours <= layout.samples <= layout.colours + 4, f"of {layout.samples} samples a pixel"),
        (layout.samples > 1 and layout.bits % 8 != 0, f"of {layout.bits} bits a sample in several samples"),
        (layout.predictor not in {1, 2, 3}, f"of predictor {layout.predictor}"),
        (layout.predictor != 1 and layout.bits % 8 != 0, f"of {layout.bits} bits a sample with a predictor"),
        (layout.predictor == 3 and layout.sample_format != FLOAT, "of integers with the predictor of floats"),  # noqa: PLR2004 - as TIFF
        (layout.photometric in {PALETTE, CMYK} and layout.bits > 8, f"of {layout.bits}-bit palette or ink"),  # noqa: PLR2004 - a byte
        (layout.photometric == PALETTE and len(layout.palette) != 3 << layout.bits, "without its palette"),
        (layout.compression == JPEG and (layout.bits != 8 or layout.planar), "of deep or planar JPEG"),  # noqa: PLR2004 - a byte
        (layout.row_bytes > MAX_ROW_BYTES, f"with rows of more than {MAX_ROW_BYTES:,} bytes"),
        (len(layout.offsets) < chunks or len(layout.sizes) < chunks, f"with less than its {chunks} strips or tiles"),
    )
    for refused, what in refusals:
        if refused:
            message = f"a TIFF {what} is not read"
            raise NotAnImage(message)
