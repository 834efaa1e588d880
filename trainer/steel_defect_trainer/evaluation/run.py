"""The folder of one training run, as evaluation reads it."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from steel_defect_trainer.predictions import Predictions, PredictionsError

if TYPE_CHECKING:
    from collections.abc import Sequence

RUNS: Final = Path("runs")
PARTS: Final = ("validation", "test")


class RunError(ValueError):
    """There is no such run, it is not finished, or a file of it cannot be used. The message says what to do."""


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        folder: where it is.
        recipe: the resolved recipe.
        data: of what it was trained on: folder, class names, numbers; empty where the run does not say.
    """

    folder: Path
    recipe: dict[str, Any]
    data: dict[str, Any]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @property
    def final(self) -> bool:
        """Whether it learned from the validation part too."""
        return bool(self.recipe.get("data", {}).get("final", False))

    @property
    def pictures(self) -> Path | None:
        """The folder of the data set's pictures, if the run names one."""
        folder = self.data.get("folder")
        return None if folder is None else Path(folder)

    def class_names(self, count: int) -> tuple[str, ...]:
        """Names of the `count` classes, numbered where the run does not name them.

        Raises:
            RunError: it names another number of classes than its predictions have.
        """
        names = self.data.get("class_names")
        if names is None:
            return tuple(f"class {number + 1}" for number in range(count))
        if len(names) != count:
            message = f"{self.folder / 'data.json'} names {len(names)} classes, the predictions have {count}"
            raise RunError(message)
        return tuple(str(name) for name in names)

    def has(self, part: str) -> bool:
        """Whether there are predictions of a part."""
        return (self.folder / f"{part}.npz").exists()

    def predictions(self, part: str) -> Predictions:
        """What the run says of one part, with both kinds of pictures in it.

        Raises:
            RunError: there are none, they are damaged, or only of one kind.
        """
        path = self.folder / f"{part}.npz"
        try:
            predictions = Predictions.load(path)
        except FileNotFoundError as error:
            raise RunError(self._why_absent(part)) from error
        except PredictionsError as error:
            raise RunError(str(error)) from error
        defects = int(predictions.truth.sum())
        if defects in (0, len(predictions)):
            kind = "no defect" if defects == 0 else "a defect"
            message = f"all {len(predictions)} pictures of {path} have {kind}; figures need pictures of both kinds"
            raise RunError(message)
        return predictions

    def groups(self, names: Sequence[str]) -> tuple[str, ...] | None:
        """The group of each picture by the run's split; None without a split, or if no two belong together.

        Raises:
            RunError: the split cannot be read, or lacks a picture.
        """
        path = self.folder / "split.csv"
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
        """Lines of the log that tell of an epoch, the last one of each; a last line cut off by a stop is left out.

        Raises:
            RunError: another line is damaged.
        """
        path = self.folder / "log.jsonl"
        if not path.exists():
            return []
        told: dict[int, dict[str, Any]] = {}
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, text in enumerate(lines, 1):
            try:
                line = json.loads(text)
                if line["kind"] == "epoch":
                    told[line["epoch"]] = line
            except (json.JSONDecodeError, KeyError, TypeError) as error:
                if number == len(lines):
                    break
                message = f"{path}, line {number}: expected a JSON object with a kind, got {text[:60]!r}"
                raise RunError(message) from error
        return [told[epoch] for epoch in sorted(told)]

    def _why_absent(self, part: str) -> str:
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
    recipe = _object(folder / "recipe.json")
    if recipe is None:
        message = f"{folder} is no run: it has no recipe.json"
        raise RunError(message)
    return Run(folder, recipe, _object(folder / "data.json") or {})


def _object(path: Path) -> dict[str, Any] | None:
    """Read a JSON object; None where there is no file."""
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
