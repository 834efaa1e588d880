"""Random changes of one strip that leave its labels true, or change them with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect_trainer.augmentation.window import mirror_window
from steel_defect_trainer.strips import CELL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steel_defect_trainer.recipe import Augmentation

    Strip = tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int8]]

_LARGEST_SHIFT: Final = 0.4
# On clean strips as many cells are painted over as a small defect has, so that black patches give nothing away.
_PATCH_CELLS: Final = 4


def augment(
    pixels: NDArray[np.uint8],
    classes: NDArray[np.float32],
    places: NDArray[np.int8],
    how: Augmentation,
    rng: np.random.Generator,
) -> Strip:
    """Change one strip at random.

    Args:
        pixels: uint8 (H, W).
        classes: float32 (C,).
        places: int8 (C, h, w): above 0 damaged, 0 sound, -1 unknown, in cells of 32 x 32 pixels or fields of 4 x 4.
        how: chances and strengths.
        rng: of all randomness.

    Returns:
        New pixels, classes and places; the arguments are not changed.
    """
    if how.window and rng.random() < how.window:
        pixels, classes, places = mirror_window(pixels, classes, places, rng)
    if rng.random() < how.blackout:
        pixels, classes, places = _black_out(pixels, classes, places, rng)
    if rng.random() < how.shift:
        pixels, places = _shift(pixels, classes, places, rng)
    if rng.random() < how.horizontal_flip:
        pixels, places = pixels[:, ::-1], places[:, :, ::-1]
    if rng.random() < how.vertical_flip:
        pixels, places = pixels[::-1], places[:, ::-1]
    if how.exposure or how.contrast:
        pixels = _relight(pixels, how, rng)
    return np.ascontiguousarray(pixels), classes, np.ascontiguousarray(places)


def _relight(pixels: NDArray[np.uint8], how: Augmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Another exposure and another contrast curve."""
    gain = 2 ** rng.uniform(-how.exposure, how.exposure)
    gamma = 2 ** rng.uniform(-how.contrast, how.contrast)
    curve = np.clip(np.rint(gain * (np.arange(256) / 255) ** gamma * 255), 0, 255).astype(np.uint8)
    lit: NDArray[np.uint8] = curve[pixels]
    return lit


def _black_out(
    pixels: NDArray[np.uint8], classes: NDArray[np.float32], places: NDArray[np.int8], rng: np.random.Generator
) -> Strip:
    """Paint out all damage, which makes the strip clean; on a clean one, a few sound cells.

    A strip with a class whose place is unknown is not changed.
    """
    damaged = (places > 0).any(axis=(1, 2))
    if not np.array_equal(damaged, classes > 0):
        return pixels, classes, places
    rows, columns = pixels.shape[0] // CELL, pixels.shape[1] // CELL
    if classes.any():
        painted = (places != 0).any(axis=0).reshape(rows, -1, columns, places.shape[2] // columns).any(axis=(1, 3))
        classes, places = np.zeros_like(classes), np.zeros_like(places)
    else:
        painted = np.zeros((rows, columns), np.bool_)
        painted.flat[rng.integers(0, rows * columns, rng.integers(1, _PATCH_CELLS + 1))] = True
    pixels = pixels.copy()
    pixels[painted.repeat(CELL, axis=0).repeat(CELL, axis=1)] = 0
    return pixels, classes, places


def _shift(
    pixels: NDArray[np.uint8], classes: NDArray[np.float32], places: NDArray[np.int8], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.int8]]:
    """Move the strip sideways by whole cells, black behind it - unless the last known damage of a class would leave."""
    width = pixels.shape[1] // CELL
    columns = round(rng.uniform(-_LARGEST_SHIFT, _LARGEST_SHIFT) * width)
    source = slice(max(0, -columns), width - max(0, columns))
    target = slice(max(0, columns), width - max(0, -columns))
    each = places.shape[2] // width
    moved, shifted = np.zeros_like(places), np.zeros_like(pixels)
    moved[:, :, _cells(target, each)] = places[:, :, _cells(source, each)]
    if not np.array_equal((moved > 0).any(axis=(1, 2)), classes > 0):
        return pixels, places
    shifted[:, _cells(target, CELL)] = pixels[:, _cells(source, CELL)]
    return shifted, moved


def _cells(columns: slice, each: int) -> slice:
    """The same columns where a cell has `each`."""
    return slice(columns.start * each, columns.stop * each)
