"""The tables of the analysis."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from steel_defect_trainer.data.dataset import DataSet
    from steel_defect_trainer.eda.survey import Defect, Surveyed

PERCENTAGE: Final = "percentage"
# Rows of a table that could have very many.
_MOST: Final = 10
Key = TypeVar("Key")


@dataclass(frozen=True)
class Table:
    """Columns with names, and rows of text, whole numbers or floats."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.rows)

    def column(self, name: str) -> list[Any]:
        """The values of one column."""
        index = self.columns.index(name)
        return [row[index] for row in self.rows]


def label_balance(dataset: DataSet) -> Table:
    """Pictures with and without a defect."""
    defect = sum(bool(picture.classes) for picture in dataset.pictures)
    return _shares("category", {"defect": defect, "clean": len(dataset) - defect}, "pictures")


def picture_sizes(surveyed: Sequence[Surveyed]) -> Table:
    """How many pictures have which size: the most frequent ones, and all others together."""
    counts = Counter(f"{item.size[1]} x {item.size[0]}" for item in surveyed if item.size)
    shown = dict(counts.most_common(_MOST))
    others = len(counts) - len(shown)
    if others:
        shown[f"{others:,} other sizes"] = counts.total() - sum(shown.values())
    return _shares("width x height", shown, "pictures")


def class_distribution(dataset: DataSet) -> Table:
    """How many pictures have each class, most first. A picture counts for each of its classes."""
    counts = Counter(number for picture in dataset.pictures for number in picture.classes)
    return _shares("class", {dataset.class_names[number]: count for number, count in _most_first(counts)}, "pictures")


def types_per_picture(dataset: DataSet) -> Table:
    """How many of the defect pictures have one type of defect, how many two, and so on."""
    counts = Counter(len(picture.classes) for picture in dataset.pictures if picture.classes)
    return _shares("types", dict(sorted(counts.items())), "pictures")


def classes_of_mixed_pictures(dataset: DataSet) -> Table:
    """How often each class is on pictures that have more than one."""
    counts = Counter(number for picture in dataset.pictures if len(picture.classes) > 1 for number in picture.classes)
    return _shares("class", {dataset.class_names[number]: counts[number] for number in sorted(counts)}, "pictures")


def pairs(dataset: DataSet) -> Table:
    """Which two classes are together on pictures that have just two, most frequent first."""
    counts = Counter(
        pair
        for picture in dataset.pictures
        if len(picture.classes) == 2  # noqa: PLR2004 - pairs
        for pair in combinations(sorted(picture.classes), 2)
    )
    names = dataset.class_names
    return _shares("pair", {f"{names[a]}, {names[b]}": count for (a, b), count in _most_first(counts)}, "pictures")


def most_mixed(dataset: DataSet) -> Table:
    """The pictures with three types of defects or more, the first few by name."""
    mixed = [picture for picture in dataset.pictures if len(picture.classes) > 2]  # noqa: PLR2004 - more than a pair
    names = dataset.class_names
    rows = [(item.name, ", ".join(names[number] for number in sorted(item.classes))) for item in mixed[:_MOST]]
    return Table(("picture", "classes"), tuple(rows))


def areas(surveyed: Sequence[Surveyed], class_names: Sequence[str]) -> Table:
    """Pixels of the masks of each class: number, mean, standard deviation (of a sample), least, quartiles, most."""
    rows: list[tuple[object, ...]] = []
    for number, defects in _known(surveyed):
        area = np.array([defect.area for defect in defects], np.float64)
        spread: object = float(area.std(ddof=1)) if len(area) > 1 else "none"
        quartiles = [float(value) for value in np.percentile(area, (25, 50, 75))]
        rows.append(
            (class_names[number], len(area), float(area.mean()), spread, int(area.min()), *quartiles, int(area.max()))
        )
    return Table(("class", "count", "mean", "std", "min", "25%", "50%", "75%", "max"), tuple(rows))


def region_counts(surveyed: Sequence[Surveyed], class_names: Sequence[str]) -> Table:
    """How many connected regions the masks of each class have."""
    rows: list[tuple[object, ...]] = []
    for number, defects in _known(surveyed):
        counts = [len(defect.boxes) for defect in defects]
        rows.append((class_names[number], len(counts), sum(counts), sum(counts) / len(counts), max(counts)))
    return Table(("class", "masks", "regions", "mean of a mask", "most in a mask"), tuple(rows))


def _known(surveyed: Sequence[Surveyed]) -> Iterator[tuple[int, list[Defect]]]:
    """The defects whose masks are known, by class."""
    found: dict[int, list[Defect]] = {}
    for one in surveyed:
        for defect in one.defects:
            if defect.area is not None:
                found.setdefault(defect.number, []).append(defect)
    yield from sorted(found.items())


def _most_first(counts: Counter[Key]) -> list[tuple[Key, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))


def _shares(what: str, counts: Mapping[Key, int], of: str) -> Table:
    total = max(1, sum(counts.values()))
    rows = [(key, count, 100 * count / total) for key, count in counts.items()]
    return Table((what, of, PERCENTAGE), tuple(rows))
