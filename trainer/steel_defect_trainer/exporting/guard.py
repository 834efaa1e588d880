"""What a model file says about the pictures it was trained on: their frame, and how far others may be from them."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect.contract import Frame, Guard
from steel_defect.image import decode
from steel_defect.statistics import appearance_of, histogram
from steel_defect_trainer.exporting.metadata import change_contract
from steel_defect_trainer.exporting.novelty import LEAST_PICTURES, add_novelty, features_of, fit_novelty

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect.contract import InputSpec
    from steel_defect.statistics import Appearance

# A picture may be this much darker, flatter, sharper... than the most extreme one that was trained on.
_BELOW: Final = 0.6
_ABOVE: Final = 1.5
# Grain of steel looks like noise, and differs more from coil to coil than light does.
_NOISIER: Final = 2.0
_SATURATED: Final = 0.05
# A picture of the frame's shape may be this much smaller or larger than those that were trained on.
_SMALLER: Final = 0.5
_LARGER: Final = 1.25


@dataclass(frozen=True)
class Familiar:
    """Pictures that a model was trained on.

    Attributes:
        tiles: each as the model's input without padding, uint8.
        groups: of each picture.
        sizes: width and height of each in its own pixels.
    """

    tiles: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]
    groups: Sequence[str]
    sizes: Sequence[tuple[int, int]]


def familiar_of_files(files: Sequence[Path], groups: Sequence[str], spec: InputSpec) -> Familiar:
    """Read pictures as they are trained on.

    Raises:
        SteelDefectError: a picture cannot be read.
        OSError: a file cannot be read.
    """
    tiles, sizes = [], []
    for file in files:
        picture = decode(file.read_bytes(), spec)
        tiles.append(picture.pixels[: picture.content[0], : picture.content[1]])
        sizes.append((picture.width, picture.height))
    return Familiar(tiles, groups, sizes)


def write_guard(path: Path, familiar: Familiar, spec: InputSpec, *, novelty: bool = True) -> None:
    """Put frame, guard and, if `novelty` says so, the output of that name into a model file.

    Below `LEAST_PICTURES` pictures there is no such output, and only the grays are guarded.

    Args:
        path: of the file.
        familiar: pictures that the model was trained on.
        spec: of its input.
        novelty: whether the file is given an output of that name; it has one already if it compares with a memory.

    Raises:
        ExportError: the graph has no features.
        OSError: the file cannot be written; the file before is unchanged.
    """
    unfamiliar = 1.0
    if novelty and len(familiar.tiles) >= LEAST_PICTURES:
        padded = np.full((len(familiar.tiles), spec.height, spec.width), spec.pad, np.uint8)
        for pixels, tile in zip(padded, familiar.tiles, strict=True):
            pixels[: tile.shape[0], : tile.shape[1]] = tile
        fitted = fit_novelty(features_of(path, padded), familiar.groups)
        add_novelty(path, fitted)
        unfamiliar = fitted.limit
    elif novelty:
        sys.stderr.write(f"{path}: fewer than {LEAST_PICTURES} pictures: unfamiliar ones are not told apart\n")
    limits = guard_of([appearance_of(tile, histogram(tile)) for tile in familiar.tiles], unfamiliar)
    frame = None if spec.resize == "stretch" else frame_of(familiar.sizes)
    change_contract(path, lambda contract: replace(contract, frame=frame, guard=limits))


def guard_of(appearances: Sequence[Appearance], unfamiliar: float) -> Guard:
    """Limits a little beyond the most extreme of the pictures that were trained on."""
    sharpness = [one.sharpness for one in appearances if one.sharpness is not None]
    noise = [one.noise for one in appearances if one.noise is not None]
    return Guard(
        dark=round(_BELOW * min(one.brightest for one in appearances), 2),
        saturated=round(min(1, _ABOVE * max(one.saturated for one in appearances) + _SATURATED), 4),
        flat=round(_BELOW * min(one.contrast for one in appearances), 3),
        blurred=round(_BELOW * min(sharpness, default=0), 3),
        noisy=round(_NOISIER * max(noise, default=511), 2),
        unfamiliar=round(unfamiliar, 6),
    )


def frame_of(sizes: Sequence[tuple[int, int]]) -> Frame:
    """The frame of pictures by their widths and heights: the middle one of them, and how far they range."""
    widths, heights = np.array(sizes).T
    width, height = int(np.median(widths)), int(np.median(heights))
    relative = np.maximum(widths / width, heights / height)
    aspects = widths / heights
    return Frame(
        width,
        height,
        (round(float(aspects.min()), 4), round(float(aspects.max()), 4)),
        smallest=round(_SMALLER * min(1, float(relative.min())), 4),
        largest=round(_LARGER * max(1, float(relative.max())), 4),
    )
