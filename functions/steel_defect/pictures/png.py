"""PNG. Pillow inflates and unfilters; 16-bit colour, which it cuts to the high bytes, is read in two passes."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL.PngImagePlugin import PngImageFile

from steel_defect.errors import DamagedImage
from steel_defect.pictures.bits import luma, sbit_in_file, to_gray
from steel_defect.pictures.frames import Frame, Gray, bands
from steel_defect.pictures.orientation import orientation
from steel_defect.pictures.pillow_gray import gray_of
from steel_defect.pictures.png_chunks import read_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_DEEP: Final = 16
_GRAY, _GRAY_ALPHA = 0, 4


class PngReader:
    """A `Reader` of PNG."""

    def __init__(self, data: bytes, bit_depth: int | None) -> None:
        """Read and check the chunks.

        Raises:
            DamagedImage: its header is damaged.
            NotAnImage: of a kind that is not read.
        """
        self._chunks = chunks = read_chunks(data)
        self._data = data
        self._bit_depth = bit_depth
        frame = Frame(chunks.width, chunks.height, orientation(chunks.exif, chunks.xmp))
        self.frames = (frame,) * chunks.frames

    def decode(self, index: int, at_least: tuple[int, int] | None) -> Gray:
        """See `Reader.decode`."""
        del at_least
        if self._chunks.broken:
            raise DamagedImage(self._chunks.broken)
        if self._chunks.bits == _DEEP and len(self.frames) == 1:
            read = {_GRAY: self._deep_gray, _GRAY_ALPHA: self._deep_gray_alpha}
            samples = read.get(self._chunks.colour_type, self._deep_colour)()
            in_file = self._chunks.significant
            if in_file is not None:
                in_file = sbit_in_file(samples, in_file)
            return to_gray(samples, self._bit_depth, in_file)
        with PngImageFile(BytesIO(self._chunks.picture(self._data))) as image:
            image.seek(index)
            return Gray(gray_of(image))

    def _deep_gray(self) -> NDArray[np.uint16]:
        """16-bit gray; what has the transparent value is black."""
        samples = np.empty((self._chunks.height, self._chunks.width), np.uint16)
        with PngImageFile(BytesIO(self._chunks.picture(self._data))) as image:
            image.load()
            for band in bands(*samples.shape):
                samples[band] = np.asarray(image.crop((0, band.start, image.width, band.stop)))
        if self._chunks.transparent is not None:
            samples[samples == int.from_bytes(self._chunks.transparent[:2])] = 0
        return samples

    def _deep_colour(self) -> NDArray[np.uint16]:
        """16-bit gray of colour, by the high bytes and then the low ones."""
        shape = (self._chunks.height, self._chunks.width)
        key = np.frombuffer(self._chunks.transparent or b"", np.uint8)
        samples = np.zeros(shape, np.uint16)
        alpha = np.full(shape, 255, np.uint8) if key.size or self._chunks.colour_type != 2 else None  # noqa: PLR2004 - RGB
        hidden = np.ones(shape, bool) if key.size else None
        for low in (0, 1):
            for band, part in self._byte_bands(low=bool(low)):
                # As 16-bit samples, so that the gray keeps the fraction that the weights give the high bytes.
                samples[band] += luma(part[..., :3].astype(np.uint16) * np.uint16(1 if low else 256))
                if hidden is not None:
                    hidden[band] &= (part[..., :3] == key[low::2]).all(axis=2)
                elif alpha is not None and not low:
                    alpha[band] = part[..., 3]
        if hidden is not None and alpha is not None:
            alpha[hidden] = 0
        return samples if alpha is None else _on_black(samples, alpha)

    def _deep_gray_alpha(self) -> NDArray[np.uint16]:
        """16-bit gray with alpha: its four bytes a pixel, read as if they were red, green, blue and alpha."""
        shape = (self._chunks.height, self._chunks.width)
        samples = np.empty(shape, np.uint16)
        alpha = np.empty(shape, np.uint8)
        for band, part in self._byte_bands(low=False):
            samples[band] = part[..., 0] * np.uint16(256) + part[..., 1]
            alpha[band] = part[..., 2]
        return _on_black(samples, alpha)

    def _byte_bands(self, *, low: bool) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
        """The high or the low bytes of colour samples: Pillow's RGB;16L takes the second byte of each for high."""
        image: Any = PngImageFile(BytesIO(self._chunks.picture(self._data)))
        with image:
            if self._chunks.colour_type == _GRAY_ALPHA:
                image._mode, layout = "RGBA", "RGBA"  # noqa: SLF001 - as many bytes as two samples
            else:
                layout = f"{image.mode};16{'L' if low else 'B'}"
            image.tile = [tile._replace(args=layout) for tile in image.tile]
            image.load()
            for band in bands(self._chunks.height, self._chunks.width):
                yield band, np.asarray(image.crop((0, band.start, image.width, band.stop)))


def _on_black(samples: NDArray[np.uint16], alpha: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Transparent parts are seen on black; alpha that is 0 everywhere was left unset."""
    if alpha.any():
        for band in bands(samples.shape[0], samples.shape[1]):
            samples[band] = samples[band] * alpha[band].astype(np.uint32) // 255
    return samples
