"""Damage of one strip on another: true damage, cut out by its mask, on steel it was never seen on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageFilter
from scipy import ndimage

from steel_defect_trainer.strips import FIELD, PERCENT, UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steel_defect_trainer.augmentation.augment import Strip

# Fields around the damage that are cut out with it.
_MARGIN: Final = 5
# Chance that all of the donor's damage is pasted, and not one region of it.
_ALL: Final = 0.5
# Largest change of the size, and of width against height, in powers of two; turn in degrees and shift in shares of the
# height, one standard deviation.
_SIZE: Final = 0.5
_ASPECT: Final = 0.25
_TURN: Final = 8.0
_SHIFT: Final = 0.15
# The steel around the damage is made about as bright as that around its new place.
_LEAST_GAIN: Final = 0.3
_MOST_GAIN: Final = 3.0
# Nothing is pasted where there is no strip.
_DARK: Final = 18


@dataclass(frozen=True)
class Patch:
    """Damage that was cut out.

    Attributes:
        pixels: uint8 (h, w).
        valid: bool (h, w), false in the corners that turning leaves empty.
        masks: bool (C, h, w).
        row: of its centre in the strip it comes from, or in that strip's mirror image.
    """

    pixels: NDArray[np.uint8]
    valid: NDArray[np.bool_]
    masks: NDArray[np.bool_]
    row: float


def paste(strip: Strip, donor: tuple[NDArray[np.uint8], NDArray[np.int8]], rng: np.random.Generator) -> Strip:
    """Paste damage of a donor, scaled, turned and mirrored, at a random place of about the same height.

    Args:
        strip: pixels uint8 (H, W), classes float32 (C,), masks int8 (C, H/4, W/4); left as they are.
        donor: pixels and masks of another strip, of the same shapes.
        rng: of all randomness.

    Returns:
        The strip with the damage in its pixels and its masks, and every class unknown (-1); the strip as it was if the
        donor has no mask, or the place is dark.
    """
    pixels, classes, masks = strip
    patch = _cut_out(*donor, rng)
    if patch is None:
        return strip
    height, width = pixels.shape
    row = np.clip(patch.row + rng.normal(0, _SHIFT * height), 0, height)
    top = int(row - patch.pixels.shape[0] / 2) // FIELD * FIELD
    left = int(rng.uniform(0, width) - patch.pixels.shape[1] / 2) // FIELD * FIELD
    rows = slice(max(0, top), min(height, top + patch.pixels.shape[0]))
    columns = slice(max(0, left), min(width, left + patch.pixels.shape[1]))
    inside = np.s_[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    place = pixels[rows, columns]
    if not place.size:
        return strip
    usable = patch.valid[inside] & (_filtered(place, ImageFilter.BoxBlur(8)) > _DARK)
    damage = patch.masks[:, inside[0], inside[1]] & usable
    if not damage.any():
        return strip
    pixels, masks = pixels.copy(), masks.copy()
    pixels[rows, columns] = _blend(place, patch.pixels[inside], np.asarray(damage.any(axis=0)), usable)
    fields = np.s_[:, rows.start // FIELD : rows.stop // FIELD, columns.start // FIELD : columns.stop // FIELD]
    count, high, wide = damage.shape
    shares = damage.reshape(count, high // FIELD, FIELD, wide // FIELD, FIELD).mean(axis=(2, 4))
    masks[fields] = np.where(shares > 0, np.maximum(masks[fields], np.ceil(PERCENT * shares)), masks[fields])
    return pixels, np.full_like(classes, UNKNOWN), masks


def _cut_out(pixels: NDArray[np.uint8], masks: NDArray[np.int8], rng: np.random.Generator) -> Patch | None:
    """One connected region of damage, or all of it; None if there is none."""
    damaged = (masks > 0).any(axis=0)
    regions, count = ndimage.label(damaged, np.ones((3, 3)))
    if not count:
        return None
    chosen = np.asarray(damaged if rng.random() < _ALL else regions == rng.integers(1, count + 1), np.bool_)
    rows, columns = (np.flatnonzero(chosen.any(axis=axis)) for axis in (1, 0))
    top, left = max(0, int(rows[0]) - _MARGIN), max(0, int(columns[0]) - _MARGIN)
    bottom, right = int(rows[-1]) + 1 + _MARGIN, int(columns[-1]) + 1 + _MARGIN
    cut = pixels[top * FIELD : bottom * FIELD, left * FIELD : right * FIELD]
    shares = np.where(chosen, np.maximum(masks, 0), 0)[:, top:bottom, left:right].astype(np.uint8)
    scale, aspect = 2 ** rng.uniform(-_SIZE, _SIZE), 2 ** rng.uniform(-_ASPECT, _ASPECT)
    size = max(1, round(cut.shape[1] * scale * aspect)), max(1, round(cut.shape[0] * scale))
    mirrored, upside_down, angle = rng.random() < 0.5, rng.random() < 0.5, float(rng.normal(0, _TURN))  # noqa: PLR2004 - as above

    def moved(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        flipped = values[:: -1 if upside_down else 1, :: -1 if mirrored else 1]
        image = Image.fromarray(np.ascontiguousarray(flipped)).resize(size, Image.Resampling.BILINEAR)
        turned = np.asarray(image.rotate(angle, Image.Resampling.BILINEAR, expand=True))
        # Whole fields, so that masks need no resampling at the new place.
        return np.pad(turned, [(0, -side % FIELD) for side in turned.shape])

    centre = (top + min(bottom, masks.shape[1])) / 2 * FIELD
    return Patch(
        moved(cut),
        moved(np.full_like(cut, 255)) == 255,  # noqa: PLR2004 - untouched white
        np.stack([moved(share) >= PERCENT / 2 for share in shares]),
        pixels.shape[0] - centre if upside_down else centre,
    )


def _blend(
    place: NDArray[np.uint8], patch: NDArray[np.uint8], damage: NDArray[np.bool_], usable: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """The patch over its place, at the damage and softly into two pixels around it, in the light of the place."""
    mask = damage.astype(np.uint8) * 255
    close = _filtered(mask, ImageFilter.MaxFilter(3))
    around = (_filtered(mask, ImageFilter.BoxBlur(12)) > 0) & (close == 0) & usable
    light, own_light = (float(values[around].mean()) if around.any() else 0.0 for values in (place, patch))
    gain = np.clip((light + 5) / (own_light + 5), _LEAST_GAIN, _MOST_GAIN)
    alpha = _filtered(close, ImageFilter.GaussianBlur(1)) / 255 * usable
    blended = place * (1 - alpha) + np.clip(patch * gain, 0, 255) * alpha
    return np.asarray(np.rint(blended), np.uint8)


def _filtered(values: NDArray[np.uint8], by: ImageFilter.Filter | ImageFilter.MultibandFilter) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(values).filter(by))
