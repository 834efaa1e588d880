"""Files of masks beside the report: Kaggle's submission, COCO, and pictures with outlines."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from steel_defect.cli.report import Report, Row


class Reports:
    """Gives each row to the report that is printed and to those that write files; masks are for files alone."""

    def __init__(self, printed: Report, files: Sequence[Report], *, with_masks: bool) -> None:
        """Take both; with masks, they are printed as well."""
        self._printed = printed
        self._files = files
        self._with_masks = with_masks

    def add(self, row: Row) -> None:
        """Give one row to all."""
        for file in self._files:
            file.add(row)
        if row.answer is not None and not self._with_masks:
            row = replace(row, answer={name: value for name, value in row.answer.items() if name != "masks"})
        self._printed.add(row)

    def close(self) -> None:
        """Close all."""
        for file in self._files:
            file.close()
        self._printed.close()


def mask_files(
    files: Sequence[Path], class_names: Sequence[str], *, overlay: Path | None, rle: Path | None, coco: Path | None
) -> list[Report]:
    """What writes the files that were asked for.

    Args:
        files: the pictures.
        class_names: of the model.
        overlay: the folder of pictures with outlines.
        rle: Kaggle's submission.
        coco: annotations in COCO's format.

    Raises:
        click.UsageError: two pictures would have one name, or a picture would be overwritten.
    """
    wanted: list[Report] = []
    if rle is not None:
        _require_different_names(files)
        from steel_defect.cli.rle import RleFile

        wanted.append(RleFile(rle, class_names))
    if coco is not None:
        from steel_defect.cli.coco import CocoFile

        wanted.append(CocoFile(coco, class_names))
    if overlay is not None:
        from steel_defect.cli.overlay import Overlays

        wanted.append(Overlays(overlay, files, class_names))
    return wanted


def masks_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The masks of an answer.

    Raises:
        click.ClickException: there are none: the model, or an older deployment, gives none.
    """
    masks: dict[str, Any] | None = answer.get("masks")
    if masks is None:
        model = answer["model"]
        message = f"the model {model['name']} {model['version']} gives no masks: there is nothing to write"
        raise click.ClickException(message)
    return masks


def _require_different_names(files: Sequence[Path]) -> None:
    name, count = Counter(path.name for path in files).most_common(1)[0]
    if count > 1:
        message = f"--rle tells pictures by their names, and {count} of them are called {name}"
        raise click.UsageError(message)
