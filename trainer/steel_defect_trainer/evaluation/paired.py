"""Which of two recipes ranks the same pictures better, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from steel_defect_trainer.evaluation.ranking import roc_auc_of
from steel_defect_trainer.evaluation.resampling import RESAMPLES, interval, resample_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from steel_defect_trainer.evaluation.resampling import Interval


@dataclass(frozen=True)
class PairedAuc:
    """ROC-AUC of two recipes, A and B, on the same pictures.

    Attributes:
        seeds_a: of each run of A.
        seeds_b: of each run of B.
        auc_a: mean over the runs of A.
        auc_b: mean over the runs of B.
        difference: mean of A minus mean of B.
    """

    seeds_a: tuple[float, ...]
    seeds_b: tuple[float, ...]
    auc_a: Interval
    auc_b: Interval
    difference: Interval


def paired_auc_difference(  # noqa: PLR0913 - three arrays that belong together, and how to resample them
    scores_a: NDArray[np.floating],
    scores_b: NDArray[np.floating],
    truth: NDArray[np.bool_],
    groups: Sequence[str] | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> PairedAuc:
    """Compare held-out scores of two recipes, each trained with one seed or several, on the same N pictures.

    A resample draws pictures, the same for A and B (by group if groups are given), and runs, of A and of B apart;
    ROC-AUC is averaged over the runs drawn. So the interval is over pictures and seeds, and the difficulty of a picture
    for both cancels out. With one run each it is over pictures alone. Few runs say little about the spread of runs:
    with three, the interval makes their part of it somewhat too small.

    Args:
        scores_a: (seeds, N) or (N,), higher for defects. Scores of different runs are never compared with each other.
        scores_b: (seeds, N) or (N,); the number of seeds may differ.
        truth: (N,), whether there is a defect.
        groups: (N,), pictures of one group are drawn together.
        resamples: number of them.
        seed: of the draws.

    Raises:
        ValueError: shapes that do not fit, a score that is not finite, or pictures of one kind only.
    """
    runs_a, runs_b = _checked(scores_a, truth, "scores_a"), _checked(scores_b, truth, "scores_b")
    whole = np.ones((1, len(truth)))
    each_a, each_b = _auc_of_runs(runs_a, truth, whole)[0], _auc_of_runs(runs_b, truth, whole)[0]
    draws = [
        (_auc_of_runs(runs_a, truth, weights), _auc_of_runs(runs_b, truth, weights))
        for weights in resample_weights(len(truth), groups, resamples=resamples, seed=seed)
    ]
    rng = np.random.default_rng([seed, 1])
    means_a = _mean_of_drawn(np.concatenate([a for a, _ in draws]), rng)
    means_b = _mean_of_drawn(np.concatenate([b for _, b in draws]), rng)
    differences = means_a - means_b
    return PairedAuc(
        seeds_a=tuple(each_a.tolist()),
        seeds_b=tuple(each_b.tolist()),
        auc_a=interval(float(each_a.mean()), means_a),
        auc_b=interval(float(each_b.mean()), means_b),
        difference=interval(float(each_a.mean() - each_b.mean()), differences),
    )


def _checked(scores: NDArray[np.floating], truth: NDArray[np.bool_], name: str) -> NDArray[np.floating]:
    runs = np.atleast_2d(scores)
    if runs.ndim != 2 or not len(runs) or runs.shape[1] != len(truth):  # noqa: PLR2004 - seeds and pictures
        message = f"expected {name} of shape (seeds, {len(truth)}), got {scores.shape}"
        raise ValueError(message)
    if not np.isfinite(runs).all():
        message = f"{name} has {int((~np.isfinite(runs)).sum())} scores that are not finite"
        raise ValueError(message)
    if truth.all() or not truth.any():
        message = "ROC-AUC needs pictures with a defect and without"
        raise ValueError(message)
    return runs


def _auc_of_runs(
    runs: NDArray[np.floating], truth: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.stack([roc_auc_of(scores, truth, weights) for scores in runs], axis=1)


def _mean_of_drawn(values: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Mean over runs drawn with replacement, for each resample: (resamples, runs) to (resamples,)."""
    drawn = rng.integers(0, values.shape[1], values.shape)
    mean: NDArray[np.float64] = np.take_along_axis(values, drawn, axis=1).mean(axis=1)
    return mean
