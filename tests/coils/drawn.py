"""A drawn coil: 400 overlapping pictures of a strip with random defects and, if asked for, the marks of a roll.

The probe model sees what is bright as a defect of the class "left".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tests.pictures import encoded
from tests.probe_model import MASKED, probe_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

MM_PER_PIXEL = 0.5
WIDTH, HEIGHT = 1600, 256
# Each picture shows 800 mm, of which the next one shows 40 again.
STEP_MM = 760.0
PERIOD_MM = 1885.0
MODEL = probe_model(MASKED, masks=True)


@dataclass(frozen=True)
class DrawnCoil:
    """Where the spots are: along and across the strip, and their sides, in millimetres."""

    along: NDArray[np.float64]
    across: NDArray[np.float64]
    side: NDArray[np.float64]
    marks: int
    count: int = 400

    def pictures(self) -> Iterator[tuple[str, bytes]]:
        """The names, which tell where along the strip they begin, and the bytes."""
        for index in range(self.count):
            begin = index * STEP_MM
            pixels = np.full((HEIGHT, WIDTH), 60, np.uint8)
            near = np.abs(self.along - begin - 400) < 500
            for along, across, side in zip(self.along[near] - begin, self.across[near], self.side[near], strict=True):
                left, top, size = (round(mm / MM_PER_PIXEL) for mm in (along, across, side))
                pixels[max(0, top) : top + size, max(0, left) : max(0, left + size)] = 250
            yield f"{index:04}_{begin:.0f}mm.png", encoded(Image.fromarray(pixels), "PNG")


def drawn_coil(seed: int, *, roll: bool, defects: int = 30, count: int = 400) -> DrawnCoil:
    """A coil with so many random defects, and a mark for each turn of a roll of 600 mm."""
    random = np.random.default_rng(seed)
    length = STEP_MM * (count - 1) + 800
    along, across = random.uniform(0, length - 40, defects), random.uniform(0, 90, defects)
    side = random.uniform(4, 30, defects)
    turns = np.arange(random.uniform(0, PERIOD_MM), length - 40, PERIOD_MM) if roll else np.zeros(0)
    return DrawnCoil(
        np.concatenate([along, turns + random.normal(0, 2, len(turns))]),
        np.concatenate([across, 60 + random.normal(0, 1, len(turns))]),
        np.concatenate([side, np.full(len(turns), 10.0)]),
        len(turns),
        count,
    )
