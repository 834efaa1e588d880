"""One page of a picture as the model sees it: turned, without dark margins, scaled, and ready to be cut into tiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect.errors import ImageTooSmall
from steel_defect.pictures.framing import framing, is_one_frame, is_turned
from steel_defect.statistics import DARK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from steel_defect.camera import Camera
    from steel_defect.contract import Frame, InputSpec
    from steel_defect.pictures.frames import Depth
    from steel_defect.pictures.framing import Framing
    from steel_defect.pictures.source import Page, PictureSource

# A row with fewer lit pixels than this share is dark; hot pixels and the ringing of JPEG light that many.
_LIT_SHARE: Final = 0.005


@dataclass(frozen=True)
class Box:
    """A rectangle of a page, in its own upright pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class View:
    """What the model sees of one page.

    Attributes:
        page: its size.
        content: the part of it that is scored; the rest is dark margin.
        framing: where its tiles lie.
        depth: of its samples.
        canvas: uint8 of shape (framing.rows, framing.columns), gray, turned and scaled.
    """

    page: Page
    content: Box
    framing: Framing
    depth: Depth
    canvas: NDArray[np.uint8]

    def tiles(self, spec: InputSpec) -> Iterator[NDArray[np.uint8]]:
        """Each tile without padding: uint8 of at most (spec.height, spec.width)."""
        for row, column in self.framing.tiles:
            yield self.canvas[row : row + spec.height, column : column + spec.width]


def view_of(source: PictureSource, index: int, spec: InputSpec, frame: Frame | None, camera: Camera) -> View:
    """Read one page, and lay it before the model; see `framing` for the rules.

    A picture of the frame's shape is read at the smallest size that the decoder offers above the target, which is
    where most of the time of a naive decode goes.

    Raises:
        ImageTooSmall: a side below `spec.min_side`, or, where there is no frame, more elongated than `spec.max_aspect`.
        TooManyTiles: see `framing`.
        DamagedImage: the page cannot be decoded to its end.
    """
    page = source.pages[index]
    whole = Box(0, 0, page.width, page.height)
    check_size(page, spec, elongated=frame is None)
    turned = is_turned(page.width, page.height, frame, camera)
    if is_one_frame(page.width, page.height, frame, camera):
        plan = framing(page.width, page.height, spec, frame, camera)
        gray = source.read(index, (plan.columns, plan.rows) if turned else (plan.rows, plan.columns))
        return View(page, whole, plan, _depth(source), _canvas(gray, plan))
    gray = source.read(index)
    content = _content(gray, spec, frame, camera)
    plan = framing(content.width, content.height, spec, frame, camera)
    gray = gray[content.y : content.y + content.height, content.x : content.x + content.width]
    return View(page, content, plan, _depth(source), _canvas(gray, plan))


def _depth(source: PictureSource) -> Depth:
    assert source.depth is not None  # noqa: S101 - a page was read
    return source.depth


def check_size(page: Page, spec: InputSpec, *, elongated: bool) -> None:
    """Refuse a picture of which the model would see too little.

    Args:
        page: its size.
        spec: the limits.
        elongated: whether the longer side is limited by the shorter one, as it is for a picture that is scaled whole.

    Raises:
        ImageTooSmall: a side below `spec.min_side`, or more elongated than `spec.max_aspect`.
    """
    width, height = page.width, page.height
    if min(width, height) < spec.min_side:
        message = f"the picture is {width} x {height}; both sides must have at least {spec.min_side} pixels"
        raise ImageTooSmall(message)
    if elongated and max(width, height) > spec.max_aspect * min(width, height):
        message = f"the picture is {width} x {height}; one side may be at most {spec.max_aspect:g} times the other"
        raise ImageTooSmall(message)


def resized(gray: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """Scale a picture: means of areas where it shrinks, bilinear where it grows."""
    if gray.shape == (rows, columns):
        return gray
    from PIL import Image  # takes as long to import as a picture to score, and a camera's JPEG may need none of it

    shrinks = gray.shape[0] >= rows and gray.shape[1] >= columns
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(gray).resize((columns, rows), method))


def _canvas(gray: NDArray[np.uint8], plan: Framing) -> NDArray[np.uint8]:
    if plan.turned:
        return np.rot90(resized(gray, plan.columns, plan.rows))
    return resized(gray, plan.rows, plan.columns)


def _content(gray: NDArray[np.uint8], spec: InputSpec, frame: Frame | None, camera: Camera) -> Box:
    """The part to score: without dark margins where that leaves a picture of the frame's shape, as of a letterbox.

    Otherwise only the margins across the strip go: along it, dark tiles are left out anyhow.
    """
    height, width = gray.shape
    lit = gray >= DARK
    top, bottom = _extent(np.count_nonzero(lit, axis=1), width, spec.min_side)
    left, right = _extent(np.count_nonzero(lit, axis=0), height, spec.min_side)
    across, along = Box(0, top, width, bottom - top), Box(left, 0, right - left, height)
    for box in (across, along, Box(left, top, right - left, bottom - top)):
        if is_one_frame(box.width, box.height, frame, camera):
            return box
    return across if width >= height else along


def _extent(lit: NDArray[np.int64], length: int, least: int) -> tuple[int, int]:
    """From the first to behind the last row that is lit; all of them if fewer than `least` would be left."""
    found = np.flatnonzero(lit > _LIT_SHARE * length)
    if not len(found) or found[-1] + 1 - found[0] < least:
        return 0, len(lit)
    return int(found[0]), int(found[-1]) + 1
