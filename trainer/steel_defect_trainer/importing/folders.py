"""Layouts in which folders are the labels: MVTec AD with its masks, and one folder for each class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from steel_defect_trainer.data.label_words import is_clean
from steel_defect_trainer.data.pictures import pictures_below
from steel_defect_trainer.errors import DataError
from steel_defect_trainer.importing.described import Described, Mark, MaskPicture

if TYPE_CHECKING:
    from pathlib import Path

_TRAIN: Final = "train"
_TEST: Final = "test"
_MASKS: Final = "ground_truth"
_PARTS: Final = frozenset({_TRAIN, "training", "val", "valid", "validation", _TEST, "testing"})


def is_mvtec(folder: Path) -> bool:
    """Whether it is one category of MVTec AD: clean pictures to train on, and masks of those to test on."""
    return (folder / _TRAIN / "good").is_dir() and (folder / _TEST).is_dir() and (folder / _MASKS).is_dir()


def read_mvtec(folder: Path) -> list[Described]:
    """All pictures, with the masks of those with a defect.

    Raises:
        DataError: a mask is of no picture.
    """
    masks = {(path.parent.name, path.stem.removesuffix("_mask")): path for path in pictures_below(folder / _MASKS)}
    described = []
    for path in [*pictures_below(folder / _TRAIN), *pictures_below(folder / _TEST)]:
        label = path.parent.name
        if is_clean(label):
            described.append(Described(str(path), str(path), says_clean=True))
        else:
            mask = masks.pop((label, path.stem), None)
            place = None if mask is None else MaskPicture(mask)
            described.append(Described(str(path), str(path), marks=(Mark(label, place),)))
    if masks:
        first = next(iter(masks.values()))
        message = f"{first} is a mask of no picture in {folder / _TEST} ({len(masks)} such masks)"
        raise DataError(message)
    return described


def read_class_folders(folder: Path) -> list[Described]:
    """The pictures of folders, or of those in `train/`, `val/` and `test/`, each with its folder as the label.

    Raises:
        DataError: pictures lie beside the folders, or there are none.
    """
    inner = _folders(folder)
    parts = [item for item in inner if item.name.lower() in _PARTS]
    if parts and len(parts) < len(inner):
        other = next(item for item in inner if item not in parts)
        message = f"{folder} has {parts[0].name}/ and {other.name}/; it is not clear whether {other.name} is a class"
        raise DataError(message)
    described = []
    for part in parts or [folder]:
        loose = [path for path in pictures_below(part) if path.parent == part]
        if loose:
            message = f"{loose[0]} lies in no folder of a class; move it into one"
            raise DataError(message)
        for labelled in _folders(part):
            marks = () if is_clean(labelled.name) else (Mark(labelled.name),)
            described += [
                Described(str(path), str(path), None, marks, says_clean=not marks) for path in pictures_below(labelled)
            ]
    return described


def _folders(folder: Path) -> list[Path]:
    return sorted(item for item in folder.iterdir() if item.is_dir() and not item.name.startswith("."))
