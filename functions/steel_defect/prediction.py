"""The values that a model gives for one picture, put together from the tiles of its pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from steel_defect.decision import Decision, Reason
    from steel_defect.defects import Defects
    from steel_defect.masks import Mask
    from steel_defect.pictures.preview import Preview
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
        defects: connected damage of one class; none if the model gives no masks.
        mask: what the model says of each cell of the page that decided; None if it gives no masks.
        novelty: the quantile of the distance to the training pictures, 0..1; None if the model has no such output.
        image: what was sent.
        view: how it was laid before the model.
        statistics: what it looks like.
        decode_ms: milliseconds from bytes to the model's input.
        model_ms: milliseconds in the model.
        preview: the page that decided, as a small JPEG; None if it was not asked for.
    """

    defect_prob: float
    defect_status: int
    decision: Decision
    reasons: tuple[Reason, ...]
    class_prob: dict[str, float]
    defect_map: NDArray[np.float32] | None
    defects: Defects
    mask: Mask | None
    novelty: float | None
    image: ImageFacts
    view: ViewFacts
    statistics: Statistics
    decode_ms: float
    model_ms: float
    preview: Preview | None = None
