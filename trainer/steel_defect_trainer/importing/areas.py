"""The ways in which tools write pixels: polygons, ellipses, runs, colours of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import cos, hypot, pi, radians, sin
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pycocotools import mask as coco_masks

from steel_defect_trainer.data.mask_pixels import TRANSPARENT, check_size, read_mask
from steel_defect_trainer.errors import DataError, MaskError
from steel_defect_trainer.importing.described import Box

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect_trainer.importing.described import Area

_CORNERS: Final = 4
# Corners of a triangle, as x and y.
_LEAST_NUMBERS: Final = 6
_ELLIPSE_POINTS: Final = 180
# A polygon is a rectangle if its sides differ by less than this many pixels from those of one.
_PIXEL: Final = 1.0


@dataclass(frozen=True)
class Polygons:
    """Rings of x, y, x, y, ... in pixels, drawn as COCO's own library draws them."""

    rings: tuple[tuple[float, ...], ...]

    def mask(self, size: tuple[int, int]) -> NDArray[np.bool_]:
        """See `Area`."""
        runs = coco_masks.frPyObjects([list(ring) for ring in self.rings], *size)
        return np.asarray(coco_masks.decode(coco_masks.merge(runs)), np.bool_)


@dataclass(frozen=True)
class CocoRuns:
    """A run-length mask of COCO: `counts` is a list, or text."""

    size: tuple[int, int]
    counts: Any
    where: str

    def mask(self, size: tuple[int, int]) -> NDArray[np.bool_]:
        """See `Area`."""
        _check(self.size, size, self.where)
        runs = {"size": list(self.size), "counts": self.counts}
        if isinstance(self.counts, list):
            if sum(self.counts) != size[0] * size[1]:
                message = f"{self.where}: the runs of a mask have {sum(self.counts)} pixels, not {size[0] * size[1]}"
                raise DataError(message)
            runs = coco_masks.frPyObjects(runs, *size)
        return np.asarray(coco_masks.decode(runs), np.bool_)


@dataclass(frozen=True)
class RowRuns:
    """Runs of sound and damaged pixels in turn, row by row, within a rectangle of the picture: as CVAT writes them."""

    left: int
    top: int
    width: int
    height: int
    counts: tuple[int, ...]
    where: str

    def mask(self, size: tuple[int, int]) -> NDArray[np.bool_]:
        """See `Area`."""
        whole = np.zeros(size, np.bool_)
        part = whole[self.top : self.top + self.height, self.left : self.left + self.width]
        if sum(self.counts) != self.width * self.height or part.shape != (self.height, self.width):
            message = (
                f"{self.where}: the runs of a mask do not fill its rectangle in a picture of {size[1]} x {size[0]}"
            )
            raise DataError(message)
        damaged = np.arange(len(self.counts)) % 2 == 1
        part[:] = np.repeat(damaged, self.counts).reshape(part.shape)
        return whole


@dataclass(frozen=True)
class Colours:
    """The pixels of some colours in a picture of masks."""

    path: Path
    colours: tuple[int, ...]

    def mask(self, size: tuple[int, int]) -> NDArray[np.bool_]:
        """See `Area`."""
        colours = colours_in(self.path)
        _check((colours.shape[0], colours.shape[1]), size, str(self.path))
        return np.isin(colours, self.colours)


def colours_in(path: Path) -> NDArray[np.int32]:
    """The colours of a picture of masks, int32 (height, width), 0xRRGGBB; transparent pixels are black.

    Raises:
        DataError: it cannot be read.
    """
    try:
        pixels = read_mask(path)
    except MaskError as error:
        message = f"the mask {path} {error}"
        raise DataError(message) from error
    if pixels.colours is not None:
        return np.where(pixels.colours == TRANSPARENT, 0, pixels.colours).astype(np.int32)
    assert pixels.levels is not None  # noqa: S101 - one of the two is there
    return (pixels.levels * 0x010101).astype(np.int32)


def polygon(points: Sequence[float]) -> Area | Box | None:
    """A polygon of x, y, x, y, ...; a box if it is a rectangle, as tools write boxes so too; None without an area."""
    numbers = tuple(float(number) for number in points)
    if len(numbers) >= 2 and numbers[:2] == numbers[-2:]:  # noqa: PLR2004 - x and y
        numbers = numbers[:-2]
    if len(numbers) < _LEAST_NUMBERS:
        return None
    corners = list(zip(numbers[::2], numbers[1::2], strict=True))
    if len(corners) == _CORNERS and _is_rectangle(corners):
        xs, ys = zip(*corners, strict=True)
        return Box(min(xs), min(ys), max(xs), max(ys))
    return Polygons((numbers,))


def ellipse(x: float, y: float, radii: tuple[float, float], turned: float = 0) -> Area:
    """An ellipse around a point, turned by degrees clockwise."""
    steps = [2 * pi * step / _ELLIPSE_POINTS for step in range(_ELLIPSE_POINTS)]
    across, down, by = radii[0], radii[1], radians(turned)
    ring = [
        value
        for step in steps
        for value in (
            x + across * cos(step) * cos(by) - down * sin(step) * sin(by),
            y + across * cos(step) * sin(by) + down * sin(step) * cos(by),
        )
    ]
    return Polygons((tuple(ring),))


def turned_box(box: Box, degrees: float, around: tuple[float, float]) -> Box:
    """The upright box around one that is turned clockwise around a point."""
    by = radians(degrees)
    corners = [
        (
            around[0] + (x - around[0]) * cos(by) - (y - around[1]) * sin(by),
            around[1] + (x - around[0]) * sin(by) + (y - around[1]) * cos(by),
        )
        for x in (box.left, box.right)
        for y in (box.top, box.bottom)
    ]
    xs, ys = zip(*corners, strict=True)
    return Box(min(xs), min(ys), max(xs), max(ys))


def _is_rectangle(corners: list[tuple[float, float]]) -> bool:
    """Whether four corners in turn are those of a rectangle: a parallelogram with equal diagonals."""
    (a, b, c, d) = corners
    middle = hypot(a[0] + c[0] - b[0] - d[0], a[1] + c[1] - b[1] - d[1])
    across = abs(hypot(a[0] - c[0], a[1] - c[1]) - hypot(b[0] - d[0], b[1] - d[1]))
    sides = [hypot(q[0] - p[0], q[1] - p[1]) for p, q in pairwise(corners)]
    return middle < _PIXEL and across < _PIXEL and min(sides) > 0


def _check(mask: tuple[int, int], picture: tuple[int, int], where: str) -> None:
    try:
        check_size(mask, picture)
    except MaskError as error:
        message = f"{where}: a mask {error}"
        raise DataError(message) from error
