"""Which pixels of a page are damaged: what the model says of each cell, and where the cells lie on the page."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect.pictures.framing import training_scale
from steel_defect.regions import find_regions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steel_defect.contract import ModelContract
    from steel_defect.joined_map import JoinedMap
    from steel_defect.pictures.views import Box, View
    from steel_defect.regions import Regions

# So many runs of damaged cells a page has, in rows and in columns; a mask of more is made coarser. It bounds what
# regions take, and an answer: a run has at most 14 characters there. Real damage has some hundreds of them.
MOST_RUNS: Final = 100_000


@dataclass(frozen=True)
class Grid:
    """Where the cells of a map lie on a page, in its own upright pixels; what lies beyond `content` is padding.

    Attributes:
        x: left border of the first column; if the page was turned, it may lie before the content.
        y: upper border of the first row.
        cell_width: of every cell.
        cell_height: the same.
        content: the part of the page that was scored.
    """

    x: float
    y: float
    cell_width: float
    cell_height: float
    content: Box

    def borders(self, rows: int, columns: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Borders of the columns, and of the rows: one more than those, without padding."""
        box = self.content
        return (
            np.clip(self.x + self.cell_width * np.arange(columns + 1), box.x, box.x + box.width),
            np.clip(self.y + self.cell_height * np.arange(rows + 1), box.y, box.y + box.height),
        )


@dataclass(frozen=True)
class Mask:
    """What a model says of each cell of a page, and how it wants it read.

    Attributes:
        prob: of each class in each cell, float32 (classes, rows, columns), in the direction of the picture.
        grid: where the cells lie.
        threshold: of each class.
        least_area: of a defect of each class, in pixels of the page.
    """

    prob: NDArray[np.float32]
    grid: Grid
    threshold: tuple[float, ...]
    least_area: tuple[float, ...]

    def regions(self) -> tuple[Regions, NDArray[np.bool_]]:
        """The connected regions, and of each whether it is large enough to be a defect."""
        x, y = self.grid.borders(*self.prob.shape[1:])
        regions = find_regions(self.prob, self.threshold, x, y)
        return regions, regions.area >= np.asarray(self.least_area)[regions.class_index]

    def without_damage(self) -> Mask:
        """The same probabilities, none of which is enough."""
        return replace(self, threshold=(math.inf,) * len(self.threshold))

    def damaged(self) -> NDArray[np.bool_]:
        """Which cells are damaged, bool (classes, rows, columns), whether or not it is enough for a defect."""
        return self.prob >= np.asarray(self.threshold, np.float32)[:, None, None]

    def fitting(self) -> Mask:
        """The same, in cells that are large enough for at most `MOST_RUNS` runs of damaged ones."""
        damaged = self.damaged()
        if np.count_nonzero(damaged) <= MOST_RUNS:
            return self
        begins = (np.diff(damaged, axis=axis, prepend=False) & damaged for axis in (1, 2))
        return self if max(map(np.count_nonzero, begins)) <= MOST_RUNS else self.coarser().fitting()

    def coarser(self) -> Mask:
        """The same in cells of twice the size, of which each has the highest of four."""
        classes, rows, columns = self.prob.shape
        even = np.pad(self.prob, ((0, 0), (0, rows % 2), (0, columns % 2)))
        prob = even.reshape(classes, (rows + 1) // 2, 2, (columns + 1) // 2, 2).max(axis=(2, 4))
        grid = replace(self.grid, cell_width=2 * self.grid.cell_width, cell_height=2 * self.grid.cell_height)
        return replace(self, prob=prob, grid=grid)


def mask_of(joined: JoinedMap, view: View, contract: ModelContract) -> Mask | None:
    """The mask of a page; None if the model gives none."""
    prob = joined.on_page()
    if prob is None:
        return None
    plan, content, (height, width) = view.framing, view.content, joined.cell
    across, along = (content.width, content.height) if plan.turned else (content.height, content.width)
    # In pixels of the page, still as the tiles lie.
    cell_height, cell_width = height * across / plan.rows, width * along / plan.columns
    grid = Grid(content.x, content.y, cell_width, cell_height, content)
    if plan.turned:
        left = content.x + content.width - prob.shape[2] * cell_height
        grid = Grid(left, content.y, cell_height, cell_width, content)
    # A least area is of steel, not of pixels: a picture that shows the steel smaller has fewer of them.
    ratio = 1.0
    if contract.frame is not None:
        ratio = cell_height * cell_width * training_scale(contract.input, contract.frame) ** 2 / (height * width)
    terms = contract.mask_terms
    return Mask(prob, grid, terms.threshold, tuple(area * ratio for area in terms.least_area)).fitting()
