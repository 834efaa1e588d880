"""Figures of one run on one part, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect_trainer.evaluation.calibration import cross_entropy, sigmoid
from steel_defect_trainer.evaluation.ranking import average_precision_of, roc_auc_of
from steel_defect_trainer.evaluation.resampling import RESAMPLES, Interval, interval, resample_weights
from steel_defect_trainer.evaluation.shares import exact_interval, share_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Bins of equal width for the calibration error and the reliability diagram.
BINS: Final = 10


@dataclass(frozen=True)
class Confusion:
    """Numbers of pictures."""

    true_negatives: int
    false_positives: int
    false_negatives: int
    true_positives: int


@dataclass(frozen=True)
class Measures:
    """How good calibrated answers are.

    Attributes:
        figures: by name, the names of `measure`.
        pictures: by the same names, how many pictures each figure rests on; of a figure that needs both kinds, those of
            the kind that has fewer.
        class_recalls: for each class, the share of the pictures having it that are called a defect; NaN if none has it.
        confusion: at the threshold.
    """

    figures: dict[str, Interval]
    pictures: dict[str, int]
    class_recalls: tuple[Interval, ...]
    confusion: Confusion


def measure_with_intervals(  # noqa: PLR0913 - scores, truth, and how to resample them
    log_odds: NDArray[np.float64],
    classes: NDArray[np.float32],
    threshold: float,
    groups: Sequence[str] | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Measures:
    """Measure N pictures, with 95 % intervals over pictures, or over groups if they are given.

    Intervals are exact for accuracy, precision and recall, which are shares of pictures, and percentiles of the
    bootstrap for the rest. If all resamples of a ranking are alike, perfect ones for example, the bootstrap says
    nothing; the interval is then that of a share of the pictures that the figure rests on.

    Args:
        log_odds: (N,), calibrated.
        classes: (N, C), above 0 if a picture has the class; it has a defect if it has any.
        threshold: on the probability.
        groups: (N,), drawn together.
        resamples: number of them.
        seed: of the draws.
    """
    truth = np.asarray(classes.any(axis=1), np.bool_)
    value, _ = measure(log_odds, classes, threshold, np.ones((1, len(truth))))
    parts = [
        measure(log_odds, classes, threshold, weights)
        for weights in resample_weights(len(truth), groups, resamples=resamples, seed=seed)
    ]
    called = sigmoid(log_odds) >= threshold
    numbers = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    pictures = dict.fromkeys(value, _fewer(truth, None)) | {
        "accuracy": len(truth),
        "precision": int(called.sum()),
        "recall": int(truth.sum()),
        "loss": len(truth),
        "calibration_error": len(truth),
    }
    figures = {
        name: interval(float(value[name][0]), np.concatenate([part[name] for part, _ in parts])) for name in value
    }
    figures |= {
        "accuracy": share_interval(called == truth, np.ones_like(truth), numbers),
        "precision": share_interval(truth, called, numbers),
        "recall": share_interval(called, truth, numbers),
    }
    if not truth.any():  # what is called a defect is none, whatever the model
        figures |= dict.fromkeys(("precision", "f1"), exact_interval(float("nan"), 0))
    for name in ("f1", "roc_auc", "pr_auc"):
        if figures[name].low == figures[name].high:
            figures[name] = exact_interval(figures[name].value, _fewer(truth, numbers))
    return Measures(
        figures=figures,
        pictures=pictures,
        class_recalls=tuple(share_interval(called, has, numbers) for has in (classes > 0).T),
        confusion=Confusion(
            true_negatives=int((~called & ~truth).sum()),
            false_positives=int((called & ~truth).sum()),
            false_negatives=int((~called & truth).sum()),
            true_positives=int((called & truth).sum()),
        ),
    )


def _fewer(truth: NDArray[np.bool_], groups: NDArray[np.int64] | None) -> int:
    """Pictures, or groups, of the kind that has fewer of them."""
    if groups is None:
        return int(min(truth.sum(), (~truth).sum()))
    return min(len(np.unique(groups[truth])), len(np.unique(groups[~truth])))


def measure(
    log_odds: NDArray[np.float64], classes: NDArray[np.float32], threshold: float, weights: NDArray[np.float64]
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """All figures for many weightings (rows, N) of the pictures at once.

    Returns:
        By name, one figure a row, float64 (rows,), NaN if it has no value: `loss` (cross-entropy, nats), `accuracy`,
        `precision` (none if nothing is called a defect), `recall`, `f1`, `roc_auc`, `pr_auc` (average precision) and
        `calibration_error` (expected, `BINS` bins of equal width over the probability of a defect; some of it is
        chance, the more the fewer pictures). Then the recall of each class, float64 (rows, C).
    """
    truth, has = np.asarray(classes.any(axis=1), np.bool_), classes > 0
    probabilities = sigmoid(log_odds)
    called = probabilities >= threshold
    total, defects = weights.sum(axis=1), weights @ truth
    hits, alarms = weights @ (called & truth), weights @ (called & ~truth)
    bins = np.eye(BINS)[bin_of(probabilities)]
    figures = {
        "loss": weights @ cross_entropy(log_odds, truth) / total,
        "accuracy": (weights @ (called == truth)) / total,
        "precision": _share(hits, hits + alarms),
        "recall": _share(hits, defects),
        "f1": _share(2 * hits, hits + alarms + defects),
        "roc_auc": roc_auc_of(log_odds, truth, weights),
        "pr_auc": average_precision_of(log_odds, truth, weights),
        "calibration_error": np.abs(weights @ (bins * (probabilities - truth)[:, None])).sum(axis=1) / total,
    }
    return figures, _share(weights @ (has & called[:, None]), weights @ has)


def bin_of(probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bin of each probability, 0 to `BINS` - 1."""
    return np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
