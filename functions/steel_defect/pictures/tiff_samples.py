"""The samples in the bytes of a TIFF's strips and tiles: order, packing, predictors, and JPEG within TIFF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from steel_defect.errors import DamagedImage
from steel_defect.pictures.tiff_layout import FLOAT, RGB, SIGNED, YCBCR, Layout

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HORIZONTAL, _FLOATING = 2, 3
_FAMILIES: Final = {SIGNED: "i", FLOAT: "f"}


def samples_of(rows: NDArray[np.uint8], layout: Layout) -> NDArray[Any]:
    """Samples of shape (rows, columns, samples) from bytes of shape (rows, layout.row_bytes)."""
    shape = (len(rows), layout.chunk[1], layout.stored)
    if layout.bits % 8:
        return _packed(rows, layout.bits, layout.chunk[1])[..., np.newaxis]
    size = layout.bits // 8
    kind = np.dtype(f"{layout.order}{_FAMILIES.get(layout.sample_format, 'u')}{size}")
    rows = np.ascontiguousarray(rows)
    if layout.predictor == _FLOATING:
        added = np.cumsum(rows.reshape(len(rows), -1, layout.stored), axis=1, dtype=np.uint8)
        # The bytes of a row lie apart by their weight, the heaviest first.
        apart = added.reshape(len(rows), size, shape[1] * shape[2])
        return np.ascontiguousarray(apart.swapaxes(1, 2)).view(f">f{size}").reshape(shape)
    if layout.predictor == _HORIZONTAL:
        differences = rows.view(f"{layout.order}u{size}").reshape(shape)
        return np.cumsum(differences, axis=1, dtype=f"u{size}").view(kind.newbyteorder("="))
    return rows.view(kind).reshape(shape)


def _packed(rows: NDArray[np.uint8], bits: int, columns: int) -> NDArray[Any]:
    """Samples of 1 to 15 bits without gaps, each row beginning with a byte."""
    first = np.arange(columns, dtype=np.intp) * bits
    byte, shift = first >> 3, (24 - bits - (first & 7)).astype(np.uint32)
    padded = np.pad(rows, ((0, 0), (0, 2)))
    # A sample lies in at most three bytes.
    three = padded[:, byte].astype(np.uint32) << 16 | padded[:, byte + 1].astype(np.uint32) << 8 | padded[:, byte + 2]
    values = three >> shift & np.uint32(2**bits - 1)
    return values.astype(np.uint8 if bits <= 8 else np.uint16)  # noqa: PLR2004 - bits of a byte


def decoded_jpeg(stored: bytes, layout: Layout) -> NDArray[np.uint8]:
    """Gray of one strip or tile of JPEG, shape (rows, columns, 1), its tables being in a tag of the page.

    Raises:
        DamagedImage: it is not whole.
        NotAnImage: of a kind that is not read.
    """
    from steel_defect.pictures.jpeg import JpegReader

    # libjpeg guesses colours from component numbers if there is no Adobe marker; TIFF states them.
    transform = {RGB: 0, YCBCR: 1}.get(layout.photometric)
    adobe = b"" if transform is None else b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([transform])
    tables = layout.jpeg_tables[2:].removesuffix(b"\xff\xd9")
    reader = JpegReader(stored[:2] + adobe + tables + stored[2:])
    pixels = reader.decode(0, None).pixels
    if pixels.shape[1] != layout.chunk[1]:
        message = "a strip or tile of the TIFF has another width than its page"
        raise DamagedImage(message)
    return pixels[..., np.newaxis]
