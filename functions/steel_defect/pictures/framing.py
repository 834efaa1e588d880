"""How a picture of any size is laid before a model that was trained on one: turned, scaled, and cut into tiles.

| picture | is scored as |
|---|---|
| the model file states no frame | scaled into the model's input as it is |
| stands the other way from the frame, or the strip is stated to | turned by 90 degrees first |
| of the frame's shape and size, within the limits of the model file | one tile, scaled into the frame |
| of the frame's shape, and smaller | the same, and reason `scale` |
| anything else | tiles at the training scale, half overlapping along the strip, without dark margins |
| the same, and its millimetres a pixel are known as the model's are | tiles at the scale that gives the model's |
| that scale lies outside the limits | the same, and reason `scale` |
| fills less than a quarter of one tile | reason `shape` |
| about as high as wide, larger than a tile, orientation not stated | reason `shape` |
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from steel_defect.camera import Camera, Orientation
from steel_defect.decision import Reason
from steel_defect.errors import TooManyTiles

if TYPE_CHECKING:
    from steel_defect.contract import Frame, InputSpec

# Where a tile may begin, in pixels of the model's input: networks here have cells of 32 pixels, and the maps of tiles
# are laid together by cells.
GRID: Final = 32
# Of a tile, that the next one repeats: a defect that one tile cuts is whole in its neighbour.
OVERLAP: Final = 0.5
# About as many as 40 million pixels at the scale of the frame of 1600 x 256 make.
MOST_TILES: Final = 256
# A picture is of the frame's shape if its aspect is within this factor of those that the model was trained on.
_SHAPE: Final = 1.25
# Sides less different than this say nothing about how the strip lies.
_SQUARE: Final = 1.5
_LEAST_FILLED: Final = 0.25


@dataclass(frozen=True)
class Framing:
    """Where the tiles of one page lie. All but `turned` is in pixels of the model's input, after turning.

    Attributes:
        turned: whether the page is turned by 90 degrees, counter-clockwise, before anything else.
        rows: of the whole page, scaled.
        columns: the same.
        tiles: top left corner of each tile, as (row, column); the last ones may reach beyond the page.
        scale: pixels of the model's input a pixel of the picture.
        reasons: why the page cannot be passed.
    """

    turned: bool
    rows: int
    columns: int
    tiles: tuple[tuple[int, int], ...]
    scale: float
    reasons: tuple[Reason, ...] = ()


def is_turned(width: int, height: int, frame: Frame | None, camera: Camera) -> bool:
    """Whether a picture has to be turned to lie as the frame does."""
    if frame is None or frame.lies is Orientation.AUTO:
        return False
    if camera.orientation is not Orientation.AUTO:
        return camera.orientation is not frame.lies
    stands = height > width
    return stands if frame.lies is Orientation.HORIZONTAL else width > height


def fits_frame(width: int, height: int, frame: Frame) -> bool:
    """Whether a picture, turned if it has to be, is of the frame's shape and not larger than the model knows."""
    aspect = width / height
    low, high = frame.aspects
    return low / _SHAPE <= aspect <= high * _SHAPE and _relative_size(width, height, frame) <= frame.largest


def is_one_frame(width: int, height: int, frame: Frame | None, camera: Camera) -> bool:
    """Whether a picture is scaled into the model's input as a whole."""
    if frame is None:
        return True
    if is_turned(width, height, frame, camera):
        width, height = height, width
    return not _knows_scale(frame, camera) and fits_frame(width, height, frame)


def framing(width: int, height: int, spec: InputSpec, frame: Frame | None, camera: Camera) -> Framing:
    """Lay out a page.

    Args:
        width: of the page, upright, in its own pixels.
        height: the same.
        spec: the model's input.
        frame: what the model was trained on; None if its file does not say.
        camera: what is stated about the camera.

    Raises:
        TooManyTiles: more than `MOST_TILES`.
    """
    turned = is_turned(width, height, frame, camera)
    if turned:
        width, height = height, width
    if frame is None:
        return _whole(width, height, spec, turned=turned)
    known = _knows_scale(frame, camera)
    if not known and fits_frame(width, height, frame):
        small = _relative_size(width, height, frame) < frame.smallest
        return _whole(width, height, spec, turned=turned, reasons=(Reason.SCALE,) if small else ())
    scale = _scale(spec, frame, camera)
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    reasons = []
    if known and not frame.smallest <= scale / training_scale(spec, frame) <= 1 / frame.smallest:
        reasons.append(Reason.SCALE)
    filled = min(rows, spec.height) * min(columns, spec.width)
    larger = rows > spec.height or columns > spec.width
    if filled < _LEAST_FILLED * spec.height * spec.width or (larger and _is_ambiguous(width, height, frame, camera)):
        reasons.append(Reason.SHAPE)
    # Frames are cut from the strip with its defects; only along it do tiles have to repeat what they cut.
    wide = spec.width >= spec.height
    down, right = _starts(rows, spec.height, overlap=not wide), _starts(columns, spec.width, overlap=wide)
    corners = [(row, column) for row in down for column in right]
    if len(corners) > MOST_TILES:
        message = (
            f"the picture of {width} x {height} would be scored in {len(corners)} tiles, at {scale:.3g} of its size; "
            f"at most {MOST_TILES} are accepted: send it in parts"
        )
        raise TooManyTiles(message)
    return Framing(turned, rows, columns, tuple(corners), scale, tuple(reasons))


def _whole(width: int, height: int, spec: InputSpec, *, turned: bool, reasons: tuple[Reason, ...] = ()) -> Framing:
    if spec.resize == "stretch":
        return Framing(turned, spec.height, spec.width, ((0, 0),), spec.width / width, reasons)
    scale = min(spec.height / height, spec.width / width)
    rows, columns = (
        max(1, min(most, round(side * scale))) for most, side in ((spec.height, height), (spec.width, width))
    )
    return Framing(turned, rows, columns, ((0, 0),), scale, reasons)


def training_scale(spec: InputSpec, frame: Frame) -> float:
    """Pixels of the model's input a pixel of the pictures that it was trained on."""
    return min(spec.height / frame.height, spec.width / frame.width)


def _knows_scale(frame: Frame, camera: Camera) -> bool:
    return camera.mm_per_pixel is not None and frame.mm_per_pixel is not None


def _scale(spec: InputSpec, frame: Frame, camera: Camera) -> float:
    """Pixels of the model's input a pixel of the picture."""
    scale = training_scale(spec, frame)
    if camera.mm_per_pixel is None or frame.mm_per_pixel is None:
        return scale
    return scale * camera.mm_per_pixel / frame.mm_per_pixel


def _relative_size(width: int, height: int, frame: Frame) -> float:
    """Of a picture to the frame: their ratio if both are scaled to fit the same box."""
    return max(width / frame.width, height / frame.height)


def _is_ambiguous(width: int, height: int, frame: Frame, camera: Camera) -> bool:
    if frame.lies is Orientation.AUTO or camera.orientation is not Orientation.AUTO:
        return False
    return max(width, height) < _SQUARE * min(width, height)


def _starts(length: int, tile: int, *, overlap: bool) -> list[int]:
    """Where tiles begin that cover `length`, evenly, on the grid."""
    if length <= tile:
        return [0]
    if not overlap:
        tile = tile // GRID * GRID or GRID
    last = math.ceil((length - tile) / GRID) * GRID
    # A start is moved by less than a cell to lie on the grid; between small tiles that must leave no gap.
    if not overlap:
        longest = float(tile if last % tile == 0 else max(GRID, tile - GRID))
    else:
        longest = tile * (1 - OVERLAP) if tile * OVERLAP >= GRID else float(max(GRID, tile - GRID))
    count = 1 + math.ceil(last / longest)
    return [index * last // (count - 1) // GRID * GRID for index in range(count)]
