"""How masks of a network overlap the true ones, at every threshold: the file between a run and its mask figures."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect_trainer.errors import PredictionsError
from steel_defect_trainer.files import replacing
from steel_defect_trainer.strips import FIELD, PERCENT

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

# Thresholds are 0, 0.01, ... 0.99.
LEVELS: Final = 100


@dataclass(frozen=True)
class MaskCounts:
    """Numbers of pixels of the model's input, for N pictures, C classes and, as the last of C + 1, any damage.

    Attributes:
        names: of the pictures.
        predicted: float32 (N, C + 1, 100), predicted damaged at each threshold.
        overlap: float32 (N, C + 1, 100), those of them that truly are.
        true: float32 (N, C + 1), truly damaged; NaN if the picture has the class and its mask is not known.
    """

    names: tuple[str, ...]
    predicted: NDArray[np.float32]
    overlap: NDArray[np.float32]
    true: NDArray[np.float32]

    def save(self, path: Path) -> None:
        """Write a compressed .npz file, whole or not at all.

        Raises:
            OSError: the file cannot be written; the file before is unchanged.
        """
        with replacing(path) as file:
            np.savez_compressed(
                file, names=np.array(self.names), predicted=self.predicted, overlap=self.overlap, true=self.true
            )

    @classmethod
    def load(cls, path: Path) -> MaskCounts:
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: there is no such file.
            PredictionsError: the file is damaged.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return cls(tuple(arrays["names"].tolist()), arrays["predicted"], arrays["overlap"], arrays["true"])
        except (KeyError, ValueError, EOFError, zipfile.BadZipFile, AttributeError, TypeError) as error:
            message = f"{path} cannot be read as counts of masks: {error}"
            raise PredictionsError(message) from error


def count_masks(
    probabilities: NDArray[np.float32], masks: NDArray[np.int8], classes: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Count one picture. Fields that the picture does not fill do not count.

    A field counts as 16 pixels, of which the share of damaged ones is known, so overlaps are those of the true mask.

    Args:
        probabilities: (C, h, w).
        masks: (C, h, w), percent, -1 unknown.
        classes: (C,), above 0 where the picture has the class.

    Returns:
        Predicted and overlap, each (C + 1, 100), and true (C + 1,), as `MaskCounts` has them.
    """
    filled = (masks >= 0).any(axis=0)
    shares = np.maximum(masks, 0)[:, filled] / PERCENT
    shares = np.concatenate([shares, np.minimum(shares.sum(axis=0, keepdims=True), 1)])
    found = probabilities[:, filled]
    levels = np.minimum(np.concatenate([found, found.max(axis=0, keepdims=True)]) * LEVELS, LEVELS - 1).astype(np.int64)
    predicted = np.stack([_at_least(row, np.ones(len(row))) for row in levels])
    overlap = np.stack([_at_least(row, share) for row, share in zip(levels, shares, strict=True)])
    true = shares.sum(axis=1)
    unknown = (classes > 0) & (true[:-1] == 0)
    true[np.append(unknown, unknown.any())] = np.nan
    pixels = FIELD * FIELD
    return tuple((pixels * values).astype(np.float32) for values in (predicted, overlap, true))  # type: ignore[return-value]  # three


def _at_least(levels: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weight of what reaches each level, float64 (100,)."""
    return np.bincount(levels, weights, minlength=LEVELS)[::-1].cumsum()[::-1]
