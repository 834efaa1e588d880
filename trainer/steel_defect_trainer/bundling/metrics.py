"""How good scores are at a glance, and the decision of the bundled model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect_trainer.evaluation import decision
from steel_defect_trainer.evaluation.decision import Decision
from steel_defect_trainer.evaluation.ranking import roc_auc_of
from steel_defect_trainer.evaluation.resampling import RESAMPLES, Interval, interval, resample_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["DEFECT_SHARE", "Decision", "Interval", "bootstrap_auc", "decide", "roc_auc", "weights_for_share"]

# Share of defect pictures in the whole Severstal training set: 6,666 of 12,568. Our few real pictures have far more, so
# they are weighted to this share wherever a probability or a threshold is set.
DEFECT_SHARE: Final = 6666 / 12568


def roc_auc(scores: NDArray[np.floating], truth: NDArray[np.bool_]) -> float:
    """Chance that a defect strip scores above a clean one, ties counting half; NaN where one kind is missing."""
    return float(roc_auc_of(scores, truth, np.ones((1, len(truth))))[0])


def bootstrap_auc(
    scores: NDArray[np.floating],
    truth: NDArray[np.bool_],
    groups: Sequence[str] | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """ROC-AUC with the percentile bootstrap over strips, or over groups of them where groups are given."""
    weights = resample_weights(len(truth), groups, resamples=resamples, seed=seed)
    return interval(roc_auc(scores, truth), np.concatenate([roc_auc_of(scores, truth, rows) for rows in weights]))


def weights_for_share(truth: NDArray[np.bool_], defect_share: float = DEFECT_SHARE) -> NDArray[np.float64]:
    """Weights (N,) that sum to N and give defects this share, that of all Severstal pictures unless said otherwise."""
    share = truth.mean()
    weights: NDArray[np.float64] = np.where(truth, defect_share / share, (1 - defect_share) / (1 - share))
    return weights


def decide(logits: NDArray[np.floating], truth: NDArray[np.bool_]) -> Decision:
    """Calibrate held-out logits and set the bounds as if defects had their share of all Severstal pictures."""
    return decision.decide(logits, truth, weights=weights_for_share(truth))
