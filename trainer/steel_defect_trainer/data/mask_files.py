"""Masks in files of their own: each file is read once when the table is, and what it says of each class is settled."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect_trainer.data.faults import listed
from steel_defect_trainer.data.label_map import LabelMap, by_label_map, find_label_map, read_label_map
from steel_defect_trainer.data.mask_pixels import brightness_of, check_size, picture_size, read_mask
from steel_defect_trainer.data.mask_rules import COLUMN, by_rule, by_value, parse_value
from steel_defect_trainer.data.mask_seen import Chosen, Seen, look_at
from steel_defect_trainer.data.parallel import with_progress
from steel_defect_trainer.errors import DataError, MaskError
from steel_defect_trainer.strips import UNKNOWN, cells_of_mask, fields_of_mask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect.contract import InputSpec

# Damage that covers more of a picture is taken for a mask whose black and white are swapped.
_MOST_DAMAGE: Final = 0.5


@dataclass(frozen=True)
class MaskFile:
    """One class in a picture as large as the one it belongs to; `where` names file and row for errors."""

    path: Path
    where: str
    chosen: Chosen

    def mask(self, size: tuple[int, int]) -> NDArray[np.bool_]:
        """The damaged pixels of a picture of this height and width.

        Raises:
            DataError: there is no such file, or it has another size.
        """
        return self._select(size)[0]

    def cells(self, size: tuple[int, int], content: tuple[int, int], spec: InputSpec) -> NDArray[np.int8]:
        """See `MaskSource`: unknown is also what has no damage and touches pixels of which nothing is known."""
        damaged, void = self._select(size)
        cells = cells_of_mask(damaged, content, spec)
        if not void.any():
            return cells
        return np.where((cells == 0) & (cells_of_mask(void, content, spec) != 0), UNKNOWN, cells).astype(np.int8)

    def fields(self, size: tuple[int, int], content: tuple[int, int], spec: InputSpec) -> NDArray[np.int8]:
        """See `MaskSource`: unknown is each field that touches pixels of which nothing is known."""
        damaged, void = self._select(size)
        fields = fields_of_mask(damaged, content, spec)
        if void.any():
            fields[fields_of_mask(void, content, spec) != 0] = UNKNOWN  # a share of the rest would be too small
        return fields

    def key(self) -> str:
        """See `MaskSource`."""
        try:
            state = self.path.stat()
        except OSError as error:
            message = f"{self.where}: the mask {self.path} cannot be read: {error.strerror or error}"
            raise DataError(message) from error
        return f"{self.path.name}\0{state.st_size}\0{state.st_mtime_ns}\0{self.chosen}"

    def _select(self, size: tuple[int, int]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        try:
            pixels = read_mask(self.path)
            check_size(pixels.size, size)
            return self.chosen.select(pixels)
        except MaskError as error:
            message = f"{self.where}: the mask {self.path} {error}"
            raise DataError(message) from error


@dataclass(frozen=True)
class MaskRow:
    """A row of a table that names a mask: picture, class, file, and what the column `mask_value` has."""

    picture: Path
    label: str
    path: Path
    value: str
    where: str


@dataclass(frozen=True)
class _Settled:
    """What one file says: pixels of each class, whether only their order told which, and a level that one class had."""

    masks: dict[str, MaskFile]
    by_order: bool
    alone: tuple[str, int] | None


def settle_masks(rows: Sequence[MaskRow], order: Mapping[str, int], root: Path) -> dict[tuple[Path, str], MaskFile]:
    """Read all masks of a table, and settle for each picture and class which pixels are meant.

    By what `mask_value` states; else by a labelmap.txt beside the mask or above it; else by rule: a mask to which one
    class points is bright where damaged, and one to which several point has their numbers in `order`.

    Args:
        rows: of the table that name a mask.
        order: number of each class, from 1, in the order in which the table names them first.
        root: the folder of the data.

    Raises:
        DataError: masks cannot be read, contradict the labels or are not clear; names them all.
    """
    groups: dict[tuple[Path, Path], list[MaskRow]] = defaultdict(list)
    for row in rows:
        groups[row.picture, row.path].append(row)
    paths = {row.path.parent: find_label_map(row.path, root) for row in rows}
    read = {path: read_label_map(path) for path in set(paths.values()) if path is not None}
    tables = {folder: read[path] for folder, path in paths.items() if path is not None}

    def one(group: list[MaskRow]) -> _Settled | str:
        try:
            return _settle(group, order, tables.get(group[0].path.parent))
        except MaskError as error:
            return f"{group[0].where}: the mask {group[0].path} {error}"

    settled = list(with_progress("checking masks", list(groups.values()), one))
    faults = [item for item in settled if isinstance(item, str)]
    if faults:
        raise DataError(listed(faults, "masks"))
    files = {key: item for key, item in zip(groups, settled, strict=True) if not isinstance(item, str)}
    _check_order(list(files.values()), order)
    return {(picture, label): mask for (picture, _), item in files.items() for label, mask in item.masks.items()}


def _settle(group: list[MaskRow], order: Mapping[str, int], table: LabelMap | None) -> _Settled:
    pixels = read_mask(group[0].path)
    picture = picture_size(group[0].picture)
    if picture is not None:
        check_size(pixels.size, picture)
    seen = look_at(pixels)
    labels = [row.label for row in group]
    values = {row.label: parse_value(row.value) for row in group}
    stated = {label: value for label, value in values.items() if value is not None}
    if stated and len(stated) < len(values):
        message = f"is for {' and '.join(labels)}, and {COLUMN} is given for {' and '.join(stated)} alone; give all"
        raise MaskError(message)
    by_table = by_label_map(seen, labels, table) if table is not None and not stated else None
    chosen = by_value(seen, stated) if stated else by_table or by_rule(seen, labels, order)
    for label, its in chosen.items():
        _check_share(seen, label, its, stated=bool(stated))
    masks = {row.label: MaskFile(row.path, row.where, chosen[row.label]) for row in group}
    by_order = not stated and not by_table and len(labels) > 1
    alone = (labels[0], seen.indexes[0]) if not stated and len(labels) == len(seen.indexes) == 1 else None
    return _Settled(masks, by_order, alone)


def _check_share(seen: Seen, label: str, chosen: Chosen, *, stated: bool) -> None:
    counts = seen.levels if chosen.of == "levels" else seen.colours
    values = np.array(list(counts), np.int32)
    values = brightness_of(values) if chosen.of == "brightness" else values
    damaged = np.any([(values >= low) & (values <= high) for low, high in chosen.ranges], axis=0)
    share = np.array(list(counts.values()))[damaged].sum() / (seen.size[0] * seen.size[1])
    if not share:
        message = f"has no pixel of {label}; leave the mask of this row out if the place is not known"
        raise MaskError(message)
    if share > _MOST_DAMAGE and not stated:
        message = (
            f"covers {share:.0%} of its picture with {label}. If black is damaged in it, write 0 into a column "
            f"{COLUMN}; if so much is damaged, write the level or colour of the damage there"
        )
        raise MaskError(message)


def _check_order(settled: list[_Settled], order: Mapping[str, int]) -> None:
    """What masks of one class have as its number must be its place in the order, if others are read by that."""
    by_order = next((item for item in settled if item.by_order), None)
    for item in settled if by_order is not None else ():
        if item.alone is not None and item.alone[1] != order[item.alone[0]]:
            label, level = item.alone
            mask = item.masks[label]
            message = (
                f"{mask.where}: the mask {mask.path} has level {level} for {label}, which is number {order[label]} in "
                f"the order of the table; so it is not clear what the levels mean in masks of several classes: write "
                f"the level of each class into a column {COLUMN}"
            )
            raise DataError(message)
