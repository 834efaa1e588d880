"""`score --overlay`: pictures with the outlines of their defects, and what these are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from steel_defect.cli.mask_files import masks_of
from steel_defect.pictures import open_picture
from steel_defect.run_lengths import decode, pixels_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from steel_defect.cli.report import Row

# Told apart by people who see colours in any way, and on gray: the palette of Okabe and Ito.
_COLORS: Final = ((230, 159, 0), (86, 180, 233), (240, 228, 66), (0, 158, 115), (213, 94, 0), (204, 121, 167))
_DARK: Final = (0, 0, 0)
# A line is this part of the picture's shorter side, a letter that one.
_LINE: Final = 1 / 128
_LETTER: Final = 1 / 16
_LEAST_LETTER: Final = 11
_LARGEST_LETTER: Final = 40


class Overlays:
    """A PNG for each picture that was scored, below a folder, where the picture is below the folder of all."""

    def __init__(self, folder: Path, files: Sequence[Path], class_names: Sequence[str]) -> None:
        """Take where to write.

        Raises:
            click.UsageError: a picture would be overwritten.
        """
        below = Path(os.path.commonpath([path.absolute().parent for path in files]))
        self._targets = {str(path): folder / f"{path.absolute().relative_to(below)}.png" for path in files}
        pictures = {path.resolve() for path in files}
        for target in self._targets.values():
            if target.resolve() in pictures:
                message = f"--overlay {folder} would overwrite the picture {target}"
                raise click.UsageError(message)
        self._colors = {name: _COLORS[index % len(_COLORS)] for index, name in enumerate(class_names)}

    def add(self, row: Row) -> None:
        """Draw one picture."""
        if row.answer is None:
            return
        target = self._targets[row.path]
        target.parent.mkdir(parents=True, exist_ok=True)
        _drawn(_gray(Path(row.path), row.answer), row.answer, self._colors).save(target)

    def close(self) -> None:
        """Nothing is kept."""


def _gray(path: Path, answer: Mapping[str, Any]) -> NDArray[np.uint8]:
    """The page that decided, with the bits that it was scored with; its limits were checked when it was scored."""
    data = path.read_bytes()
    view, image = answer["view"], answer["image"]
    most = 64 * image["width"] * image["height"] + 10**9
    deep = view["bit_depth"] if view["bit_depth_from"] == "stated" else None
    with open_picture(data, max_bytes=len(data), max_pixels=most, bit_depth=deep) as source:
        return source.read(view["page"] - 1)


def _drawn(
    gray: NDArray[np.uint8], answer: Mapping[str, Any], colors: Mapping[str, tuple[int, int, int]]
) -> Image.Image:
    pixels = np.repeat(gray[:, :, None], 3, axis=2)
    masks = masks_of(answer)
    width = max(1, round(min(gray.shape) * _LINE))
    for name, runs in zip(masks["classes"], masks["runs"], strict=True):
        if runs:
            damaged = pixels_in(decode(runs, masks["rows"], masks["columns"]), answer)
            pixels[_outline(damaged, width)] = colors[name]
    picture = Image.fromarray(pixels)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(min(_LARGEST_LETTER, max(_LEAST_LETTER, round(min(gray.shape) * _LETTER))))
    for defect in reversed(answer["defects"]):  # the largest last, over the others
        if defect["page"] == answer["view"]["page"]:
            _label(draw, defect, colors[defect["class"]], font)
    return picture


def _outline(damaged: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    """The outermost pixels of a mask, `width` of them."""
    inside = np.pad(damaged, 1)
    for _ in range(width):
        shrunk = inside.copy()
        for axis in (0, 1):
            shrunk &= np.roll(inside, 1, axis) & np.roll(inside, -1, axis)
        inside = shrunk
    return damaged & ~inside[1:-1, 1:-1]


def _label(
    draw: ImageDraw.ImageDraw,
    defect: Mapping[str, Any],
    color: tuple[int, int, int],
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
) -> None:
    """Class and probability above the box of a defect, or below where there is no room."""
    text, box = f"{defect['class']} {defect['prob']:.2f}", defect["box"]
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    wide, high = right - left + 4, bottom - top + 4
    x = max(0, min(box["x"], draw.im.size[0] - wide))
    y = box["y"] - high if box["y"] >= high else min(box["y"] + box["height"], draw.im.size[1] - high)
    draw.rectangle((x, y, x + wide, y + high), fill=_DARK)
    draw.text((x + 2 - left, y + 2 - top), text, fill=color, font=font)
