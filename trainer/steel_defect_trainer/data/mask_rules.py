"""Which pixels of a mask are which class: by what the table states, by the tool's table of colours, or by a rule."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from steel_defect_trainer.data.mask_pixels import BLACK, TRANSPARENT, WHITE
from steel_defect_trainer.data.mask_seen import HIGHEST_INDEX, VOIDS, Chosen, Seen, colour_names, level_names
from steel_defect_trainer.errors import MaskError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COLUMN: Final = "mask_value"
# A mask with more levels than this has soft edges; each level then belongs to the nearest that is stated. So does one
# that is as near to a stated level as lossy files put it: within a share of the highest, if that is no class's number.
_MOST_LEVELS: Final = 32
_TRACES: Final = 1 / 16


@dataclass(frozen=True)
class Value:
    """What a table states of one class: a level, or a colour 0xRRGGBB."""

    number: int
    is_colour: bool


def parse_value(text: str) -> Value | None:
    """A level such as 2 or a colour such as #FF0000; None if nothing is stated.

    Raises:
        MaskError: it is neither.
    """
    word = text.strip()
    if not word:
        return None
    if word.isdecimal():
        return Value(int(word), is_colour=False)
    digits = word.removeprefix("#")
    if len(digits) == len("RRGGBB") != len(word) and all(digit in "0123456789abcdefABCDEF" for digit in digits):
        return Value(int(digits, 16), is_colour=True)
    message = f"{COLUMN} {word!r} is neither a level such as 2 nor a colour such as #FF0000"
    raise MaskError(message)


def by_value(seen: Seen, stated: Mapping[str, Value]) -> dict[str, Chosen]:
    """By what the table states of each class of the picture.

    Raises:
        MaskError: the mask has other levels or colours too, or the table states both kinds.
    """
    kinds = {value.is_colour for value in stated.values()}
    if len(kinds) > 1:
        message = f"has a level for one class and a colour for another in {COLUMN}; state colours for all"
        raise MaskError(message)
    named = {value.number for value in stated.values()}
    if kinds == {True}:
        return _by_colour_value(seen, stated, named)
    if not seen.levels:
        message = f"is in colour ({colour_names(seen.foreground())}); write colours such as #FF0000 into {COLUMN}"
        raise MaskError(message)
    sound = 0 if 0 not in named else max(seen.levels)
    known = sorted(named | {sound})
    void = tuple(level for level in seen.void if level not in known)
    others = tuple(sorted(seen.levels.keys() - set(known) - set(void)))
    near = known[-1] * _TRACES if known[-1] > HIGHEST_INDEX else 0
    traces = all(min(abs(level - one) for one in known) <= near for level in others)
    if others and (traces or len(seen.levels) > _MOST_LEVELS):
        ranges = _nearest(known, max(seen.levels))
        return {label: Chosen((ranges[value.number],)) for label, value in stated.items()}
    if others:
        message = (
            f"has level {level_names(others)} too, which {COLUMN} gives to no class of this picture; add a row for it, "
            "or make it 0 if it is no damage"
        )
        raise MaskError(message)
    return {label: Chosen(((value.number, value.number),), void) for label, value in stated.items()}


def _nearest(known: list[int], highest: int) -> dict[int, tuple[int, int]]:
    """Each level with the range of those that are nearer to it than to another."""
    edges = [(one + other) // 2 for one, other in pairwise(known)]
    lowest, last = [0, *(edge + 1 for edge in edges)], [*edges, max(highest, known[-1])]
    return dict(zip(known, zip(lowest, last, strict=True), strict=True))


def _by_colour_value(seen: Seen, stated: Mapping[str, Value], named: set[int]) -> dict[str, Chosen]:
    colours = seen.colours or {level * 0x010101: count for level, count in seen.levels.items()}
    sound = next((colour for colour in (TRANSPARENT, BLACK, WHITE) if colour in colours and colour not in named), None)
    others = tuple(colour for colour in colours if colour not in named and colour != sound)
    if others:
        message = (
            f"has the colour {colour_names(others)} too, which {COLUMN} gives to no class of this picture; add a row "
            "for it, or make it black if it is no damage"
        )
        raise MaskError(message)
    if seen.colours:
        return {label: Chosen(((value.number,) * 2,), of="colours") for label, value in stated.items()}
    return {label: Chosen(((value.number & 0xFF,) * 2,)) for label, value in stated.items()}


def by_rule(seen: Seen, labels: Sequence[str], order: Mapping[str, int]) -> dict[str, Chosen]:
    """Without any table: a mask of one class, or the numbers of the classes in their order.

    Args:
        seen: the mask.
        labels: of the picture that point at it.
        order: of all classes, from 1.

    Raises:
        MaskError: it is not clear what the mask says, or it contradicts the labels.
    """
    if len(labels) > 1:
        return _by_order(seen, labels, order)
    label = labels[0]
    if seen.colours and not seen.levels:
        return {label: _one_colour(seen)}
    bright = seen.levels.keys() - {0}
    if not bright:
        message = "is black; leave it out if the place is not known"
        raise MaskError(message)
    if len(bright) == 1 and not (seen.indexed and bright <= VOIDS):
        level = next(iter(bright))
        return {label: Chosen(((level, level),))}
    if len(seen.indexes) == 1:
        level = seen.indexes[0]
        if not seen.indexed and sum(seen.levels[void] for void in seen.void) > seen.levels[level]:
            message = (
                f"has level {level} and more of {level_names(seen.void)}, which beside a number of a class is void; "
                f"write {level} into a column {COLUMN} if it is, or the other if that is {label}"
            )
            raise MaskError(message)
        return {label: Chosen(((level, level),), seen.void)}
    several = seen.indexes or seen.between
    if several or (seen.indexed and not seen.indexes):
        message = (
            f"has the levels {level_names(tuple(sorted(bright)))}, and its picture only the label {label}; "
            f"add rows for the other classes, or write the level of {label} into a column {COLUMN}"
        )
        raise MaskError(message)
    brightest = max(bright)
    return {label: Chosen(((brightest // 2 + 1, brightest),))}


def _by_order(seen: Seen, labels: Sequence[str], order: Mapping[str, int]) -> dict[str, Chosen]:
    named = " and ".join(labels)
    if seen.colours and not seen.levels:
        message = (
            f"is for {named}, and it is not stated which is which of {colour_names(seen.foreground())}; put the "
            f"labelmap.txt of CVAT beside it, or write each colour into a column {COLUMN}, such as #FF0000"
        )
        raise MaskError(message)
    if not seen.indexes:
        why = "is lossy, so its levels are no numbers of classes" if seen.lossy else "has no levels 1, 2, ... for them"
        message = f"is for {named}, and {why}; write one mask for each class, or their levels into a column {COLUMN}"
        raise MaskError(message)
    wanted = {order[label]: label for label in labels}
    classes = ", ".join(f"{number} = {label}" for label, number in sorted(order.items(), key=lambda item: item[1]))
    if set(seen.indexes) != set(wanted):
        message = (
            f"has the levels {level_names(seen.indexes)}, and its picture the labels {named}; by the order of the "
            f"table {classes}. Write the level of each class into a column {COLUMN}, or correct labels or mask"
        )
        raise MaskError(message)
    return {label: Chosen(((number, number),), seen.void) for number, label in wanted.items()}


def _one_colour(seen: Seen) -> Chosen:
    colours = seen.foreground()
    if len(colours) == 1:
        return Chosen(((colours[0], colours[0]),), of="colours")
    if seen.background != WHITE and seen.one_hue():
        brightest = max(max(colour >> 16, colour >> 8 & 0xFF, colour & 0xFF) for colour in colours)
        return Chosen(((brightest // 2 + 1, brightest),), of="brightness")
    message = (
        f"has the colours {colour_names(colours)}, and its picture one label; put the labelmap.txt of CVAT beside it, "
        f"or write the colour of the class into a column {COLUMN}, such as {colour_names(colours[:1])}"
    )
    raise MaskError(message)
