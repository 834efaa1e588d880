"""The logits of a trained network for each picture of one part: the file between a run and its evaluation."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from steel_defect_trainer.errors import PredictionsError
from steel_defect_trainer.files import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Predictions:
    """Labels and logits of N pictures and C classes.

    Attributes:
        names: of the pictures, none twice.
        classes: float32 (N, C), 1 if the picture has the class.
        defect_logits: float32 (N,), not calibrated; above 0 the network leans to "defect".
        class_logits: float32 (N, C), not calibrated; None for a network that does not distinguish classes.
    """

    names: tuple[str, ...]
    classes: NDArray[np.float32]
    defect_logits: NDArray[np.float32]
    class_logits: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together, and logits that are not finite.

        Raises:
            PredictionsError: says which.
        """
        count = len(self.names)
        if self.classes.ndim != 2 or len(self.classes) != count:  # noqa: PLR2004 - pictures and classes
            message = f"expected classes of shape ({count}, C) for {count} names, got {self.classes.shape}"
            raise PredictionsError(message)
        if self.defect_logits.shape != (count,):
            message = f"expected defect_logits of shape ({count},), got {self.defect_logits.shape}"
            raise PredictionsError(message)
        if self.class_logits is not None and self.class_logits.shape != self.classes.shape:
            message = f"expected class_logits of shape {self.classes.shape}, got {self.class_logits.shape}"
            raise PredictionsError(message)
        if len(set(self.names)) != count:
            twice = next(name for index, name in enumerate(self.names) if name in self.names[:index])
            message = f"picture {twice!r} is named twice"
            raise PredictionsError(message)
        broken = ~np.isfinite(self.defect_logits)
        if self.class_logits is not None:
            broken = broken | ~np.isfinite(self.class_logits).all(axis=1)
        if broken.any():
            first = self.names[int(broken.argmax())]
            message = f"{int(broken.sum())} of {count} pictures have logits that are not finite, {first!r} first"
            raise PredictionsError(message)

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.names)

    @property
    def truth(self) -> NDArray[np.bool_]:
        """Whether each picture has any defect, (N,)."""
        return np.asarray(self.classes.any(axis=1), dtype=np.bool_)

    def save(self, path: Path) -> None:
        """Write a compressed .npz file; a reader sees the old file or the new one, whole.

        Raises:
            OSError: the file cannot be written; the file before is unchanged.
        """
        arrays = {
            "names": np.array(self.names, dtype=np.str_),
            "classes": self.classes.astype(np.float32),
            "defect_logits": self.defect_logits.astype(np.float32),
        }
        if self.class_logits is not None:
            arrays["class_logits"] = self.class_logits.astype(np.float32)
        with replacing(path) as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # mypy takes the arrays for allow_pickle

    @classmethod
    def load(cls, path: Path) -> Predictions:
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: there is no such file.
            PredictionsError: the file is damaged, lacks an array, or its arrays do not belong together.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return cls(
                    names=tuple(arrays["names"].tolist()),
                    classes=arrays["classes"],
                    defect_logits=arrays["defect_logits"],
                    class_logits=arrays.get("class_logits"),
                )
        except PredictionsError as error:
            message = f"{path}: {error}"
            raise PredictionsError(message) from error
        except KeyError as error:
            message = f"{path} has no array {error}: not predictions of a run"
            raise PredictionsError(message) from error
        except (ValueError, EOFError, zipfile.BadZipFile, AttributeError, TypeError) as error:
            message = f"{path} cannot be read as predictions: {error}"
            raise PredictionsError(message) from error
