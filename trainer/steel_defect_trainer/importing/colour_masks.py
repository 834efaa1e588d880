"""Masks in the colours of a `labelmap.txt`, in `SegmentationClass/`, as CVAT exports them in Pascal VOC's layout."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect_trainer.data.label_map import FILE, find_label_map, read_label_map
from steel_defect_trainer.data.mask_seen import colour_names
from steel_defect_trainer.errors import DataError
from steel_defect_trainer.importing.areas import Colours, colours_in
from steel_defect_trainer.importing.described import Described, Mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

MASKS: Final = "SegmentationClass"


def read_colour_masks(folder: Path, boxes: Iterable[Described]) -> list[Described]:
    """The masks of a folder, joined with the boxes of the same pictures where it has them.

    A mask without damage does not say that the picture is clean: it is written for what nobody looked at too.

    Raises:
        DataError: there is no labelmap.txt, or a mask has a colour that is not in it.
    """
    described = {item.name.rpartition("/")[2].rpartition(".")[0]: item for item in boxes}
    for mask in sorted((folder / MASKS).rglob("*.png")):
        table = find_label_map(mask, folder)
        if table is None:
            message = f"{folder} has {MASKS}/ and no {FILE}, which says what its colours mean; put it beside"
            raise DataError(message)
        read = read_label_map(table)
        named = dict(zip(read.colours, read.names, strict=True))
        void = {colour for number, colour in enumerate(read.colours) if read.is_void(number)}
        ground = {colour for number, colour in enumerate(read.colours) if read.is_background(number)}
        in_mask = by_colour(mask, named, void=void, background=ground or {0}, table=table)
        before = described.get(mask.stem)
        if before is None:
            stem = mask.relative_to(folder / MASKS).with_suffix("").as_posix()
            before = Described(stem, str(mask))
        drawn = {mark.label for mark in in_mask.marks}
        others = tuple(mark for mark in before.marks if mark.label not in drawn)
        described[mask.stem] = replace(before, marks=(*in_mask.marks, *others), void=in_mask.void, says_clean=False)
    return list(described.values())


def by_colour(
    mask: Path, named: Mapping[int, str], *, void: set[int], background: set[int], table: Path | str
) -> Described:
    """The labels of which a mask has pixels.

    Args:
        mask: the file.
        named: colour (0xRRGGBB) to label, with those of the next two.
        void: colours of which nothing is known.
        background: colours without damage.
        table: that explains the colours, for errors.

    Raises:
        DataError: the mask cannot be read or has other colours.
    """
    found = set(np.unique(colours_in(mask)).tolist())
    other = found - named.keys() - void - background
    if other:
        message = f"the mask {mask} has {colour_names(tuple(other))}, which {table} does not explain"
        raise DataError(message)
    labels = dict.fromkeys(named[colour] for colour in named if colour in found - void - background)
    marks = tuple(
        Mark(label, Colours(mask, tuple(colour for colour, name in named.items() if name == label))) for label in labels
    )
    unknown = Colours(mask, tuple(void)) if found & void else None
    return Described(mask.stem, str(mask), None, marks, void=unknown)
