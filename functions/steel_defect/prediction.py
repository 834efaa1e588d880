"""The values that a model gives for one picture, put together from the tiles of its pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from steel_defect.contract import InputSpec
    from steel_defect.decision import Decision, Reason
    from steel_defect.pictures.framing import Framing
    from steel_defect.pictures.views import Box
    from steel_defect.statistics import Statistics


@dataclass(frozen=True)
class ImageFacts:
    """The picture as it was sent, upright.

    Attributes:
        width: of the page that decided, in its own pixels.
        height: the same.
        format: one of `steel_defect.pictures.formats.FORMATS`.
    """

    width: int
    height: int
    format: str


@dataclass(frozen=True)
class ViewFacts:
    """How the picture was laid before the model.

    Attributes:
        turned: degrees, counter-clockwise: 0 or 90.
        scale: pixels of the model's input a pixel of the picture.
        tiles: how many were scored, in all pages.
        pages: how many the file has, without thumbnails.
        page: the one that decided, from 1.
        bit_depth: of the samples.
        bit_depth_from: who says so.
        content: the part of the page that was scored; the rest is dark margin.
    """

    turned: int
    scale: float
    tiles: int
    pages: int
    page: int
    bit_depth: int
    bit_depth_from: Literal["stated", "file", "estimate"]
    content: Box


@dataclass(frozen=True)
class Prediction:
    """The answer for one picture.

    Attributes:
        defect_prob: calibrated probability that the picture shows a defect, 0..1; of several tiles, the highest.
        defect_status: 1 if `defect_prob` reaches the model's threshold, else 0.
        decision: by the model's review band and the reasons.
        reasons: why the picture cannot be passed whatever its probability; empty for most.
        class_prob: probability of each defect class by name, of several tiles the highest; empty if the model has no
            such output.
        defect_map: float32 of shape (classes, rows, columns), probability of each class in each cell of
            `view.content`; None if the model has no such output.
        novelty: the quantile of the distance to the training pictures, 0..1; None if the model has no such output.
        image: what was sent.
        view: how it was laid before the model.
        statistics: what it looks like.
        decode_ms: milliseconds from bytes to the model's input.
        model_ms: milliseconds in the model.
    """

    defect_prob: float
    defect_status: int
    decision: Decision
    reasons: tuple[Reason, ...]
    class_prob: dict[str, float]
    defect_map: NDArray[np.float32] | None
    novelty: float | None
    image: ImageFacts
    view: ViewFacts
    statistics: Statistics
    decode_ms: float
    model_ms: float


def joined_map(maps: Sequence[NDArray[np.float32]], plan: Framing, spec: InputSpec) -> NDArray[np.float32]:
    """The maps of all tiles as one, in the direction of the picture as it was sent; where tiles overlap, the highest.

    Args:
        maps: of each tile of the plan, float32 of shape (classes, rows, columns).
        plan: where the tiles lie.
        spec: the model's input.

    Returns:
        float32 (classes, rows, columns): the cells that cover the page, the last row and column included if they cover
        it in part.
    """
    classes, tile_rows, tile_columns = maps[0].shape
    height, width = spec.height / tile_rows, spec.width / tile_columns
    below, right = (max(start[axis] for start in plan.tiles) for axis in (0, 1))
    whole = np.zeros((classes, tile_rows + round(below / height), tile_columns + round(right / width)), np.float32)
    for (row, column), one in zip(plan.tiles, maps, strict=True):
        top, left = round(row / height), round(column / width)
        part = whole[:, top : top + tile_rows, left : left + tile_columns]
        np.maximum(part, one, out=part)
    cut = whole[:, : -int(-plan.rows // height), : -int(-plan.columns // width)]
    return np.rot90(cut, -1, axes=(1, 2)) if plan.turned else cut
