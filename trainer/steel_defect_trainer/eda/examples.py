"""Example pictures of each class, with the damage outlined."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageColor
from scipy import ndimage

from steel_defect_trainer.eda.figures import class_colour
from steel_defect_trainer.eda.survey import known_mask, read_pixels
from steel_defect_trainer.strips import spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steel_defect_trainer.data.dataset import DataSet, LabelledPicture
    from steel_defect_trainer.eda.survey import Surveyed

_OF_EACH: Final = 3
# Shares of the masks of a class that are smaller than those of its examples: a small, a usual and a large one.
_RANKS: Final = (0.1, 0.5, 0.9)
_WIDEST: Final = 1200


@dataclass(frozen=True)
class Example:
    """One picture to show.

    Attributes:
        jpeg: bytes of the picture.
        wide: whether it needs the whole width of the page.
        name: of the file.
        caption: its classes, with the areas that are known.
    """

    jpeg: bytes
    wide: bool
    name: str
    caption: str


def clean_examples(dataset: DataSet) -> list[Example]:
    """A few clean pictures from all over the set."""
    clean = [picture for picture in dataset.pictures if not picture.classes]
    return [_example(dataset, picture) for picture in _spread(clean)]


def class_examples(dataset: DataSet, surveyed: Sequence[Surveyed], number: int) -> list[Example]:
    """A few pictures of one class: with a small, a usual and a large mask if masks are known.

    Pictures that have this class alone are taken first, for a mixture shows neither.
    """
    having = [index for index, picture in enumerate(dataset.pictures) if number in picture.classes]
    alone = [index for index in having if len(dataset.pictures[index].classes) == 1]
    shown = alone if len(alone) >= _OF_EACH else having
    area = {
        index: defect.area
        for index in shown
        for defect in surveyed[index].defects
        if defect.number == number and defect.area is not None
    }
    ranked = sorted(area, key=lambda index: (area[index], index))
    if len(ranked) >= _OF_EACH:
        chosen = [dataset.pictures[ranked[int(rank * len(ranked))]] for rank in _RANKS]
    else:
        chosen = _spread([dataset.pictures[index] for index in shown])
    return [_example(dataset, picture) for picture in chosen]


def _spread(pictures: list[LabelledPicture]) -> list[LabelledPicture]:
    return [pictures[index] for index in spread(len(pictures), _OF_EACH)]


def _example(dataset: DataSet, picture: LabelledPicture) -> Example:
    """Around each mask a line is drawn, just outside, so that the damage itself is not changed."""
    pixels = read_pixels(dataset, picture).copy()
    height, width = pixels.shape[:2]
    thickness = 1 + max(height, width) // 600
    classes = []
    for number in sorted(picture.classes):
        mask = known_mask(picture, number, (height, width))
        classes.append(dataset.class_names[number])
        if mask is not None:
            classes[-1] += f", {mask.sum():,} pixels"
            pixels[ndimage.binary_dilation(mask, iterations=thickness) & ~mask] = ImageColor.getrgb(
                class_colour(number)
            )
    image = Image.fromarray(pixels)
    image.thumbnail((_WIDEST, _WIDEST), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return Example(buffer.getvalue(), width > 3 * height, picture.name, "; ".join(classes) or "clean")
