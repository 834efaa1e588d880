"""The rule by which a probability, and what is known of the picture, become a decision. It stands here alone."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    import numpy as np
    from numpy.typing import ArrayLike, NDArray


class Decision(StrEnum):
    """What to do with the strip, from the mildest: let it pass, have a person look, or reject it."""

    PASS = "pass"  # noqa: S105 - no password
    REVIEW = "review"
    REJECT = "reject"


class Reason(StrEnum):
    """Why a picture cannot be passed whatever its probability. README says what to do about each."""

    DARK = "dark"
    SATURATED = "saturated"
    FLAT = "flat"
    BLURRED = "blurred"
    NOISY = "noisy"
    UNFAMILIAR = "unfamiliar"
    SCALE = "scale"
    SHAPE = "shape"


def decision_index(probability: ArrayLike, review_low: float, review_high: float) -> NDArray[np.intp]:
    """The rule for probabilities alone: reject from `review_high` on, pass below `review_low`, else review.

    Returns:
        For each probability the index of its decision in `tuple(Decision)`, in the shape of `probability`.
    """
    import numpy as np  # not before a server forks; see serving.py

    return np.asarray(np.digitize(np.asarray(probability), (review_low, review_high)))


def decide(probability: float, review_low: float, review_high: float, reasons: Collection[Reason] = ()) -> Decision:
    """The decision for one picture: any reason makes it at least review, and never less than it was."""
    decision = tuple(Decision)[int(decision_index(probability, review_low, review_high))]
    return Decision.REVIEW if reasons and decision is Decision.PASS else decision
