"""The markers of a JPEG: what it is, where it ends, and whether all its scans are there. Nothing is decoded.

libjpeg takes a progressive JPEG that was cut between two scans as whole, and spends time on every scan; so both are
judged here, from the markers alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from steel_defect.errors import DamagedImage, NotAnImage

# A camera writes one scan, or about ten if it writes progressive JPEG.
MAX_SCANS: Final = 100
MAX_SEGMENTS: Final = 1000
# In the coded data of a scan FF is followed by 00, by a restart marker or by a marker that ends the scan.
_NEXT_MARKER: Final = re.compile(rb"\xff+[\x01-\xcf\xd8-\xfe]")
# Between segments, FF and zeros may fill.
_FILLED_MARKER: Final = re.compile(rb"\x00*\xff+([\x01-\xfe])")
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE: Final = frozenset({0xC2, 0xCA})
_SEQUENTIAL: Final = frozenset({0xC0, 0xC1, 0xC9})
_SOS, _EOI, _APP1, _APP14 = 0xDA, 0xD9, 0xE1, 0xEE
_COEFFICIENTS: Final = 64
# The bytes of the marker with which a JPEG begins.
_SOI: Final = 2


@dataclass
class Markers:
    """What the segments say, collected while they are read.

    Attributes:
        components: identifier to (horizontal, vertical) sampling factor.
        buffered: the decoder must keep the coefficients of the whole picture.
        end: where the EOI marker begins; None if it is missing.
    """

    width: int = 0
    height: int = 0
    bits: int = 0
    components: dict[int, tuple[int, int]] = field(default_factory=dict)
    progressive: bool = False
    buffered: bool = False
    scans: int = 0
    adobe: bool = False
    exif: bytes = b""
    xmp: bytes = b""
    end: int | None = None
    # For each component how many low bits are still to come, for each coefficient; 255 before its first scan.
    missing: dict[int, bytearray] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Tell whether scans gave every coefficient of every component."""
        return not any(any(bits) for bits in self.missing.values())


def read_markers(data: bytes) -> Markers:
    """Read all segments.

    Raises:
        ValueError: there is nothing but its first bytes.
        NotAnImage: of a kind that is not read, or of more scans or segments than any camera writes.
        DamagedImage: it ends, or is damaged, before its first scan.
    """
    markers = Markers()
    position = _SOI
    for _ in range(MAX_SEGMENTS):
        found = _FILLED_MARKER.match(data, position)
        if found is None:
            break
        code, position = found[1][0], found.end()
        if code == _EOI:
            markers.end = position - 2
            break
        length = int.from_bytes(data[position : position + 2])
        segment = data[position + 2 : position + length]
        if length < 2 or position + length > len(data):  # noqa: PLR2004 - the length counts itself
            break
        position += length
        if code == _SOS:
            _scan(markers, segment)
            end = _NEXT_MARKER.search(data, position)
            position = len(data) if end is None else end.start()
        else:
            _segment(markers, code, segment)
    else:
        message = f"a JPEG of more than {MAX_SEGMENTS} segments is not read"
        raise NotAnImage(message)
    if not markers.components:
        message = "the JPEG ends, or is damaged, before its frame header"
        raise (DamagedImage if position > _SOI else ValueError)(message)
    return markers


def _segment(markers: Markers, code: int, segment: bytes) -> None:
    if code in _FRAMES:
        _frame(markers, code, segment)
    elif code == _APP1 and segment.startswith(b"Exif\x00\x00") and not markers.exif:
        markers.exif = segment
    elif code == _APP1 and segment.startswith(b"http://ns.adobe.com/xap/") and not markers.xmp:
        markers.xmp = segment
    elif code == _APP14 and segment.startswith(b"Adobe"):
        markers.adobe = True


def _frame(markers: Markers, code: int, segment: bytes) -> None:
    if markers.components:
        message = "the JPEG has two frame headers"
        raise DamagedImage(message)
    markers.bits = segment[0] if segment else 0
    if code not in _SEQUENTIAL | _PROGRESSIVE or markers.bits != 8:  # noqa: PLR2004 - baseline's depth
        kind = "lossless" if code in {0xC3, 0xCB} else "hierarchical" if code > 0xC2 else f"{markers.bits}-bit"  # noqa: PLR2004 - as T.81, table B.1
        message = f"a {kind} JPEG is not read; only those of 8 bits a sample, baseline or progressive"
        raise NotAnImage(message)
    markers.progressive = code in _PROGRESSIVE
    markers.buffered = markers.progressive
    markers.height, markers.width = int.from_bytes(segment[1:3]), int.from_bytes(segment[3:5])
    for index in range(6, len(segment) - 2, 3):
        identifier, factors = segment[index], segment[index + 1]
        markers.components[identifier] = (factors >> 4, factors & 15)
        markers.missing[identifier] = bytearray(b"\xff" * _COEFFICIENTS)
    if len(markers.components) not in {1, 3, 4} or not markers.width or not markers.height:
        message = f"a JPEG of {markers.width} x {markers.height} in {len(markers.components)} components is not read"
        raise NotAnImage(message)


def _scan(markers: Markers, segment: bytes) -> None:
    markers.scans += 1
    if markers.scans > MAX_SCANS:
        message = f"a JPEG of more than {MAX_SCANS} scans is not read"
        raise NotAnImage(message)
    count = segment[0] if segment else 0
    chosen = segment[1 : 1 + 2 * count : 2]
    if len(segment) < 4 + 2 * count or not markers.missing.keys() >= set(chosen):
        message = "a scan of the JPEG names components that its frame header lacks"
        raise DamagedImage(message)
    markers.buffered |= count < len(markers.components)
    first, last, bits = (*segment[1 + 2 * count : 3 + 2 * count], segment[3 + 2 * count] & 15)
    if not markers.progressive:
        first, last, bits = 0, _COEFFICIENTS - 1, 0
    for identifier in chosen:
        markers.missing[identifier][first : last + 1] = bytes([bits]) * (min(last, _COEFFICIENTS - 1) + 1 - first)
