"""JPEG, decoded by libjpeg-turbo with each of its warnings an error: it fills what is missing with gray, and warns.

A JPEG has no checksum. Of 400 single bits flipped in a gray JPEG of a real strip, 99 to 122 are noticed; most of the
others change a block or two, but 39 to 46 shift the brightness of what follows, and with it the mean of the picture, by
more than a gray level. In a colour JPEG these are 92, in a progressive one 10, and with restart markers 1.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np
import simplejpeg

from steel_defect.errors import DamagedImage, TooManyPixels
from steel_defect.pictures.frames import Frame, Gray, bands
from steel_defect.pictures.jpeg_markers import read_markers
from steel_defect.pictures.orientation import orientation

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EOI: Final = b"\xff\xd9"
_CMYK: Final = 4
# Bytes of coefficients that libjpeg keeps for a progressive picture; 40 megapixels of 4:2:0 take 120 million.
MAX_COEFFICIENT_BYTES: Final = 170_000_000
# So often zeros are cut off.
_CUTS: Final = 3
_PADDED: Final = re.compile(r"(\d+) extraneous bytes before marker 0xd9")


class JpegReader:
    """A `Reader` of JPEG."""

    def __init__(self, data: bytes) -> None:
        """Read the markers.

        Raises:
            NotAnImage: of a kind that is not read.
            TooManyPixels: a progressive one that would take more memory than is allowed.
        """
        self._markers = markers = read_markers(data)
        self._data = data
        self.frames = (Frame(markers.width, markers.height, orientation(markers.exif, markers.xmp)),)
        self._check_memory()

    def decode(self, index: int, at_least: tuple[int, int] | None) -> Gray:
        """See `Reader.decode`."""
        del index
        data, end = self._data, self._markers.end
        if not self._markers.whole:
            message = "the JPEG was cut: not all its scans are there"
            raise DamagedImage(message)
        if end is None:
            data += _EOI  # a whole picture may lack its end; libjpeg tells one that does not reach it
        scale = self._scale(at_least)
        for left in reversed(range(_CUTS + 1)):
            try:
                pixels = self._decode(data, scale)
                break
            except ValueError as error:
                padded = _PADDED.search(str(error))
                padding = int(padded[1]) if padded else 0
                # Some cameras fill their buffer with zeros before the end marker. The last codes of the picture may
                # have taken in some of them, so what is left over is not all of them at once.
                if end is None or not padding or not left or data[end - padding : end].strip(b"\x00"):
                    raise
                end -= padding
                data = data[:end] + _EOI
        return Gray(_gray_of_cmyk(pixels, inverted=self._markers.adobe) if pixels.shape[2] == _CMYK else pixels[..., 0])

    def _decode(self, data: bytes, scale: int) -> NDArray[np.uint8]:
        colours = "CMYK" if len(self._markers.components) == _CMYK else "GRAY"
        height, width = -(-self._markers.height // scale), -(-self._markers.width // scale)
        decoded: NDArray[np.uint8] = simplejpeg.decode_jpeg(
            data, colours, min_height=height, min_width=width, min_factor=scale
        )
        return decoded

    def _scale(self, at_least: tuple[int, int] | None) -> int:
        """By how much libjpeg shrinks as it decodes: quick at these, and exact as an average."""
        if at_least is None:
            return 1
        most = min(self._markers.height // at_least[0], self._markers.width // at_least[1])
        return next((scale for scale in (8, 4, 2) if scale <= most), 1)

    def _check_memory(self) -> None:
        markers = self._markers
        if not markers.buffered:
            return
        widest, highest = (max(1, *factors) for factors in zip((0, 0), *markers.components.values(), strict=True))
        share = sum(across * down for across, down in markers.components.values()) / (widest * highest)
        taken = int(2 * markers.width * markers.height * share)
        if taken > MAX_COEFFICIENT_BYTES:
            message = (
                f"a progressive JPEG of {markers.width} x {markers.height} takes {taken:,} bytes to decode; at most "
                f"{MAX_COEFFICIENT_BYTES:,} are allowed: save it as baseline JPEG"
            )
            raise TooManyPixels(message)


def _gray_of_cmyk(inks: NDArray[np.uint8], *, inverted: bool) -> NDArray[np.uint8]:
    """Gray of cyan, magenta, yellow and black; Adobe writes all four inverted."""
    from steel_defect.pictures.bits import luma

    rows, columns = inks.shape[0], inks.shape[1]
    pixels = np.empty((rows, columns), np.uint8)
    for band in bands(rows, columns):
        light = inks[band] if inverted else 255 - inks[band]
        pixels[band] = np.round(luma(light) * (light[..., 3] / np.float32(255)))
    return pixels
