"""The chunks of a PNG, each with its checksum: what it is, and whether it is whole. Nothing is decoded.

Pillow checks neither the checksums of picture data nor the end of the compressed stream.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Final

from steel_defect.errors import DamagedImage, NotAnImage

# Common encoders write 8 KiB or more in a chunk; 20 MB in chunks of 1 KiB are as many.
MAX_CHUNKS: Final = 20_000
_SIGNATURE: Final = 8
_HEADER: Final = 8
_CHECKSUM: Final = 4
_NEEDED: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT"})
_COLOUR_TYPES: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


@dataclass
class Chunks:
    """What the chunks say, collected while they are read.

    Attributes:
        frames: of an animation; 1 if it is none.
        significant: the most bits of any channel in sBIT; None without.
        transparent: the bytes of tRNS.
        broken: why the file is not whole; None if it is.
        kept: where the chunks are that make the picture.
    """

    width: int = 0
    height: int = 0
    bits: int = 0
    colour_type: int = 0
    frames: int = 1
    significant: int | None = None
    transparent: bytes | None = None
    exif: bytes = b""
    xmp: bytes = b""
    broken: str | None = None
    kept: list[slice] = field(default_factory=list)

    def picture(self, data: bytes) -> bytes:
        """The file without texts, profiles and the like, which Pillow would unpack, however many there are."""
        return data[:_SIGNATURE] + b"".join([data[chunk] for chunk in self.kept])


def read_chunks(data: bytes) -> Chunks:
    """Read and check all chunks.

    Raises:
        NotAnImage: not a PNG that any decoder reads, or of more chunks than any encoder writes.
        DamagedImage: its header is damaged.
    """
    chunks = Chunks()
    position = _SIGNATURE
    for index in range(MAX_CHUNKS):
        if position == len(data):
            break  # without IEND; whether the picture is there is for the decoder to tell
        length = int.from_bytes(data[position : position + 4])
        kind = data[position + 4 : position + _HEADER]
        end = position + _HEADER + length
        if end + _CHECKSUM > len(data):
            chunks.broken = f"the PNG ends within a chunk at byte {len(data):,}"
            break
        body = memoryview(data)[position + 4 : end]
        if zlib.crc32(body) != int.from_bytes(data[end : end + _CHECKSUM]):
            chunks.broken = f"the checksum of a PNG chunk at byte {position:,} is wrong"
            break
        if (index == 0) != (kind == b"IHDR"):
            chunks.broken = "the PNG does not begin with its one header"
            break
        _take(chunks, kind, body[4:])
        if kind in _NEEDED:
            chunks.kept.append(slice(position, end + _CHECKSUM))
        position = end + _CHECKSUM
        if kind == b"IEND":
            break
    else:
        message = f"a PNG of more than {MAX_CHUNKS:,} chunks is not read"
        raise NotAnImage(message)
    if not chunks.width or not chunks.height:
        message = chunks.broken or "the PNG has no header"
        raise DamagedImage(message)
    return chunks


def _take(chunks: Chunks, kind: bytes, body: memoryview) -> None:
    match kind:
        case b"IHDR" if len(body) == 13:  # noqa: PLR2004 - PNG, section 11.2.1
            chunks.width, chunks.height = int.from_bytes(body[:4]), int.from_bytes(body[4:8])
            chunks.bits, chunks.colour_type = body[8], body[9]
            if chunks.colour_type not in _COLOUR_TYPES:
                message = f"a PNG of colour type {chunks.colour_type} is not read"
                raise NotAnImage(message)
        case b"sBIT":
            channels = bytes(body)[: 3 if chunks.colour_type in {2, 6} else 1]
            chunks.significant = max(channels, default=None)
        case b"tRNS":
            chunks.transparent = bytes(body)
        case b"eXIf":
            chunks.exif = bytes(body)
        case b"iTXt" if bytes(body[:17]) == b"XML:com.adobe.xmp":
            chunks.xmp = bytes(body)
        case b"acTL" if len(body) == 8:  # noqa: PLR2004 - APNG
            chunks.frames = max(1, int.from_bytes(body[:4]))
