"""A training run as it is read again: recipe, data, predictions, groups, epochs."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from steel_defect_trainer.errors import PredictionsError, RunError
from steel_defect_trainer.predictions import Predictions
from steel_defect_trainer.runs.folder import RunFolder, read_object
from steel_defect_trainer.runs.mask_counts import MaskCounts

if TYPE_CHECKING:
    from collections.abc import Sequence

RUNS: Final = Path("runs")
PARTS: Final = ("validation", "test")


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        folder: where it is.
        recipe: the resolved recipe.
        data: what it was trained on: folder, class names, counts; empty if the run does not say.
    """

    folder: Path
    recipe: dict[str, Any]
    data: dict[str, Any]

    @property
    def files(self) -> RunFolder:
        """Where its files are."""
        return RunFolder(self.folder)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @property
    def final(self) -> bool:
        """Whether it learned from the validation part too."""
        return bool(self.recipe.get("data", {}).get("final", False))

    @property
    def learns_from_clean(self) -> bool:
        """Whether its network learned from clean pictures alone, so that it can be judged by them alone as well."""
        return bool(self.recipe.get("network", {}).get("kind") == "clean")

    @property
    def folds(self) -> int:
        """The number of folds, if it is a cross-validation, whose "validation" pictures are all there are; else 0."""
        return int(self.data.get("folds") or 0)

    @property
    def judged_by(self) -> str | None:
        """The cross-validation whose figures it took over, as it learned from all pictures; None for other runs."""
        return self.data.get("judged_by")

    @property
    def pictures(self) -> Path | None:
        """The folder of the data set's pictures, if the run names one."""
        folder = self.data.get("folder")
        return None if folder is None else Path(folder)

    def class_names(self, count: int) -> tuple[str, ...]:
        """Names of the `count` classes, numbered if the run does not name them.

        Raises:
            RunError: it names another number of classes than its predictions have.
        """
        names = self.data.get("class_names")
        if names is None:
            return tuple(f"class {number + 1}" for number in range(count))
        if len(names) != count:
            message = f"{self.files.data} names {len(names)} classes, the predictions have {count}"
            raise RunError(message)
        return tuple(str(name) for name in names)

    def has(self, part: str) -> bool:
        """Whether there are predictions of a part."""
        return self.files.predictions(part).exists()

    def predictions(self, part: str, *, defects: bool = True) -> Predictions:
        """What the run says of one part, with clean pictures in it.

        Args:
            part: "validation" or "test".
            defects: whether there have to be defects too.

        Raises:
            RunError: there are none, they are damaged, or only of one kind.
        """
        path = self.files.predictions(part)
        try:
            predictions = Predictions.load(path)
        except FileNotFoundError as error:
            raise RunError(self._why_absent(part)) from error
        except PredictionsError as error:
            raise RunError(str(error)) from error
        having = int(predictions.truth.sum())
        if having == len(predictions) or (defects and not having):
            kind = "a defect" if having else "no defect"
            message = f"all {len(predictions)} pictures of {path} have {kind}; figures need pictures of both kinds"
            raise RunError(message)
        return predictions

    def mask_counts(self, part: str) -> MaskCounts | None:
        """How the masks of one part overlap the true ones; None for a network without masks.

        Raises:
            RunError: they are damaged, or not of the pictures that were predicted.
        """
        path = self.files.mask_counts(part)
        try:
            counts = MaskCounts.load(path)
        except FileNotFoundError:
            return None
        except PredictionsError as error:
            raise RunError(str(error)) from error
        if counts.names != self.predictions(part).names:
            message = f"{path} is not of the pictures in {self.files.predictions(part)}: train into an empty folder"
            raise RunError(message)
        return counts

    def baseline(self, part: str) -> Predictions | None:
        """What the frozen-features baseline says of one part; None if it was not computed.

        Raises:
            RunError: it is damaged, or not of the pictures that the run predicted.
        """
        path = self.files.baseline(part)
        try:
            baseline = Predictions.load(path)
        except FileNotFoundError:
            return None
        except PredictionsError as error:
            raise RunError(str(error)) from error
        if baseline.names != self.predictions(part).names:
            message = f"{path} is not of the pictures in {self.files.predictions(part)}: train into an empty folder"
            raise RunError(message)
        return baseline

    def groups(self, names: Sequence[str]) -> tuple[str, ...] | None:
        """The group of each picture by the run's split; None without a split, or if no two belong together.

        Raises:
            RunError: the split cannot be read, or lacks a picture.
        """
        path = self.files.split
        try:
            with path.open(encoding="utf-8", newline="") as file:
                rows = csv.DictReader(dropwhile(lambda line: line.startswith("#"), file))
                group_of = {row["file"]: row["group"] or row["file"] for row in rows}
            groups = tuple(group_of[name] for name in names)
        except FileNotFoundError:
            return None
        except KeyError as error:
            message = f"{path} lacks {error}: expected columns file and group, and a row for every picture of the part"
            raise RunError(message) from error
        return groups if len(set(groups)) < len(groups) else None

    def epochs(self) -> list[dict[str, Any]]:
        """The log's lines about epochs, the last one of each.

        Raises:
            RunError: a line is damaged, and it is not the last one.
        """
        last = {line["epoch"]: line for line in self.files.log_lines() if line["kind"] == "epoch"}
        return [last[epoch] for epoch in sorted(last)]

    def _why_absent(self, part: str) -> str:
        if self.judged_by is not None:
            return (
                f"{self.folder} learned from all of its pictures, so none is left to judge it by; its figures and its "
                f"decision are those of the cross-validation {self.judged_by}"
            )
        if part == "test" and not self.final:
            return (
                f"{self.folder} has no test.npz: only a final model (a recipe with data.final = true) answers the test "
                "part, once; evaluate this run with --part validation"
            )
        if part == "validation" and self.final:
            return f"{self.folder} has no validation.npz: a final model learned from that part; use --part test"
        return f"{self.folder} is not finished: there is no {part}.npz yet; train it to its end"


def read_run(given: str | Path) -> Run:
    """Open the folder of a run, or the run of that name under `runs/`.

    Raises:
        RunError: there is none.
    """
    folder = Path(given)
    if not folder.is_dir() and (RUNS / folder).is_dir():
        folder = RUNS / folder
    if not folder.is_dir():
        known = sorted(path.parent.name for path in RUNS.glob("*/recipe.json"))
        there = f"in {RUNS}/ there are {', '.join(known)}" if known else f"there are none in {RUNS}/"
        message = f"there is no run {str(given)!r}; {there}"
        raise RunError(message)
    files = RunFolder(folder)
    recipe = read_object(files.recipe)
    if recipe is None:
        message = f"{folder} is no run: it has no recipe.json"
        raise RunError(message)
    return Run(folder, recipe, read_object(files.data) or {})
