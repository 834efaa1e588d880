"""Defects: connected damage of one class, where it lies on the picture as it was sent, and how large it is."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from steel_defect.camera import Orientation
from steel_defect.pictures.views import Box

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from steel_defect.camera import Camera
    from steel_defect.contract import InputSpec
    from steel_defect.masks import Mask
    from steel_defect.regions import Regions

# So many are described, the largest; an answer of them has 40 kB.
MOST_DEFECTS: Final = 100


@dataclass(frozen=True)
class Millimetres:
    """A defect on the strip; `x` and `y` are of the left upper corner of its box, from that of the picture."""

    x: float
    y: float
    area: float
    length: float


@dataclass(frozen=True)
class Defect:
    """One defect. Lengths are in pixels of its page as it was sent, x to the right and y down.

    Attributes:
        class_name: of the damage.
        prob: the highest of its cells, 0..1.
        box: the smallest that holds it.
        area_px: of its cells.
        area_share: of the part of the page that was scored, 0..1.
        center: of its area, as (x, y).
        length_px: how far it reaches along the strip.
        page: on which it is, from 1.
        mm: the same in millimetres; None if nobody states how many a pixel has.
    """

    class_name: str
    prob: float
    box: Box
    area_px: int
    area_share: float
    center: tuple[float, float]
    length_px: float
    page: int
    mm: Millimetres | None

    def as_json(self) -> dict[str, Any]:
        """As `schema Defect` in openapi.json describes it."""
        content = {
            "class": self.class_name,
            "prob": self.prob,
            "box": {"x": self.box.x, "y": self.box.y, "width": self.box.width, "height": self.box.height},
            "area_px": self.area_px,
            "area_share": self.area_share,
            "center": {"x": self.center[0], "y": self.center[1]},
            "length_px": self.length_px,
            "page": self.page,
        }
        if self.mm is None:
            return content
        mm = {"x": self.mm.x, "y": self.mm.y, "area": self.mm.area, "length": self.mm.length}
        return {**content, "mm": mm}


@dataclass(frozen=True)
class Defects:
    """The largest `MOST_DEFECTS`, from the largest on, and how many there are in all."""

    largest: tuple[Defect, ...] = ()
    count: int = 0


def runs_along_x(turned: bool, spec: InputSpec, camera: Camera) -> bool:  # noqa: FBT001 - the page's
    """Whether the strip runs from left to right on the picture as it was sent: as is stated, else as the model's do."""
    if camera.orientation is not Orientation.AUTO:
        return camera.orientation is Orientation.HORIZONTAL
    return (spec.width >= spec.height) is not turned


def defects_of(
    mask: Mask, class_names: Sequence[str], *, page: int, along_x: bool, mm_per_pixel: float | None
) -> Defects:
    """The defects of one page.

    Args:
        mask: of the page.
        class_names: of its classes.
        page: its number, from 1.
        along_x: whether the strip runs from left to right.
        mm_per_pixel: of the page; None if nobody states it.
    """
    regions, large = mask.regions()
    numbers = np.flatnonzero(large)
    largest = numbers[np.argsort(-regions.area[numbers], kind="stable")[:MOST_DEFECTS]]
    content = mask.grid.content
    share = 1 / (content.width * content.height)
    described = (_defect(regions, int(number), class_names, share, page, along_x, mm_per_pixel) for number in largest)
    return Defects(tuple(described), len(numbers))


def together(pages: Iterable[Defects]) -> Defects:
    """The defects of all pages."""
    found = list(pages)
    if len(found) == 1:
        return found[0]
    every = [defect for page in found for defect in page.largest]
    largest = nlargest(MOST_DEFECTS, every, key=lambda defect: defect.area_px)
    return Defects(tuple(largest), sum(page.count for page in found))


def _defect(  # noqa: PLR0913, PLR0917 - one place where it is put together
    regions: Regions,
    number: int,
    class_names: Sequence[str],
    share: float,
    page: int,
    along_x: bool,  # noqa: FBT001 - as above
    mm_per_pixel: float | None,
) -> Defect:
    left, top, right, bottom = (
        float(side[number]) for side in (regions.left, regions.top, regions.right, regions.bottom)
    )
    area, length = float(regions.area[number]), right - left if along_x else bottom - top
    x, y = round(left), round(top)
    return Defect(
        class_name=class_names[int(regions.class_index[number])],
        prob=round(float(regions.prob[number]), 6),
        box=Box(x, y, max(1, round(right) - x), max(1, round(bottom) - y)),
        area_px=max(1, round(area)),
        area_share=round(area * share, 6),
        center=(round(float(regions.center_x[number]), 1), round(float(regions.center_y[number]), 1)),
        length_px=round(length, 1),
        page=page,
        mm=None
        if mm_per_pixel is None
        else Millimetres(*(round(size * mm_per_pixel, 3) for size in (left, top, area * mm_per_pixel, length))),
    )
