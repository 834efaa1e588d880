"""The files in the folder of a training run: every name is spelled here and nowhere else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steel_defect_trainer.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class RunFolder:
    """Where the files of one run are."""

    path: Path

    @property
    def recipe(self) -> Path:
        """The resolved recipe."""
        return self.path / "recipe.json"

    @property
    def data(self) -> Path:
        """What was learned from: folder, class names, counts, digest."""
        return self.path / "data.json"

    @property
    def split(self) -> Path:
        """The part and the group of each picture."""
        return self.path / "split.csv"

    @property
    def log(self) -> Path:
        """One JSON object a line."""
        return self.path / "log.jsonl"

    @property
    def curves(self) -> Path:
        """Curves for TensorBoard."""
        return self.path / "tensorboard"

    @property
    def last(self) -> Path:
        """The checkpoint from which training resumes."""
        return self.path / "last.pt"

    @property
    def best(self) -> Path:
        """The averaged weights that come out."""
        return self.path / "best.pt"

    @property
    def evaluation(self) -> Path:
        """Figures, calibration and threshold of the evaluated run."""
        return self.path / "evaluation.json"

    def predictions(self, part: str) -> Path:
        """Labels and logits of one part, "validation" or "test"."""
        return self.path / f"{part}.npz"

    def baseline(self, part: str) -> Path:
        """Labels of one part, and the logits of the frozen-features baseline."""
        return self.path / f"{part}-baseline.npz"

    def mask_counts(self, part: str) -> Path:
        """How the masks of one part overlap the true ones; only of networks with masks."""
        return self.path / f"{part}-masks.npz"

    def log_lines(self) -> Iterator[dict[str, Any]]:
        """The lines of the log in order, none if there is no log. A last line that was cut off by a stop is left out.

        Raises:
            RunError: another line is damaged; the lines before it have been given.
        """
        if not self.log.exists():
            return
        texts = self.log.read_text(encoding="utf-8").splitlines()
        for number, text in enumerate(texts, 1):
            try:
                line = json.loads(text)
            except json.JSONDecodeError:
                line = None
            if not isinstance(line, dict) or "kind" not in line:
                if number == len(texts):
                    return
                message = f"{self.log}, line {number}: expected a JSON object with a kind, got {text[:60]!r}"
                raise RunError(message)
            yield line


def read_object(path: Path) -> dict[str, Any] | None:
    """Read a JSON object; None if there is no file.

    Raises:
        RunError: the file is damaged, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        message = f"{path} cannot be read: {error}"
        raise RunError(message) from error
    if not isinstance(content, dict):
        message = f"{path} should hold a JSON object"
        raise RunError(message)
    return content
