"""Labelled strips in memory: what training and evaluation work on, whatever folder they came from."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect.image import decode
from trainer.model import CLASSES, STRIDE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect.contract import InputSpec

UNKNOWN: Final = -1
# A cell that shows less damage than this share of itself is neither called damaged nor sound.
_LEAST_SHARE: Final = 0.02


@dataclass(frozen=True)
class StripSet:
    """N strips.

    Attributes:
        pixels: uint8 (N, height, width), as `steel_defect.image.decode` gives them.
        classes: float32 (N, 4), 1 where the strip has the class.
        cells: int8 (N, 4, height/32, width/32): 1 damaged, 0 sound, -1 unknown, for each class and cell.
        names: of the files.
        sources: where each strip is from; strips of one source belong together when data is split.
        digest: sha256 over the bytes of the files, in the order of `names`.
    """

    pixels: NDArray[np.uint8]
    classes: NDArray[np.float32]
    cells: NDArray[np.int8]
    names: tuple[str, ...]
    sources: tuple[str, ...]
    digest: str

    def __len__(self) -> int:
        """Number of strips."""
        return len(self.names)

    @property
    def defect(self) -> NDArray[np.bool_]:
        """Whether each strip has any defect, (N,)."""
        return np.asarray(self.classes.any(axis=1), dtype=np.bool_)

    def take(self, chosen: NDArray[np.bool_]) -> StripSet:
        """The strips where `chosen` (N,) is true; the digest stays that of the whole set."""
        places = np.flatnonzero(chosen)
        return StripSet(
            self.pixels[places],
            self.classes[places],
            self.cells[places],
            tuple(self.names[place] for place in places),
            tuple(self.sources[place] for place in places),
            self.digest,
        )


@dataclass(frozen=True)
class StripLabel:
    """The label of one file: its classes (1 to 4), and for each of the 4 classes what is known of the cells."""

    name: str
    source: str
    classes: frozenset[int]
    cells: NDArray[np.int8]


def load_strips(folder: Path, labels: Sequence[StripLabel], spec: InputSpec) -> StripSet:
    """Decode the labelled files of a folder.

    Raises:
        OSError: a picture is missing.
        SteelDefectError: a picture cannot be scored, hence not be learned from either.
    """

    def load(label: StripLabel) -> tuple[NDArray[np.uint8], bytes]:
        data = (folder / label.name).read_bytes()
        return decode(data, spec).pixels, hashlib.sha256(data).digest()

    with ThreadPoolExecutor(2) as pool:
        loaded = list(pool.map(load, labels))
    classes = np.zeros((len(labels), CLASSES), np.float32)
    for place, label in enumerate(labels):
        classes[place, [number - 1 for number in label.classes]] = 1
    return StripSet(
        np.stack([pixels for pixels, _ in loaded]),
        classes,
        np.stack([label.cells for label in labels]),
        tuple(label.name for label in labels),
        tuple(label.source for label in labels),
        hashlib.sha256(b"".join(digest for _, digest in loaded)).hexdigest(),
    )


def grid_shape(spec: InputSpec) -> tuple[int, int, int]:
    """Shape of the cells of one strip: (4, rows, columns)."""
    return CLASSES, spec.height // STRIDE, spec.width // STRIDE


def cells_of_mask(mask: NDArray[np.bool_], spec: InputSpec) -> NDArray[np.int8]:
    """What a mask of a 1600 x 256 picture says about the cells of its class, int8 (rows, columns)."""
    _, rows, columns = grid_shape(spec)
    height, width = mask.shape
    share = mask.reshape(rows, height // rows, columns, width // columns).mean(axis=(1, 3))
    known = np.where(share >= _LEAST_SHARE, 1, np.where(share > 0, UNKNOWN, 0))
    return known.astype(np.int8)
