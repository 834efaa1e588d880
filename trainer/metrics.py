"""How good scores are, and how sure one can be of that; calibration, threshold and review band from held-out scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from trainer.evaluation.ranking import roc_auc_of
from trainer.evaluation.resampling import RESAMPLES, Interval, interval, resample_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Share of defect pictures in the whole Severstal training set: 6,666 of 12,568. Our few real pictures have far more, so
# they are weighted to this share wherever a probability or a threshold is set.
DEFECT_SHARE: Final = 6666 / 12568


@dataclass(frozen=True)
class Decision:
    """How a logit becomes an answer: probability = sigmoid(scale * logit + offset), then three bounds on it."""

    scale: float
    offset: float
    threshold: float
    review_low: float
    review_high: float


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


def weights_for_share(truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weights (N,) that sum to N and give defects the share they have among all Severstal pictures."""
    share = truth.mean()
    weights: NDArray[np.float64] = np.where(truth, DEFECT_SHARE / share, (1 - DEFECT_SHARE) / (1 - share))
    return weights


def decide(logits: NDArray[np.float32], truth: NDArray[np.bool_]) -> Decision:
    """Calibrate held-out logits and set the bounds.

    The threshold has the best weighted F1. Below `review_low` lie 5 % of the defects at most, above `review_high` 10 %
    of the clean ones at most: what lies between is for a person to look at.
    """
    weights = weights_for_share(truth)
    scale, offset = _logistic(logits.astype(np.float64), truth, weights)
    probabilities = 1 / (1 + np.exp(-(scale * logits.astype(np.float64) + offset)))
    threshold = best_f1_threshold(probabilities, truth, weights)
    low = float(np.quantile(probabilities[truth], 0.05, method="lower"))
    high = float(np.quantile(probabilities[~truth], 0.90, method="higher"))
    return Decision(scale, offset, threshold, min(low, threshold), max(high, threshold))


def best_f1_threshold(
    probabilities: NDArray[np.float64], truth: NDArray[np.bool_], weights: NDArray[np.float64]
) -> float:
    """The threshold with the best weighted F1, in the middle of the gap between the two scores around it."""
    ranks = np.unique(probabilities)
    middles = np.concatenate([[ranks[0] / 2], (ranks[1:] + ranks[:-1]) / 2])

    def f1(threshold: float) -> float:
        called = probabilities >= threshold
        hits = weights[called & truth].sum()
        return float(2 * hits / (weights[called].sum() + weights[truth].sum()))

    return float(max(middles, key=f1))


def _logistic(
    logits: NDArray[np.float64], truth: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[float, float]:
    """Slope and offset of a weighted logistic regression by Newton's method, the slope drawn gently towards 1."""
    design = np.stack([logits, np.ones_like(logits)], axis=1)
    prior, strength = np.array([1.0, 0.0]), np.diag([1.0, 1e-3])
    answer = prior.copy()
    for _ in range(50):
        probabilities = 1 / (1 + np.exp(-design @ answer))
        slope = design.T @ (weights * (probabilities - truth)) + strength @ (answer - prior)
        curvature = (design * (weights * probabilities * (1 - probabilities))[:, None]).T @ design + strength
        answer = answer - np.clip(np.linalg.solve(curvature, slope), -1, 1)
    return float(max(answer[0], 0.05)), float(answer[1])
