"""Tells a mask of one class with soft edges from one that has several gray levels, each with a meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Where lossy files leave traces: this near to black or to the brightest, as a share of the brightest.
_TRACES: Final = 1 / 8
# Pixels of an area that never gets bright; what is smaller may be dirt.
_LEAST_AREA: Final = 16
_NEIGHBOURS: Final = np.ones((3, 3), np.int8)


def levels_between(values: NDArray[np.int32]) -> tuple[int, ...]:
    """Levels between black and bright that are more than an edge, ascending; empty for a mask of one class.

    An edge changes from pixel to pixel. So a square of 3 x 3 pixels of one level is an area of its own, and so is
    what touches nothing bright.

    Args:
        values: int32 (height, width), from 0.
    """
    brightest = int(values.max())
    seen = values > brightest * _TRACES
    # A square of one level, by its middle: equal to the right three times, and downwards in its first column.
    right = values[:, 1:] == values[:, :-1]
    rows = right[:, 1:] & right[:, :-1]
    down = values[1:, :-2] == values[:-1, :-2]
    flat = rows[2:] & rows[1:-1] & rows[:-2] & down[1:] & down[:-1]
    middle = values[1:-1, 1:-1][flat]
    found = set(middle[(middle > brightest * _TRACES) & (middle < brightest * (1 - _TRACES))].tolist())
    areas, _ = ndimage.label(seen, _NEIGHBOURS)
    dim = np.bincount(areas.ravel()) >= _LEAST_AREA
    dim[0] = False
    dim[areas[values > brightest / 2]] = False
    found |= {int(values[areas == area].max()) for area in np.flatnonzero(dim)}
    return tuple(sorted(found))
