"""The maps of tiles, laid together as one map of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steel_defect.contract import InputSpec
    from steel_defect.pictures.framing import Framing


class JoinedMap:
    """Takes the map of each tile as it comes, so that those of a large picture are never in memory all at once.

    Where tiles overlap, the highest counts; where no tile was scored, nothing is seen.
    """

    def __init__(self, plan: Framing, spec: InputSpec) -> None:
        """Take where tiles lie, and the size of each."""
        self._plan = plan
        self._spec = spec
        self._whole: NDArray[np.float32] | None = None
        self._cell = 0.0, 0.0

    def add(self, tile: int, one: NDArray[np.float32]) -> None:
        """Lay the map of a tile, float32 of shape (classes, rows, columns), where its number in the plan says."""
        classes, rows, columns = one.shape
        height, width = self._cell = self._spec.height / rows, self._spec.width / columns
        starts = self._plan.tiles
        if len(starts) == 1:
            self._whole = one
            return
        if self._whole is None:
            below, right = (max(start[axis] for start in starts) for axis in (0, 1))
            size = classes, rows + round(below / height), columns + round(right / width)
            self._whole = np.zeros(size, np.float32)
        top, left = round(starts[tile][0] / height), round(starts[tile][1] / width)
        part = self._whole[:, top : top + rows, left : left + columns]
        np.maximum(part, one, out=part)

    @property
    def cell(self) -> tuple[float, float]:
        """Height and width of a cell, in pixels of the model's input."""
        return self._cell

    def on_page(self) -> NDArray[np.float32] | None:
        """The whole, in the direction of the picture as it was sent; None if no tile had a map.

        Returns:
            float32 (classes, rows, columns): the cells that cover the page, the last row and column included if they
            cover it in part. If the page was turned, the last row is the first column.
        """
        if self._whole is None:
            return None
        height, width = self._cell
        cut = self._whole[:, : -int(-self._plan.rows // height), : -int(-self._plan.columns // width)]
        return np.rot90(cut, -1, axes=(1, 2)) if self._plan.turned else cut
