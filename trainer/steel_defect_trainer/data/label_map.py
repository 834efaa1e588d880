"""`labelmap.txt`, the table of classes and colours that CVAT writes beside its masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from steel_defect_trainer.data.mask_pixels import BLACK, TRANSPARENT
from steel_defect_trainer.data.mask_seen import VOIDS, Chosen, Seen, colour_names, level_names
from steel_defect_trainer.errors import DataError, MaskError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FILE: Final = "labelmap.txt"
_BACKGROUND: Final = frozenset({"background", "clean", "good", "ok", "normal"})
_VOID: Final = frozenset({"void", "ignored", "ignore", "unlabeled", "unlabelled"})
_CHANNELS: Final = 3
_BRIGHTEST: Final = 255


@dataclass(frozen=True)
class LabelMap:
    """Classes in the order of the file, the first of which an index mask has as 0.

    Attributes:
        path: of the file.
        names: as they are written.
        colours: of each, 0xRRGGBB.
    """

    path: Path
    names: tuple[str, ...]
    colours: tuple[int, ...]

    def index(self, label: str) -> int | None:
        """Number of the entry of this name; capitals do not matter."""
        folded = [name.casefold() for name in self.names]
        return folded.index(label.casefold()) if label.casefold() in folded else None

    def is_background(self, index: int) -> bool:
        """Whether an entry says that there is no damage."""
        return self.names[index].casefold() in _BACKGROUND

    def is_void(self, index: int) -> bool:
        """Whether an entry says that nothing is known there."""
        return self.names[index].casefold() in _VOID


def find_label_map(mask: Path, root: Path) -> Path | None:
    """The table beside a mask, or in a folder above it up to `root`; if it is not below that, in the next one above."""
    above = mask.parents if root in mask.parents else mask.parents[:2]
    for folder in above:
        if (folder / FILE).is_file():
            return folder / FILE
        if folder == root:
            break
    return None


def read_label_map(path: Path) -> LabelMap:
    """Read lines `name:red,green,blue:parts:actions`; those that begin with "#" are comments.

    Raises:
        DataError: it cannot be read, a line is not of that form, or two entries have one name or one colour.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read: {error}"
        raise DataError(message) from error
    entries: dict[str, int] = {}
    for row, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.partition(":")
        channels = [word.strip() for word in rest.partition(":")[0].split(",")]
        numbers = [int(word) for word in channels if word.isdecimal()]
        if len(numbers) != _CHANNELS or len(channels) != _CHANNELS or max(numbers) > _BRIGHTEST or not name.strip():
            message = f"{path}, row {row}: expected 'name:red,green,blue::' with colours from 0 to 255, found {line!r}"
            raise DataError(message)
        colour = numbers[0] << 16 | numbers[1] << 8 | numbers[2]
        same = [other for other in entries if other.casefold() == name.strip().casefold() or entries[other] == colour]
        if same:
            message = f"{path}, row {row}: {name.strip()} has the name or the colour of {same[0]}; give each its own"
            raise DataError(message)
        entries[name.strip()] = colour
    return LabelMap(path, tuple(entries), tuple(entries.values()))


def by_label_map(seen: Seen, labels: Sequence[str], table: LabelMap) -> dict[str, Chosen] | None:
    """By the tool's table: colours are its colours, levels the places of its entries. None for a mask of one class.

    Raises:
        MaskError: a class of the picture is not in the table, or the mask shows something that is not in the table or
            that the picture's labels do not say.
    """
    if not seen.colours and len(labels) == 1 and len(seen.indexes) <= 1:
        return None
    if not seen.colours and not seen.indexes:
        return None
    entry = {label: table.index(label) for label in labels}
    missing = [label for label, index in entry.items() if index is None]
    if missing:
        message = f"cannot be read by {table.path.name}, which has no class {missing[0]}; give both the same names"
        raise MaskError(message)
    values = tuple(table.colours) if seen.colours else tuple(range(len(table.names)))
    found = set(seen.colours or seen.levels)
    if not seen.colours:
        found -= VOIDS - set(values)
    has_background = any(table.is_background(index) for index in range(len(table.names)))
    unknown = found - set(values) - {TRANSPARENT} - (set() if has_background and seen.colours else {BLACK})
    if unknown:
        shown = colour_names(tuple(unknown)) if seen.colours else level_names(tuple(sorted(unknown)))
        message = (
            f"has {shown}, which {table.path.name} does not explain; add it there, as background if it is no damage"
        )
        raise MaskError(message)
    void = {value for index, value in enumerate(values) if table.is_void(index)}
    for index, value in enumerate(values):
        damage = not (table.is_background(index) or value in void or (value == 0 and not seen.colours))
        if value in found and damage and index not in entry.values():
            message = (
                f"shows {table.names[index]} by {table.path.name}, which is no label of this picture; "
                "add a row for it, or correct the mask"
            )
            raise MaskError(message)
    unknown_there = tuple(sorted(void | ((VOIDS - set(values)) if not seen.colours else set())))
    of = "colours" if seen.colours else "levels"
    return {label: Chosen(((values[i],) * 2,), unknown_there, of) for label, i in entry.items() if i is not None}
