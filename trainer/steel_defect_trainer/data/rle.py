"""Run-length masks as Severstal writes them: pairs of start and length, 1-based, down the columns first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from steel_defect_trainer.errors import MaskError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def encode(mask: NDArray[np.bool_]) -> str:
    """Write a boolean mask of shape (height, width) as "start length start length ..."; "" if nothing is set."""
    flat = np.concatenate([[False], mask.ravel(order="F"), [False]])
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts, ends = changes[::2], changes[1::2]
    return " ".join(str(number) for pair in zip(starts, ends - starts, strict=True) for number in pair)


def decode(text: str, height: int, width: int) -> NDArray[np.bool_]:
    """Read a run-length mask into booleans of shape (height, width).

    Raises:
        MaskError: see `runs`.
    """
    mask = np.zeros((height, width), np.bool_)
    part, left = decode_columns(text, height, width)
    mask[:, left : left + part.shape[1]] = part
    return mask


def decode_columns(text: str, height: int, width: int) -> tuple[NDArray[np.bool_], int]:
    """Read only the columns of a mask from the first that is set to the last: booleans (height, columns), first column.

    Most masks are on a small part of a long strip.

    Raises:
        MaskError: see `runs`.
    """
    starts, lengths = runs(text, height, width)
    if not starts.size:
        return np.zeros((height, 0), np.bool_), 0
    left = int(starts[0]) // height
    columns = int(starts[-1] + lengths[-1] - 1) // height + 1 - left
    starts = starts - left * height
    # Runs do not overlap, so no place is in `starts` twice, nor in the ends.
    steps = np.zeros(height * columns + 1, dtype=np.int8)
    steps[starts] = 1
    steps[starts + lengths] -= 1
    return np.cumsum(steps[:-1], dtype=np.int8).view(np.bool_).reshape((height, columns), order="F"), left


def runs(text: str, height: int, width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts (from 0, down the columns) and lengths of the runs of a mask, each int64 (runs,).

    Raises:
        MaskError: not whole numbers in pairs, a run without length, runs that are out of order or overlap, or a run
            that leaves the picture.
    """
    try:
        numbers = np.array(text.split(), dtype=np.int64)
    except (ValueError, OverflowError) as error:
        message = f"a run-length mask is whole numbers separated by spaces: {error}"
        raise MaskError(message) from error
    if numbers.size % 2:
        message = f"a run-length mask has pairs of start and length; this one has {numbers.size} numbers"
        raise MaskError(message)
    starts, lengths = numbers[::2] - 1, numbers[1::2]
    outside = (lengths < 1) | (starts < 0) | (starts > height * width - lengths)
    if outside.any():
        first = int(np.argmax(outside))
        message = (
            f"the run {starts[first] + 1} {lengths[first]} of the mask is empty or leaves the picture of "
            f"{width} x {height} pixels, which are numbered from 1 to {height * width}"
        )
        raise MaskError(message)
    if np.any(starts[1:] < (starts + lengths)[:-1]):
        message = "the runs of the mask overlap or are not in order"
        raise MaskError(message)
    return starts, lengths
