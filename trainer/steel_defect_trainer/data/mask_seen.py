"""What a mask's file shows, as the rules need it: levels and colours with their counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect_trainer.data.mask_pixels import BLACK, TRANSPARENT, WHITE, MaskPixels, brightness_of
from steel_defect_trainer.data.mask_shape import levels_between
from steel_defect_trainer.errors import MaskError

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The highest level that is taken for the number of a class in a file without a palette.
HIGHEST_INDEX: Final = 32
# What index masks have where nothing is known, in 8 and in 16 bits.
VOIDS: Final = frozenset({0xFF, 0xFFFF})
_FEW: Final = 8
# How far a colour may be from the brightest one's hue, as a share, to be its soft edge.
_SAME_HUE: Final = 0.25


@dataclass(frozen=True)
class Chosen:
    """The pixels of one class.

    Attributes:
        ranges: lowest and highest value of each range that is damaged.
        void: values where nothing is known.
        of: "levels", "colours" or "brightness", the values that are meant.
    """

    ranges: tuple[tuple[int, int], ...]
    void: tuple[int, ...] = ()
    of: str = "levels"

    def select(self, pixels: MaskPixels) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Where the class is, and where nothing is known: bool (height, width) each."""
        values = pixels.levels if self.of == "levels" else pixels.colours
        if values is None:
            message = "is in colour or gray as it was not before; it was changed while it was read"
            raise MaskError(message)
        values = brightness_of(values) if self.of == "brightness" else values
        damaged = np.zeros(values.shape, np.bool_)
        for lowest, highest in self.ranges:
            damaged |= (values >= lowest) & (values <= highest)
        return damaged, np.isin(values, self.void)


@dataclass(frozen=True)
class Seen:
    """One mask.

    Attributes:
        size: height and width.
        levels: level to its number of pixels; empty if the mask has colours alone.
        colours: colour to its number of pixels; empty if the mask is gray.
        indexed: whether the levels are those of a palette in colour.
        lossy: as in `MaskPixels`.
        between: levels that belong neither to black nor to the brightest nor to an edge; none are looked for where
            levels are numbers.
    """

    size: tuple[int, int]
    levels: dict[int, int]
    colours: dict[int, int]
    indexed: bool
    lossy: bool
    between: tuple[int, ...]

    @property
    def void(self) -> tuple[int, ...]:
        """Levels where nothing is known, if this is an index mask."""
        return tuple(sorted(VOIDS & self.levels.keys()))

    @property
    def indexes(self) -> tuple[int, ...]:
        """Numbers of classes in an index mask; empty if this is none."""
        found = sorted(self.levels.keys() - VOIDS - {0})
        is_index = found and not self.lossy and (self.indexed or found[-1] <= HIGHEST_INDEX)
        return tuple(found) if is_index else ()

    @property
    def background(self) -> int:
        """The colour that is no class: transparent, else black, else white.

        Raises:
            MaskError: it has none of them.
        """
        for colour in (TRANSPARENT, BLACK, WHITE):
            if colour in self.colours:
                return colour
        message = f"has neither black nor white for what is sound, but {colour_names(self.colours)}"
        raise MaskError(message)

    def foreground(self) -> tuple[int, ...]:
        """Colours other than the background, the most frequent first.

        Raises:
            MaskError: as for `background`.
        """
        others = self.colours.keys() - {self.background}
        return tuple(sorted(others, key=lambda colour: -self.colours[colour]))

    def one_hue(self) -> bool:
        """Whether all bright colours are shades of one, as in a drawing in one colour with soft edges."""
        colours = np.array([colour for colour in self.colours if colour > 0], np.int32)
        brightness = brightness_of(colours)
        bright = brightness > brightness.max() / 2
        channels = np.stack([colours >> 16, colours >> 8 & 0xFF, colours & 0xFF], axis=1)[bright]
        hues = channels / brightness[bright, None]
        return bool((np.ptp(hues, axis=0) <= _SAME_HUE).all())


def look_at(pixels: MaskPixels) -> Seen:
    """Count what is in a mask."""
    levels = {} if pixels.levels is None else _counts(pixels.levels)
    colours = {} if pixels.colours is None else _counts(pixels.colours)
    seen = Seen(pixels.size, levels, colours, pixels.indexed, pixels.lossy, ())
    if pixels.levels is None or seen.indexes or len(levels.keys() - {0}) == 1:
        return seen
    return Seen(seen.size, levels, colours, seen.indexed, seen.lossy, levels_between(pixels.levels))


def _counts(values: NDArray[np.int32]) -> dict[int, int]:
    found, counts = np.unique(values, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def colour_names(colours: dict[int, int] | tuple[int, ...]) -> str:
    """The first few colours of many, in words."""
    known = [f"#{colour:06X}" for colour in colours if colour >= 0]
    return ", ".join(known[:_FEW]) + (f" and {len(known) - _FEW} more" if len(known) > _FEW else "")


def level_names(levels: tuple[int, ...]) -> str:
    """The first few levels of many, in words."""
    return ", ".join(map(str, levels[:_FEW])) + (f" and {len(levels) - _FEW} more" if len(levels) > _FEW else "")
