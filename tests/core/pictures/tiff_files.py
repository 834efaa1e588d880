"""TIFFs of kinds that Pillow does not write, made of strips."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


Tags = dict[int, tuple[int, ...] | bytes]


@dataclass(frozen=True)
class Page:
    """Strips of a page, and what its tags say beside sizes and places. Values of a tag are integers or bytes."""

    width: int
    height: int
    strips: tuple[bytes, ...]
    tags: Tags


def page(samples: NDArray[Any], tags: Tags | None = None, *, order: str = "<", rows: int = 64) -> Page:
    """A page of samples of shape (rows, columns) or (rows, columns, samples), uncompressed.

    Args:
        samples: of the type that is stored.
        tags: beside those that follow from the samples.
        order: "<" or ">".
        rows: of a strip.
    """
    height, width, *more = samples.shape
    count = more[0] if more else 1
    kind = {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    stored = samples.astype(samples.dtype.newbyteorder(order))  # type: ignore[arg-type] # "<" and ">"
    strips = tuple(stored[top : top + rows].tobytes() for top in range(0, height, rows))
    found: Tags = {
        258: (8 * samples.dtype.itemsize,) * count,
        259: (1,),
        262: (2 if count >= 3 else 1,),
        277: (count,),
        278: (rows,),
        339: (kind,) * count,
    }
    return Page(width, height, strips, found | (tags or {}))


def tiff(*pages: Page, order: str = "<", big: bool = False) -> bytes:
    """A file of the pages."""
    head, entry, offset, magic = ("Q", "HHQ", "Q", 43) if big else ("H", "HHI", "I", 42)
    room = struct.calcsize("=" + offset)
    data = bytearray(b"II" if order == "<" else b"MM") + struct.pack(order + "H", magic)
    if big:
        data += struct.pack(order + "HH", 8, 0)
    link = len(data)
    data += bytes(room)
    for one in pages:
        offsets = []
        for strip in one.strips:
            offsets.append(len(data))
            data += strip
        tags = one.tags | {256: (one.width,), 257: (one.height,), 273: tuple(offsets)}
        tags[279] = tuple(len(strip) for strip in one.strips)
        entries = b""
        for tag in sorted(tags):
            values = tags[tag]
            content = values if isinstance(values, bytes) else struct.pack(f"{order}{len(values)}I", *values)
            entries += struct.pack(order + entry, tag, 7 if isinstance(values, bytes) else 4, len(values))
            if len(content) <= room:
                entries += content.ljust(room, b"\x00")
            else:
                entries += struct.pack(order + offset, len(data))
                data += content
        struct.pack_into(order + offset, data, link, len(data))
        data += struct.pack(order + head, len(tags)) + entries
        link = len(data)
        data += bytes(room)
    return bytes(data)


def packed(samples: NDArray[Any], bits: int) -> bytes:
    """Samples of any number of bits without gaps, each row beginning with a byte."""
    shifts = np.arange(bits - 1, -1, -1)
    spread = (samples[..., np.newaxis] >> shifts & 1).astype(np.uint8)
    return np.packbits(spread.reshape(len(samples), -1), axis=1).tobytes()
