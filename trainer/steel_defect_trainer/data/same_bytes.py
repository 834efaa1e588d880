"""Finds one picture under two labels: files that are equal byte for byte."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from steel_defect_trainer.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable
    from pathlib import Path

    from steel_defect_trainer.data.dataset import DataSet, LabelledPicture

_PIECE: Final = 4096


def check_same_bytes(dataset: DataSet) -> None:
    """Make sure that no picture is there twice with different classes.

    Only files of one size whose middles are equal are read as a whole, so this takes little time.

    Raises:
        DataError: which two files, and their labels; or a file cannot be read.
    """
    alike: list[list[LabelledPicture]] = [list(dataset.pictures)]
    for trait in (_size, _middle, _digest):
        alike = [part for group in alike for part in _parted(group, trait, dataset.folder)]
    for group in alike:
        first, *others = group
        for other in others:
            if other.classes != first.classes:
                message = (
                    f"{dataset.folder / first.name} ({_label(dataset, first)}) and {dataset.folder / other.name} "
                    f"({_label(dataset, other)}) are the same picture, byte for byte; leave out the one whose label "
                    "is wrong"
                )
                raise DataError(message)


def _parted(
    group: Iterable[LabelledPicture], trait: Callable[[Path], Hashable], folder: Path
) -> list[list[LabelledPicture]]:
    """The parts of two pictures and more that are equal in a trait."""
    parts: dict[Hashable, list[LabelledPicture]] = defaultdict(list)
    for picture in group:
        try:
            parts[trait(folder / picture.name)].append(picture)
        except OSError as error:
            message = f"picture {folder / picture.name} cannot be read: {error.strerror or error}"
            raise DataError(message) from error
    return [part for part in parts.values() if len({picture.classes for picture in part}) > 1]


def _size(path: Path) -> int:
    return path.stat().st_size


def _middle(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _PIECE) // 2)
        return file.read(_PIECE)


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _label(dataset: DataSet, picture: LabelledPicture) -> str:
    return " and ".join(dataset.class_names[number] for number in sorted(picture.classes)) or "clean"
