"""Figures that need no threshold, for many weightings of the same pictures at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from steel_defect_trainer.evaluation.resampling import Interval, interval, resample_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class _Ranks:
    """Weight of defects and of clean pictures at each distinct score, ascending: float64 (rows, distinct scores)."""

    defect: NDArray[np.float64]
    clean: NDArray[np.float64]


def roc_auc_of(
    scores: NDArray[np.floating], truth: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """ROC-AUC: the chance that a defect scores above a clean picture, ties counting half (Hanley and McNeil, 1982).

    Args:
        scores: (N,), higher for defects; only their order counts.
        truth: (N,).
        weights: (rows, N), at least 0.

    Returns:
        One figure a row; NaN if a row has no weight on either kind.
    """
    ranks = _rank(scores, truth, weights)
    below = np.cumsum(ranks.clean, axis=1) - ranks.clean / 2
    return _divide((ranks.defect * below).sum(axis=1), ranks.defect.sum(axis=1) * ranks.clean.sum(axis=1))


def roc_auc(scores: NDArray[np.floating], truth: NDArray[np.bool_]) -> float:
    """Chance that a defect strip scores above a clean one, ties counting half; NaN if one kind is missing."""
    return float(roc_auc_of(scores, truth, np.ones((1, len(truth))))[0])


def bootstrap_auc(scores: NDArray[np.floating], truth: NDArray[np.bool_]) -> Interval:
    """ROC-AUC with the percentile bootstrap over strips."""
    weights = resample_weights(len(truth))
    return interval(roc_auc(scores, truth), np.concatenate([roc_auc_of(scores, truth, rows) for rows in weights]))


def average_precision_of(
    scores: NDArray[np.floating], truth: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Area under the precision-recall curve as average precision: the mean, over defects, of the precision at each.

    No line is drawn between points of the curve, which would flatter it (Davis and Goadrich, 2006). Arguments and
    result as of `roc_auc_of`; NaN if a row has no weight on defects.
    """
    ranks = _rank(scores, truth, weights)
    hits = np.cumsum(ranks.defect[:, ::-1], axis=1)
    called = hits + np.cumsum(ranks.clean[:, ::-1], axis=1)
    precision = np.divide(hits, called, out=np.zeros_like(hits), where=called > 0)
    return _divide((ranks.defect[:, ::-1] * precision).sum(axis=1), hits[:, -1])


def _rank(scores: NDArray[np.floating], truth: NDArray[np.bool_], weights: NDArray[np.float64]) -> _Ranks:
    order = np.argsort(scores, kind="stable")
    ascending = scores[order]
    starts = np.flatnonzero(np.concatenate([[True], ascending[1:] != ascending[:-1]]))
    ordered = weights[:, order]
    defect = np.add.reduceat(ordered * truth[order], starts, axis=1)
    return _Ranks(defect, np.add.reduceat(ordered, starts, axis=1) - defect)


def _divide(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)
