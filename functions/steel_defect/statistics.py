"""What a picture looks like, so that a change of light, camera or strip shows before scores change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Grays below are dark: what surrounds the strip, an unlit camera.
DARK: Final = 16
# Grays from here on are burnt out.
BURNT_OUT: Final = 250
_LEVELS: Final = np.arange(256)
# Every so many rows are enough to see whether a picture is sharp.
_ROWS: Final = 4
# Of this many lit pixels; fewer show nothing.
_LEAST_LIT: Final = 256


@dataclass(frozen=True)
class Statistics:
    """Gray levels of the picture as the model sees it, without padding.

    Attributes:
        mean: gray, 0..255.
        contrast: standard deviation of the grays, 0..127.5.
        dark_share: share of the pixels that are darker than `DARK`, 0..1.
    """

    mean: float
    contrast: float
    dark_share: float


@dataclass(frozen=True)
class Appearance:
    """What tells a picture of a strip from one of a lens cap, of fog, or of a broken cable.

    Attributes:
        brightest: gray that one pixel of a hundred reaches, 0..255.
        saturated: share of the pixels that are burnt out, 0..1.
        contrast: standard deviation of the grays, 0..127.5.
        sharpness: mean of the second differences along the rows, absolute, where the picture is lit; 0..510. None if
            next to nothing of it is.
        noise: their median, which edges and marks do not move.
    """

    brightest: float
    saturated: float
    contrast: float
    sharpness: float | None
    noise: float | None


def histogram(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How many pixels have each of the 256 grays."""
    return np.bincount(pixels.ravel(), minlength=256)


def statistics_of(counts: NDArray[np.int64]) -> Statistics:
    """The statistics of a histogram, rounded to significant digits. Both take 0.2 ms for 128 x 800 pixels."""
    pixels = int(counts.sum())
    mean, contrast = _moments(counts, pixels)
    return Statistics(
        mean=round(mean, 3), contrast=round(contrast, 3), dark_share=round(int(counts[:DARK].sum()) / pixels, 5)
    )


def appearance_of(pixels: NDArray[np.uint8], counts: NDArray[np.int64]) -> Appearance:
    """The appearance of one tile without its padding, and of its histogram."""
    total = pixels.size
    from_above = np.cumsum(counts[::-1])
    brightest = 255 - int(np.searchsorted(from_above, max(1, total // 100)))
    rows = pixels[::_ROWS].astype(np.int16)
    bends = np.abs(rows[:, 2:] - 2 * rows[:, 1:-1] + rows[:, :-2])
    lit = np.bincount(bends[rows[:, 1:-1] >= DARK], minlength=1)
    count = int(lit.sum())
    sharpness = noise = None
    if count >= _LEAST_LIT:
        sharpness = float(lit @ np.arange(len(lit))) / count
        noise = float(np.searchsorted(np.cumsum(lit), (count + 1) // 2))
    return Appearance(brightest, int(counts[BURNT_OUT:].sum()) / total, _moments(counts, total)[1], sharpness, noise)


def _moments(counts: NDArray[np.int64], pixels: int) -> tuple[float, float]:
    """Mean and standard deviation. Sums of integers: exact, so that equal pictures have equal statistics."""
    total, squares = int(counts @ _LEVELS), int(counts @ _LEVELS**2)
    return total / pixels, float((squares * pixels - total**2) / pixels**2) ** 0.5
