"""What a file of labels says of one picture, whichever tool wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


class Area(Protocol):
    """Pixels, drawn only when they are asked for: the masks of a large set do not fit in memory."""

    def mask(self, size: tuple[int, int]) -> NDArray[np.bool_]:
        """The pixels in a picture of this height and width, bool (height, width).

        Raises:
            DataError: it is of a picture of another size, or cannot be read.
        """
        ...


@dataclass(frozen=True)
class Box:
    """A box around damage, in pixels; most of it may be sound. `right` and `bottom` are where it ends."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class MaskPicture:
    """A mask in a file of its own, of which nothing states how it is meant: the reader of the table settles it."""

    path: Path


@dataclass(frozen=True)
class Mark:
    """One label of a picture.

    Attributes:
        label: as it is written.
        place: None if it is of the picture as a whole, or of a shape without an area.
        partial: whether the label has a shape without an area, so that its other places are not all.
    """

    label: str
    place: Area | Box | MaskPicture | None = None
    partial: bool = False


@dataclass(frozen=True)
class Described:
    """One picture.

    Attributes:
        name: the file, as the labels name it.
        where: file and row or number of these labels, for errors.
        size: height and width that the labels are meant for; None if they do not say.
        marks: all labels.
        says_clean: whether the labels state that there is no defect, and do not merely say nothing.
        void: pixels of which nothing is known.
        beside: folder of the labels, if a bare name is that of the picture nearest to it.
    """

    name: str
    where: str
    size: tuple[int, int] | None = None
    marks: tuple[Mark, ...] = ()
    says_clean: bool = False
    void: Area | None = None
    beside: Path | None = None
