"""Labelled strips as arrays: what training and evaluation work on, whatever folder they came from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steel_defect.contract import InputSpec

# Pixels of the model's input along a side of one cell: the stride of the networks' body, MobileNetV2.
CELL: Final = 32
# Pixels along a side of one field of a mask: a map of fields this small keeps nearly all of a true mask's shape.
FIELD: Final = 4
# Feature blocks of that body, from the input on.
BLOCKS: Final = 19
UNKNOWN: Final = -1
# A cell that shows less damage than this share of itself is called neither damaged nor sound.
_LEAST_SHARE: Final = 0.02
# Less than any pixel of a picture that is accepted; what a division leaves over is below.
_TRACE: Final = 1e-6
PERCENT: Final = 100


@dataclass(frozen=True)
class StripSet:
    """N strips of a data set with C classes.

    Attributes:
        pixels: uint8 (N, height, width), as `steel_defect.image.decode` gives them; may be mapped from a file.
        classes: float32 (N, C), 1 if the strip has the class.
        cells: int8 (N, C, height/32, width/32): 1 damaged, 0 sound, -1 unknown, for each class and cell.
        masks: int8 (N, C, height/4, width/4): percent of each field that has the class, -1 unknown; unknown as well
            for all classes is what the picture does not fill. May be mapped from a file.
        names: of the files.
        groups: the group of each strip; strips of one group belong together when data is split.
        digest: sha256 over the files' bytes and labels, in the order of `names`.
    """

    pixels: NDArray[np.uint8]
    classes: NDArray[np.float32]
    cells: NDArray[np.int8]
    masks: NDArray[np.int8]
    names: tuple[str, ...]
    groups: tuple[str, ...]
    digest: str

    def __len__(self) -> int:
        """Number of strips."""
        return len(self.names)

    @property
    def defect(self) -> NDArray[np.bool_]:
        """Whether each strip has any defect, (N,)."""
        return np.asarray(self.classes.any(axis=1), dtype=np.bool_)

    def take(self, chosen: NDArray[np.bool_]) -> StripSet:
        """The strips where `chosen` (N,) is true, copied into memory; the digest stays that of the whole set."""
        indices = np.flatnonzero(chosen)
        return StripSet(
            np.asarray(self.pixels[indices]),
            self.classes[indices],
            self.cells[indices],
            np.asarray(self.masks[indices]),
            tuple(self.names[index] for index in indices),
            tuple(self.groups[index] for index in indices),
            self.digest,
        )


def join(*sets: StripSet) -> StripSet:
    """Sets of the same size and the same classes as one, in memory."""
    return StripSet(
        np.concatenate([strips.pixels for strips in sets]),
        np.concatenate([strips.classes for strips in sets]),
        np.concatenate([strips.cells for strips in sets]),
        np.concatenate([strips.masks for strips in sets]),
        tuple(name for strips in sets for name in strips.names),
        tuple(group for strips in sets for group in strips.groups),
        hashlib.sha256("".join(strips.digest for strips in sets).encode()).hexdigest(),
    )


def spread(count: int, most: int) -> NDArray[np.int64]:
    """Indices of all of `count` items, or of `most` that are spread over them: int64, ascending."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def cells_of_mask(mask: NDArray[np.bool_], content: tuple[int, int], spec: InputSpec) -> NDArray[np.int8]:
    """What a mask says about the cells of its class, int8 (height/32, width/32); padding is sound.

    Args:
        mask: bool (rows, columns), of the whole picture in its own pixels.
        content: rows and columns of the model's input that the picture fills, from the top left.
        spec: of the model's input.
    """
    down = _shares(mask.shape[0], content[0], spec.height // CELL, CELL)
    across = _shares(mask.shape[1], content[1], spec.width // CELL, CELL)
    share = down @ mask.astype(np.float32) @ across.T
    known = np.where(share >= _LEAST_SHARE, 1, np.where(share > _TRACE, UNKNOWN, 0))
    return known.astype(np.int8)


def fields_of_mask(mask: NDArray[np.bool_], content: tuple[int, int], spec: InputSpec) -> NDArray[np.int8]:
    """What a mask says about the fields of its class: percent, rounded up, int8 (height/4, width/4).

    Args:
        mask: bool (rows, columns), of the whole picture in its own pixels.
        content: rows and columns of the model's input that the picture fills, from the top left.
        spec: of the model's input.
    """
    fields = np.zeros((spec.height // FIELD, spec.width // FIELD), np.int8)
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if rows.size:
        # Most masks are on a small part of a long strip.
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        down = _shares(mask.shape[0], content[0], spec.height // FIELD, FIELD)[:, part[0]]
        across = _shares(mask.shape[1], content[1], spec.width // FIELD, FIELD)[:, part[1]]
        share = down @ mask[part].astype(np.float32) @ across.T
        fields[:] = np.ceil(PERCENT * np.minimum(share, 1) - _TRACE * PERCENT)
    return fields


def _shares(pixels: int, content: int, cells: int, side: int) -> NDArray[np.float32]:
    """Which share of each cell each pixel covers along one axis, float32 (cells, pixels); a cell has `side` pixels."""
    edges = np.arange(pixels + 1) * (content / pixels)
    starts = np.arange(cells)[:, None] * side
    overlap = np.minimum(edges[1:], starts + side) - np.maximum(edges[:-1], starts)
    return np.asarray(np.maximum(overlap, 0) / side, np.float32)
