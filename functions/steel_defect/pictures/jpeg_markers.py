"""The markers of a JPEG: what it is, where it ends, and whether all its scans are there. Nothing is decoded.

libjpeg takes a progressive JPEG that was cut between two scans as whole, and spends time on every scan; so both are
judged here, from the markers alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect.errors import DamagedImage, NotAnImage, TooManyPixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A camera writes one scan, or about ten if it writes progressive JPEG.
MAX_SCANS: Final = 100
MAX_SEGMENTS: Final = 1000
# Samples of all scans together; each scan passes over the whole picture, and a thousand million take a second.
MAX_SCANNED: Final = 1_600_000_000
# Between segments, FF and zeros may fill.
_FILLED_MARKER: Final = re.compile(rb"\x00*\xff+([\x01-\xfe])")
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE: Final = frozenset({0xC2, 0xCA})
_SEQUENTIAL: Final = frozenset({0xC0, 0xC1, 0xC9})
_SOS, _EOI, _APP1, _APP14 = 0xDA, 0xD9, 0xE1, 0xEE
_END: Final = bytes([0xFF, _EOI])
_COEFFICIENTS: Final = 64
_UNSEEN: Final = 255
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
    scanned: int = 0
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
        DamagedImage: it ends, or is damaged, before its first scan, or its scans do not follow from each other.
        TooManyPixels: its scans would take too long.
    """
    markers = Markers()
    position = _SOI
    ends: NDArray[np.intp] | None = None
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
            if markers.buffered:
                ends = _markers_in(data) if ends is None else ends
                following = int(np.searchsorted(ends, position))
                position = int(ends[following]) if following < len(ends) else len(data)
            else:  # one scan, after which libjpeg takes nothing but the end
                found_end = data.find(_END, position)
                position = len(data) if found_end < 0 else found_end
        else:
            _segment(markers, code, segment)
    else:
        message = f"a JPEG of more than {MAX_SEGMENTS} segments is not read"
        raise NotAnImage(message)
    if not markers.components:
        message = "the JPEG ends, or is damaged, before its frame header"
        raise (DamagedImage if position > _SOI else ValueError)(message)
    return markers


def _markers_in(data: bytes) -> NDArray[np.intp]:
    """Where FF begins a marker that ends a scan: in a scan's data it is followed by 00 or by a restart marker."""
    following = np.frombuffer(data, np.uint8)
    found = following[:-1] == 0xFF  # noqa: PLR2004 - T.81, section B.1.1.2
    following = following[1:]
    found &= (following != 0) & (following != 0xFF) & (following & 0xF8 != 0xD0)  # noqa: PLR2004 - as above
    return np.flatnonzero(found)


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
        markers.missing[identifier] = bytearray([_UNSEEN] * _COEFFICIENTS)
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
    first, last, bits = segment[1 + 2 * count], segment[2 + 2 * count], segment[3 + 2 * count]
    if not markers.progressive:
        first, last, bits = 0, _COEFFICIENTS - 1, 0
    # The high half says how many bits were still missing before; 0 in the first scan of a coefficient.
    before, after = (bits >> 4 or _UNSEEN), bits & 15
    for identifier in chosen:
        missing = markers.missing[identifier]
        if last >= _COEFFICIENTS or set(missing[first : last + 1]) != {before}:
            message = f"scan {markers.scans} of the JPEG does not continue those before it"
            raise DamagedImage(message)
        missing[first : last + 1] = bytes([after]) * (last + 1 - first)
    markers.scanned += len(chosen) * markers.width * markers.height
    if markers.scanned > MAX_SCANNED:
        message = f"the scans of the JPEG pass over more than {MAX_SCANNED:,} samples: save it as baseline JPEG"
        raise TooManyPixels(message)
