"""The layout of folders: one of defects, one of clean pictures, and in the first, if known, one for each class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steel_defect_trainer.data.dataset import DataSet, LabelledPicture
from steel_defect_trainer.data.label_words import (
    CLEAN,
    CLEAN_WORDS,
    DEFECT,
    DEFECT_WORDS,
    check_class_names,
    is_clean,
    is_defect,
)
from steel_defect_trainer.data.pictures import pictures_below
from steel_defect_trainer.data.same_bytes import check_same_bytes
from steel_defect_trainer.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


def has_labelled_folders(folder: Path) -> bool:
    """Whether it has a folder whose name says that pictures are clean, or that they have defects."""
    return any(is_clean(inner.name) or is_defect(inner.name) for inner in _folders(folder))


def open_folders(folder: Path) -> DataSet:
    """Read `defect/` and `clean/`, or folders of the other names in `label_words`, each searched through.

    The folders in `defect/` are the classes, unless `clean/` has folders of the same names (days or coils, for
    example). Without them the one class is called "defect". Places are unknown. There may be clean pictures alone.

    Raises:
        DataError: a folder is missing or one too many, or it is not clear which folders are classes.
    """
    inner = _folders(folder)
    clean, defect = [item for item in inner if is_clean(item.name)], [item for item in inner if is_defect(item.name)]
    others = [item for item in inner if item not in clean + defect and pictures_below(item)]
    for found, name, words in ((clean, CLEAN, CLEAN_WORDS), (defect, DEFECT, DEFECT_WORDS)):
        if not found and (others or name == CLEAN):
            message = (
                f"{folder} has no folder {name}/ (nor one called {', '.join(words[1:])}); a layout of folders has "
                f"{DEFECT}/, with a folder for each class if they are known, and {CLEAN}/"
            )
            raise DataError(message)
    if len(defect) > 1:
        message = f"{folder} has {_named(defect)}; move all classes into one folder {DEFECT}/"
        raise DataError(message)
    if others:
        message = (
            f"{others[0]} holds pictures, and its name does not say whether they are clean; if it is a class, move it "
            f"into {defect[0]}; if not, move it elsewhere (masks need a table labels.csv)"
        )
        raise DataError(message)
    label_of: dict[Path, str | None] = {path: None for part in clean for path in pictures_below(part)}
    if defect:
        label_of |= _defects(defect[0], clean)
    class_names = tuple(sorted({label for label in label_of.values() if label is not None} or {DEFECT}))
    check_class_names(class_names, str(folder))
    pictures = []
    for path, label in label_of.items():
        name = path.relative_to(folder).as_posix()
        classes = frozenset() if label is None else frozenset({class_names.index(label)})
        pictures.append(LabelledPicture(name, classes, {}, name))
    dataset = DataSet(folder, class_names, tuple(sorted(pictures, key=lambda picture: picture.name)))
    check_same_bytes(dataset)
    return dataset


def _defects(defect: Path, clean: list[Path]) -> dict[Path, str | None]:
    """Each picture of a defect with its class."""
    inner = [item for item in _folders(defect) if pictures_below(item)]
    shared = {item.name for part in clean for item in _folders(part)}
    both, alone = [item for item in inner if item.name in shared], [item for item in inner if item.name not in shared]
    if both and alone:
        message = (
            f"{both[0]} is in {clean[0].name}/ too, so it is no class, and {alone[0]} is not: it is not clear whether "
            f"the folders in {defect} are classes; write a table labels.csv, or give all of them to both or to one"
        )
        raise DataError(message)
    pictures = pictures_below(defect)
    if not alone:
        return dict.fromkeys(pictures, DEFECT)
    for item in alone:
        if is_clean(item.name):
            message = f"{item} is called clean, and lies in {defect.name}/; move it to {clean[0]}"
            raise DataError(message)
    outside = [path for path in pictures if path.parent == defect]
    if outside:
        message = f"{outside[0]} is in no class, beside {_named(alone)}; move it into the folder of its class"
        raise DataError(message)
    return {path: path.relative_to(defect).parts[0] for path in pictures}


def _folders(folder: Path) -> list[Path]:
    return sorted(item for item in folder.iterdir() if item.is_dir() and not item.name.startswith("."))


def _named(folders: list[Path]) -> str:
    return " and ".join(f"{item.name}/" for item in folders)
