"""Training, validation and test parts: by picture and group, like in their mix of classes, in a file one can publish.

The file is a table `file,group,part` under one comment line that says how it was made. A picture is in it once, however
many defects it has, and a group is in one part: neither a picture nor its near-duplicate is on both sides.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect_trainer.data.label_words import CLEAN_WORDS
from steel_defect_trainer.data.tables import rows
from steel_defect_trainer.errors import DataError
from steel_defect_trainer.files import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect_trainer.data.dataset import DataSet, LabelledPicture

TRAIN: Final = "train"
VALIDATION: Final = "validation"
TEST: Final = "test"
PARTS: Final = (TRAIN, VALIDATION, TEST)
UNUSED: Final = "unused"
FRACTIONS: Final = (0.70, 0.15, 0.15)


@dataclass(frozen=True)
class Split:
    """Which part each picture is in.

    Attributes:
        part_of: name of the picture to "train", "validation", "test" or "unused".
        made: how, in one line.
    """

    part_of: Mapping[str, str]
    made: str

    def masks(self, dataset: DataSet) -> dict[str, NDArray[np.bool_]]:
        """Part to bool (N,), for the pictures of the data set in their order."""
        parts = np.array([self.part_of[picture.name] for picture in dataset.pictures])
        return {part: parts == part for part in PARTS}


def make_split(dataset: DataSet, seed: int, *, defects: bool = True) -> Split:
    """Split by group, so that each part has its fraction of every combination of classes, as far as groups allow.

    Args:
        dataset: to split.
        seed: another one, another split.
        defects: whether each part needs defects, and not clean pictures alone.

    Raises:
        DataError: there are no clean or no defect pictures, in all or in one of the parts.
    """
    parts = _assign(dataset.pictures, FRACTIONS, seed)
    part_of = {picture.name: PARTS[part] for picture, part in zip(dataset.pictures, parts, strict=True)}
    shares = "/".join(f"{fraction:g}" for fraction in FRACTIONS)
    split = Split(part_of, f"steel-defect split of {len(dataset)} pictures, seed {seed}, {shares}")
    check(split, dataset, "the split", defects=defects)
    return split


def subset(  # noqa: PLR0913 - a split, and what is drawn from it
    dataset: DataSet, split: Split, seed: int, train: int, validation: int, *, defects: bool = True
) -> Split:
    """A smaller training and validation part, both drawn from the training part; the test part stays.

    The validation part of `split` is left unused, as is the rest of its training part. Whole groups are drawn, so the
    numbers are met as nearly as groups allow.

    Raises:
        DataError: the training part is too small, or one of the new parts has no clean or no defect pictures.
    """
    pool = [picture for picture in dataset.pictures if split.part_of[picture.name] == TRAIN]
    if train + validation > len(pool):
        message = (
            f"{train} + {validation} pictures were asked for, and the training part of {dataset.folder} "
            f"has {len(pool)}; ask for fewer"
        )
        raise DataError(message)
    fractions = (train / len(pool), validation / len(pool), (len(pool) - train - validation) / len(pool))
    part_of = {name: part if part == TEST else UNUSED for name, part in split.part_of.items()}
    for picture, part in zip(pool, _assign(pool, fractions, seed), strict=True):
        part_of[picture.name] = (TRAIN, VALIDATION, UNUSED)[part]
    smaller = Split(part_of, f"{split.made}; of the training part {train}/{validation}, seed {seed}")
    check(smaller, dataset, "the split", defects=defects)
    return smaller


def make_folds(dataset: DataSet, folds: int, seed: int) -> NDArray[np.int64]:
    """The fold of each picture, int64 (N,): groups stay whole, and each fold has its share of every mix of classes.

    Raises:
        DataError: a fold would have no clean or no defect pictures.
    """
    assigned = _assign(dataset.pictures, (1 / folds,) * folds, seed)
    defect = np.array([bool(picture.classes) for picture in dataset.pictures])
    for kind, word in ((defect, "defect"), (~defect, "clean")):
        filled = len(np.unique(assigned[kind]))
        if filled < folds:
            groups = len({picture.group for picture, its in zip(dataset.pictures, kind, strict=True) if its})
            message = (
                f"{folds} folds need {word} pictures in each; {dataset.folder} has {int(kind.sum())}, in {groups} "
                f"groups, which fill {filled}: use fewer folds, or more pictures"
            )
            raise DataError(message)
    return assigned


def write_split(split: Split, dataset: DataSet, path: Path) -> None:
    """Write the file, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    text = io.StringIO()
    text.write(f"# {split.made}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "group", "part"))
    writer.writerows((picture.name, picture.group, split.part_of[picture.name]) for picture in dataset.pictures)
    with replacing(path) as file:
        file.write(text.getvalue().encode())


def read_split(path: Path, dataset: DataSet, *, defects: bool = True) -> dict[str, NDArray[np.bool_]]:
    """Part to bool (N,), for the pictures of the data set in their order; each part needs defects if `defects` says so.

    Raises:
        DataError: the file cannot be used, does not name exactly the pictures of the data set, or lets a picture or a
            group into two parts.
    """
    first_row: dict[str, int] = {}
    part_of: dict[str, str] = {}
    group_part: dict[str, tuple[str, int]] = {}
    for row, values in rows(path, ("file", "group", "part"), comments=True):
        name, group, part = values["file"], values["group"], values["part"]
        if part not in {*PARTS, UNUSED}:
            message = f"{path}, row {row}: unknown part {part!r}; the parts are {', '.join(PARTS)} and {UNUSED}"
            raise DataError(message)
        if name in first_row:
            message = f"{path}, row {row}: {name} is in row {first_row[name]} already; a picture is in one part, once"
            raise DataError(message)
        # What is unused teaches nothing and judges nothing, so its groups may be elsewhere too.
        its_part, its_row = (part, row) if part == UNUSED else group_part.setdefault(group, (part, row))
        if part != its_part:
            message = f"{path}, row {row}: group {group} is in part {its_part} by row {its_row}, and in {part} here"
            raise DataError(message)
        first_row[name], part_of[name] = row, part
    names = {picture.name for picture in dataset.pictures}
    for what, which in (("does not name", names - part_of.keys()), ("names", part_of.keys() - names)):
        if which:
            whose = f"of {dataset.folder}" if what == "does not name" else f"which {dataset.folder} does not have"
            message = f"{path} {what} {min(which)}, {whose} ({len(which)} such); make a split of this data set"
            raise DataError(message)
    split = Split(part_of, "")
    check(split, dataset, str(path), defects=defects)
    return split.masks(dataset)


def check(split: Split, dataset: DataSet, where: str, *, defects: bool = True) -> None:
    """Make sure that no group of the data set is in two parts, and that each part can be learned from or judged by.

    Each part needs clean pictures, and defects too if `defects` says so.

    Raises:
        DataError: which group or which part, and `where` it was found.
    """
    part_of_group: dict[str, str] = {}
    kinds: dict[str, set[bool]] = defaultdict(set)
    for picture in dataset.pictures:
        part = split.part_of[picture.name]
        other = part if part == UNUSED else part_of_group.setdefault(picture.group, part)
        if part != other:
            message = f"{where}: {picture.name} is in part {part}, and others of its group {picture.group} in {other}"
            raise DataError(message)
        kinds[part].add(bool(picture.classes))
    for part in PARTS:
        if not kinds[part] >= ({False, True} if defects else {False}):
            missing = "pictures" if not kinds[part] else "clean pictures" if True in kinds[part] else "defect pictures"
            message = f"{where}: part {part} of {dataset.folder} has no {missing}; each part needs "
            message += "both kinds" if defects else "clean ones"
            if not any(True in kind for kind in kinds.values()):
                message += ". From clean pictures alone learns the recipe clean: steel-defect train clean"
            if not any(False in kind for kind in kinds.values()):
                words, names = ", ".join(CLEAN_WORDS), ", ".join(dataset.class_names)
                message += f". Clean are those called {words}; all pictures here are called {names}"
            raise DataError(message)


def _assign(pictures: Sequence[LabelledPicture], fractions: Sequence[float], seed: int) -> NDArray[np.int64]:
    """The part of each picture, int64 (N,).

    Groups come largest first, in seeded order among equals. Each goes where it brings the numbers of all combinations
    of classes, and of clean and defect pictures, closest to what they should be.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for index, picture in enumerate(pictures):
        groups[picture.group].append(index)
    strata = {stratum: column for column, stratum in enumerate(sorted({_stratum(item) for item in pictures}))}
    counted = np.zeros((len(pictures), len(strata) + 2))
    for index, picture in enumerate(pictures):
        counted[index, [strata[_stratum(picture)], -1 - bool(picture.classes)]] = 1
    totals = np.maximum(counted.sum(axis=0), 1)
    # At the end, when only roundings are left to decide, the numbers of clean and of defect pictures come first.
    weights = np.where(np.arange(len(totals)) < len(strata), 1, 10) / totals
    targets = np.outer(fractions, totals)
    filled = np.zeros_like(targets)
    assigned = np.empty(len(pictures), np.int64)
    order = list(groups.values())
    np.random.default_rng(seed).shuffle(order)
    for members in sorted(order, key=len, reverse=True):
        counts = counted[members].sum(axis=0)
        # By how much the squared distance to the targets grows, rare combinations weighing as much as common ones.
        cost = (counts * (2 * (filled - targets) + counts) * weights).sum(axis=1)
        part = int(np.argmin(cost))
        filled[part] += counts
        assigned[members] = part
    return assigned


def _stratum(picture: LabelledPicture) -> tuple[int, ...]:
    return tuple(sorted(picture.classes))
