"""Three figures that describe a picture, so that a change of light, camera or strip shows before scores change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from steel_defect.image import Picture

# Grays below are dark: what surrounds the strip, an unlit camera.
DARK: Final = 16
_LEVELS: Final = np.arange(256)


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


def statistics_of(picture: Picture) -> Statistics:
    """The statistics of one picture, rounded to significant digits. Takes 0.2 ms for 128 x 800 pixels."""
    rows, columns = picture.content
    counts = np.bincount(picture.pixels[:rows, :columns].ravel(), minlength=256)
    pixels = rows * columns
    # Sums of integers: exact, so that equal pictures have equal statistics.
    total, squares = int(counts @ _LEVELS), int(counts @ _LEVELS**2)
    variance = (squares * pixels - total**2) / pixels**2
    return Statistics(
        mean=round(total / pixels, 3),
        contrast=round(float(variance) ** 0.5, 3),
        dark_share=round(int(counts[:DARK].sum()) / pixels, 5),
    )
