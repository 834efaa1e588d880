"""Masks as text: run lengths of damaged cells, column by column, as Kaggle's competition of steel writes them.

They are of the model's cells and not of the picture's pixels, so that what they take is bounded by what the model saw:
a picture of 40 megapixels has up to some million runs of pixels, and an answer may have 6 MB. Borders of the cells are
in the answer, and `pixels_in` gives the pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from steel_defect.masks import Mask


def run_lengths(mask: Mask, class_names: Sequence[str]) -> dict[str, Any]:
    """The damage that is enough for a defect, as `schema Masks` in openapi.json describes it."""
    regions, large = mask.regions()
    steps = np.zeros((mask.prob.shape[0], mask.prob.shape[1], mask.prob.shape[2] + 1), np.int8)
    runs = regions.runs.of(large)
    steps[runs.class_index, runs.row, runs.start] = 1
    steps[runs.class_index, runs.row, runs.stop] = -1
    cells = np.cumsum(steps[:, :, :-1], axis=2, dtype=np.int8).astype(np.bool_)
    grid = mask.grid
    return {
        "classes": list(class_names),
        "rows": cells.shape[1],
        "columns": cells.shape[2],
        "x": round(grid.x, 4),
        "y": round(grid.y, 4),
        "cell_width": round(grid.cell_width, 6),
        "cell_height": round(grid.cell_height, 6),
        "runs": [encode(plane) for plane in cells],
    }


def encode(damaged: NDArray[np.bool_]) -> str:
    """Runs of a mask of shape (rows, columns): start and length of each, column by column, counted from 1."""
    flat = damaged.ravel(order="F")
    borders = np.flatnonzero(np.diff(flat, prepend=False, append=False))
    pairs = np.column_stack([borders[0::2] + 1, borders[1::2] - borders[0::2]])
    return " ".join(map(str, pairs.ravel().tolist()))


def decode(runs: str, rows: int, columns: int) -> NDArray[np.bool_]:
    """The mask of shape (rows, columns) again.

    Raises:
        ValueError: the text is not of runs, or one of them does not lie in the mask.
    """
    starts, lengths = np.array(runs.split(), np.int64).reshape(-1, 2).T
    if len(starts) and (starts.min() < 1 or lengths.min() < 1 or (starts + lengths).max() > rows * columns + 1):
        message = f"a run lies outside of {rows} x {columns} cells"
        raise ValueError(message)
    steps = np.zeros(rows * columns + 1, np.int8)
    np.add.at(steps, starts - 1, 1)
    np.add.at(steps, starts - 1 + lengths, -1)
    return np.cumsum(steps[:-1], dtype=np.int8).astype(np.bool_).reshape((rows, columns), order="F")


def pixels_in(cells: NDArray[np.bool_], answer: Mapping[str, Any]) -> NDArray[np.bool_]:
    """The mask of one class in pixels of the picture.

    Args:
        cells: of the class, bool (rows, columns).
        answer: with `masks`.

    Returns:
        bool of shape (image.height, image.width): a pixel is as the cell is that its middle lies in.
    """
    masks, image, box = answer["masks"], answer["image"], answer["view"]["content"]
    rows = _cell_of(box["y"], box["height"], masks["y"], masks["cell_height"], len(cells))
    columns = _cell_of(box["x"], box["width"], masks["x"], masks["cell_width"], cells.shape[1])
    pixels = np.zeros((image["height"], image["width"]), np.bool_)
    inside = pixels[box["y"] : box["y"] + box["height"], box["x"] : box["x"] + box["width"]]
    inside[:] = cells[rows][:, columns]
    return pixels


def _cell_of(first: int, count: int, border: float, size: float, cells: int) -> NDArray[np.intp]:
    """In which row or column of cells the middles of `count` pixels lie, from `first` on."""
    middles = np.arange(first, first + count, dtype=np.float64) + 0.5
    return np.clip((middles - border) / size, 0, cells - 1).astype(np.intp)
