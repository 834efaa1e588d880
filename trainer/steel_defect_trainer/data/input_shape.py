"""The shape of a network's input that suits the pictures, and how much of it they fill."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect_trainer.data.parallel import with_progress
from steel_defect_trainer.data.sizes import upright_size
from steel_defect_trainer.strips import CELL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from steel_defect.contract import InputSpec
    from steel_defect_trainer.data.dataset import DataSet

# A picture that fills less of the input is mostly black to the network, and small.
_LEAST_FILLED: Final = 0.5


@dataclass(frozen=True)
class Canvas:
    """How pictures lie in an input.

    Attributes:
        spec: of the input.
        filled: share of the input that half of the pictures exceed.
        pixels: share of its own pixels that the median picture keeps; more than 1 if it is enlarged.
        mostly_empty: how many pictures fill less than half.
        pictures: how many there are.
    """

    spec: InputSpec
    filled: float
    pixels: float
    mostly_empty: int
    pictures: int

    def __str__(self) -> str:
        """In one line, as it is printed and written into reports."""
        return (
            f"The input of {self.spec.width} x {self.spec.height} is filled to {self.filled:.0%} by the median "
            f"picture, which has {self.pixels:.1%} of its own pixels there."
        )

    @property
    def warning(self) -> str | None:
        """What is lost if pictures fill less than half of the input; None if all fill more."""
        if not self.mostly_empty:
            return None
        size = f"{self.spec.width} x {self.spec.height} pixels"
        return (
            f"{self.mostly_empty:,} of {self.pictures:,} pictures fill less than half of the input of {size}: the rest "
            "is black, and what they show is small. Their shape differs: set input.height and input.width, or train "
            "pictures of another shape by themselves"
        )


def picture_sizes(dataset: DataSet) -> list[tuple[int, int]]:
    """Height and width of each picture as it is seen upright.

    Raises:
        DataError: a picture cannot be read.
    """
    if dataset.size is not None:
        return [dataset.size] * len(dataset)
    paths = [dataset.folder / picture.name for picture in dataset.pictures]
    return list(with_progress("measuring", paths, upright_size))


def fitting_input(spec: InputSpec, sizes: Sequence[tuple[int, int]]) -> InputSpec:
    """The input with at most as many pixels in which a picture of the median aspect is largest.

    Sides are multiples of a cell. An input into which pictures are squashed stays as it is.
    """
    if spec.resize != "fit":
        return spec
    aspect = float(np.exp(np.median([np.log(width / height) for height, width in sizes])))
    budget = spec.height * spec.width
    shapes = [
        (height, width)
        for height in range(CELL, budget // CELL + 1, CELL)
        for width in (budget // height // CELL * CELL, -(-int(height * aspect) // CELL) * CELL)
        if width >= CELL and height * width <= budget
    ]

    def worth(shape: tuple[int, int]) -> tuple[int, int]:
        height, width = shape
        rows = min(height, width / aspect)
        return round(rows * rows * aspect), -height * width

    height, width = max(shapes, key=worth)
    return replace(spec, height=height, width=width)


def canvas(spec: InputSpec, sizes: Sequence[tuple[int, int]]) -> Canvas:
    """How pictures of these sizes lie in an input."""
    filled, pixels = _shares(spec, np.array(sizes, np.float64))
    return Canvas(
        spec, float(np.median(filled)), float(np.median(pixels)), int((filled < _LEAST_FILLED).sum()), len(sizes)
    )


def _shares(spec: InputSpec, sizes: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each picture: which share of the input it fills, and which share of its own pixels that is."""
    if spec.resize != "fit":
        content = np.full(len(sizes), float(spec.height * spec.width))
    else:
        scale = np.minimum(spec.height / sizes[:, 0], spec.width / sizes[:, 1])
        content = scale**2 * sizes.prod(axis=1)
    return content / (spec.height * spec.width), content / sizes.prod(axis=1)
