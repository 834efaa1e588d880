"""Samples of more than 8 bits to 8: by the depth that is stated, that the file says, or that is estimated.

An estimate looks at all but the brightest 0.1 % of the samples. So hot pixels, burnt-in marks and saturation codes
decide nothing; what lies above the estimated white is white.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from steel_defect.errors import NotAnImage
from steel_defect.pictures.frames import Depth, Gray, bands

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Of cameras that are built. Above 16, every number of bits counts.
_SENSOR_BITS: Final = (8, 10, 12, 14, 16)
_QUANTILE: Final = 0.999
# So many samples tell the quantile; more would only cost time.
_LOOKED_AT: Final = 1 << 20
_LUMA: Final = (19595, 38470, 7471)  # ITU-R BT.601 in 1/65536, as Pillow and libjpeg compute it


def luma(samples: NDArray[Any]) -> NDArray[Any]:
    """Gray of colour samples, shape (rows, columns, 3 or more), in their own range; further samples are ignored."""
    red, green, blue = (samples[..., index] for index in range(3))
    if samples.dtype.kind == "u" and samples.dtype.itemsize <= 2:  # noqa: PLR2004 - the sum fits 32 bits
        total: Any = red * np.uint32(_LUMA[0]) + green * np.uint32(_LUMA[1]) + blue * np.uint32(_LUMA[2])
        rounded: NDArray[Any] = ((total + np.uint32(1 << 15)) >> np.uint32(16)).astype(samples.dtype)
        return rounded
    weights = np.array(_LUMA, np.float64) / (1 << 16)
    return np.asarray(red * weights[0] + green * weights[1] + blue * weights[2], np.float32)


def to_gray(samples: NDArray[Any], stated: int | None, in_file: int | None = None) -> Gray:
    """Gray samples of any type to 8 bits.

    Args:
        samples: shape (rows, columns); integers or floats, floats of 0 to 1 or in the range of integers.
        stated: bits of the camera that the caller states.
        in_file: bits that the file says.

    Raises:
        NotAnImage: more than the odd sample is below 0.
    """
    shown = _shown(samples)
    if samples.dtype.kind in "if" and float(np.quantile(shown, 1 - _QUANTILE)) < 0:
        message = "samples below 0 are not read: what is black is not known; save the picture as unsigned integers"
        raise NotAnImage(message)
    high = float(np.quantile(shown, _QUANTILE))
    unit = samples.dtype.kind == "f" and high <= 1
    depth = _depth(samples, high * (65535 if unit else 1), stated, in_file)
    white = 1.0 if unit else float(2**depth.bits - 1)
    return Gray(_scaled(samples, white), depth)


def _shown(samples: NDArray[Any]) -> NDArray[Any]:
    """A part of the samples, evenly spread, without what is no number."""
    flat = samples.reshape(-1)
    shown = flat[:: max(1, flat.size // _LOOKED_AT) | 1]  # odd, so that it meets every column of an even width
    if shown.dtype.kind != "f":
        return shown
    shown = shown[np.isfinite(shown)]
    return shown if shown.size else np.zeros(1, samples.dtype)


def _depth(samples: NDArray[Any], high: float, stated: int | None, in_file: int | None) -> Depth:
    room = 8 * samples.dtype.itemsize
    if stated is not None and stated <= room:
        return Depth(stated, "stated")
    if in_file is not None and in_file <= room:
        return Depth(in_file, "file")
    return Depth(next((bits for bits in _SENSOR_BITS if high < 2**bits), int(high).bit_length()), "estimate")


def _scaled(samples: NDArray[Any], white: float) -> NDArray[np.uint8]:
    """From 0 to 255, by bands; what is above white is white, what is no number is black."""
    rows, columns = samples.shape
    pixels = np.empty((rows, columns), np.uint8)
    if samples.dtype == np.uint16:
        # A table is exact and quick.
        table = np.round(np.minimum(np.arange(1 << 16) / white, 1) * 255).astype(np.uint8)
        for band in bands(rows, columns):
            np.take(table, samples[band], out=pixels[band])
        return pixels
    for band in bands(rows, columns):
        values = np.nan_to_num(samples[band].astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        pixels[band] = np.round(np.clip(values / white, 0, 1) * 255)
    return pixels


def sbit_in_file(samples: NDArray[Any], bits: int) -> int:
    """The depth that PNG's sBIT means: 16 if samples were shifted up to fill 16 bits, as PNG asks, else `bits`."""
    shown = _shown(samples)
    shifted = float(np.quantile(shown, _QUANTILE)) >= 2**bits or not np.any(shown & (2 ** (16 - bits) - 1))
    return 16 if shifted else bits
