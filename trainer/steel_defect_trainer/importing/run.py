"""From labels of another tool to a folder that can be trained on."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from steel_defect_trainer.data.label_words import CLEAN, check_class_names, is_clean
from steel_defect_trainer.data.pictures import pictures_below
from steel_defect_trainer.errors import DataError
from steel_defect_trainer.importing.opening import open_labels
from steel_defect_trainer.importing.writing import Labelled, few, write_table

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from steel_defect_trainer.importing.described import Described
    from steel_defect_trainer.importing.opening import Opened

_PICTURES: Final = "pictures"


@dataclass(frozen=True)
class ImportRequest:
    """What a user asks for.

    Attributes:
        source: file or folder of the labels.
        pictures: folder of the pictures; None if they are beside the labels.
        clean: folders of further pictures, all without a defect.
        unlabelled: whether pictures of which the labels say nothing are clean or left out; None to ask.
        output: folder to write.
    """

    source: Path
    pictures: Path | None
    clean: tuple[Path, ...]
    unlabelled: str | None
    output: Path


@dataclass(frozen=True)
class Imported:
    """What came of it.

    Attributes:
        kind: name of the format.
        pictures: how many there are.
        counts: how many pictures have each label, and how its place is known.
        left_out: pictures of which the labels say nothing.
    """

    kind: str
    pictures: int
    counts: Counter[tuple[str, str]]
    left_out: int


def import_labels(request: ImportRequest) -> Imported:
    """Read labels, and write them as a table with pictures and masks. The folder is there whole or not at all.

    Raises:
        DataError: labels or pictures cannot be used, or it is not clear which pictures are clean.
        OSError: the folder cannot be written.
    """
    if request.output.exists() and (not request.output.is_dir() or any(request.output.iterdir())):
        message = f"{request.output} exists already; name a new folder"
        raise DataError(message)
    opened = open_labels(request.source, request.pictures)
    chosen, silent = _chosen(opened)
    if silent and request.unlabelled is None:
        message = (
            f"the labels say nothing of {len(silent):,} pictures ({few(silent)}): give --unlabelled clean if these "
            "were looked at and have no defect, or --unlabelled leave-out"
        )
        raise DataError(message)
    chosen |= dict.fromkeys(silent if request.unlabelled == CLEAN else ())
    for folder in request.clean:
        chosen |= {path: None for path in pictures_below(folder) if path not in chosen}
    check_class_names({mark.label for item in chosen.values() if item for mark in item.marks}, str(request.source))
    if all(chosen.values()):
        message = (
            f"{request.source} has no clean pictures, without which nothing can be learned; name a folder of them "
            "with --clean"
        )
        raise DataError(message)
    labelled = _named(chosen, [*opened.finder.folders, *request.clean])
    partial = request.output.with_name(f".{request.output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        counts = write_table(labelled, partial)
        if request.output.exists():
            request.output.rmdir()
        partial.rename(request.output)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    left_out = len(silent) if request.unlabelled != CLEAN else 0
    return Imported(opened.kind, len(labelled), counts, left_out)


def _chosen(opened: Opened) -> tuple[dict[Path, Described | None], list[Path]]:
    """Each picture of which something is said, with its labels or None for a clean one; and those of which nothing is.

    Raises:
        DataError: a picture is missing, or labels contradict each other.
    """
    chosen: dict[Path, Described | None] = {}
    silent: list[Path] = []
    missing: list[Described] = []
    owner: dict[Path, Described] = {}
    for item in opened.described:
        path = opened.finder.find(item.name, item.where, item.beside)
        if path is None:
            missing.append(item)
            continue
        if path in owner:
            message = (
                f"{item.where} and {owner[path].where} both fit {path}; name the folder of the pictures with "
                "--pictures, or leave one out"
            )
            raise DataError(message)
        owner[path] = item
        clean = [mark.label for mark in item.marks if is_clean(mark.label)]
        if clean and len(clean) < len(item.marks):
            other = next(mark.label for mark in item.marks if not is_clean(mark.label))
            message = f"{item.where}: {item.name} is both {clean[0]} and {other}"
            raise DataError(message)
        if clean or item.says_clean:
            chosen[path] = None
        elif item.marks:
            chosen[path] = item
        else:
            silent.append(path)
    if missing:
        message = (
            f"{missing[0].where}: the picture {missing[0].name} is not in {few(opened.finder.folders)} "
            f"({len(missing):,} of {len(opened.described):,} are missing); name their folder with --pictures"
        )
        raise DataError(message)
    if not opened.listed:
        silent += [path for path in opened.finder.all() if path not in owner]
    return chosen, silent


def _named(chosen: dict[Path, Described | None], folders: Sequence[Path]) -> list[Labelled]:
    """Each picture with a name of its own: its path below the folder in which it was found."""
    named: dict[str, Labelled] = {}
    for path, described in sorted(chosen.items()):
        name = f"{_PICTURES}/{_relative(path, folders)}"
        number = 1
        while name in named:
            number += 1
            name = f"{_PICTURES}/{number}/{_relative(path, folders)}"
        named[name] = Labelled(path, name, described)
    return list(named.values())


def _relative(path: Path, folders: Iterable[Path]) -> str:
    return next((path.relative_to(folder).as_posix() for folder in folders if folder in path.parents), path.name)
