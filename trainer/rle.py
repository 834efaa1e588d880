"""Run-length masks as Severstal writes them: pairs of start and length, 1-based, down the columns first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class MaskError(ValueError):
    """The text is not a run-length mask of a picture of this size."""


def encode(mask: NDArray[np.bool_]) -> str:
    """Write a boolean mask of shape (height, width) as "start length start length ..."; "" where nothing is set."""
    flat = np.concatenate([[False], mask.ravel(order="F"), [False]])
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts, ends = changes[::2], changes[1::2]
    return " ".join(str(number) for pair in zip(starts, ends - starts, strict=True) for number in pair)


def decode(text: str, height: int, width: int) -> NDArray[np.bool_]:
    """Read a run-length mask into booleans of shape (height, width).

    Raises:
        MaskError: not whole numbers in pairs, a run without length, runs that are out of order or overlap, or a run
            that leaves the picture.
    """
    try:
        numbers = np.array([int(word) for word in text.split()], dtype=np.int64)
    except (ValueError, OverflowError) as error:
        message = f"a run-length mask is whole numbers separated by spaces: {error}"
        raise MaskError(message) from error
    if numbers.size % 2:
        message = f"a run-length mask has pairs of start and length; this one has {numbers.size} numbers"
        raise MaskError(message)
    starts, lengths = numbers[::2] - 1, numbers[1::2]
    ends = starts + lengths
    if numbers.size and (lengths.min() < 1 or starts[0] < 0 or ends.max() > height * width):
        message = f"a run of the mask is empty or leaves the picture of {height} x {width}"
        raise MaskError(message)
    if np.any(starts[1:] < ends[:-1]):
        message = "the runs of the mask overlap or are not in order"
        raise MaskError(message)
    steps = np.zeros(height * width + 1, dtype=np.int8)
    np.add.at(steps, starts, 1)
    np.add.at(steps, ends, -1)
    return np.cumsum(steps[:-1]).astype(bool).reshape((height, width), order="F")
