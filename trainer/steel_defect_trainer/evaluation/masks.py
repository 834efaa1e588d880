"""How good the masks of a run are: Dice and IoU against the true masks, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect_trainer.evaluation.resampling import RESAMPLES, Interval, interval, resample_weights
from steel_defect_trainer.runs.mask_counts import LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from steel_defect_trainer.runs.mask_counts import MaskCounts

_AREAS: Final = (0, 100, 200, 400, 800, 1600, 3200)
_GATES: Final = tuple(step / 20 for step in range(20))


@dataclass(frozen=True)
class MaskRule:
    """What of a mask is shown.

    Attributes:
        threshold: on the probability of a pixel.
        least_area: pixels of the model's input; a class with fewer is not shown.
        least_probability: a class with less in the picture as a whole is not shown.
    """

    threshold: float
    least_area: int
    least_probability: float


@dataclass(frozen=True)
class MaskMeasures:
    """How good masks are.

    Attributes:
        rule: what was shown.
        pictures: damaged pictures with all masks known, which Dice and IoU of any damage are means over.
        dice: of any damage.
        iou: of any damage.
        class_dice: of each class over the pictures having it; NaN if there are none with a known mask.
        class_iou: likewise.
        kaggle_dice: Kaggle's mean Dice over all pictures and classes, 1 where a class is neither there nor shown.
    """

    rule: MaskRule
    pictures: int
    dice: Interval
    iou: Interval
    class_dice: tuple[Interval, ...]
    class_iou: tuple[Interval, ...]
    kaggle_dice: Interval


def choose_rule(counts: MaskCounts, class_probabilities: NDArray[np.float64]) -> MaskRule | None:
    """Choose a rule: the threshold by the Dice of any damage, then area and probability by Kaggle's mean Dice.

    Args:
        counts: of validation pictures.
        class_probabilities: (N, C), calibrated.

    Returns:
        The rule; None if no damaged picture has all of its masks known.
    """
    damaged = counts.true[:, -1] > 0
    if not damaged.any():
        return None
    dice, _ = _overlaps(counts)
    # From 1 on: at 0 all is damaged.
    level = 1 + int(dice[damaged, -1, 1:].mean(axis=0).argmax())
    rules = [MaskRule(level / LEVELS, area, gate) for gate in _GATES for area in _AREAS]
    known = ~np.isnan(counts.true[:, :-1])
    return max(rules, key=lambda rule: float(_kaggle(counts, class_probabilities, rule)[known].mean()))


def measure_masks(
    counts: MaskCounts,
    class_probabilities: NDArray[np.float64],
    rule: MaskRule,
    groups: Sequence[str] | None = None,
) -> MaskMeasures:
    """Measure masks, with 95 % percentile bootstrap intervals over pictures, or over groups if they are given.

    Dice and IoU are those of the thresholded masks; the rest of the rule decides Kaggle's mean Dice alone.
    """
    dice, iou = (values[:, :, _level(rule)] for values in _overlaps(counts))
    damaged = counts.true > 0
    weights = np.concatenate(list(resample_weights(len(counts.names), groups, resamples=RESAMPLES, seed=0)))
    known = ~np.isnan(counts.true[:, :-1])
    shown = np.where(known, _kaggle(counts, class_probabilities, rule), 0)
    of_dice = [_mean(dice[:, row], damaged[:, row], weights) for row in range(dice.shape[1])]
    of_iou = [_mean(iou[:, row], damaged[:, row], weights) for row in range(iou.shape[1])]
    return MaskMeasures(
        rule=rule,
        pictures=int(damaged[:, -1].sum()),
        dice=of_dice[-1],
        iou=of_iou[-1],
        class_dice=tuple(of_dice[:-1]),
        class_iou=tuple(of_iou[:-1]),
        kaggle_dice=_mean(shown.sum(axis=1), known.sum(axis=1), weights),
    )


def _overlaps(counts: MaskCounts) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Dice and IoU, each (N, C + 1, 100); 0 where nothing is damaged or nothing is known."""
    areas = counts.predicted.astype(np.float64) + np.nan_to_num(counts.true)[:, :, None]
    overlap = counts.overlap.astype(np.float64)
    return 2 * overlap / np.maximum(areas, 1), overlap / np.maximum(areas - overlap, 1)


def _kaggle(counts: MaskCounts, class_probabilities: NDArray[np.float64], rule: MaskRule) -> NDArray[np.float64]:
    """Dice of what is shown of each picture and class, (N, C); 1 where nothing is damaged and nothing shown."""
    area = counts.predicted[:, :-1, _level(rule)]
    shown = (area > rule.least_area) & (class_probabilities >= rule.least_probability)
    dice, _ = _overlaps(counts)
    return np.where(counts.true[:, :-1] > 0, dice[:, :-1, _level(rule)] * shown, ~shown)


def _level(rule: MaskRule) -> int:
    return round(rule.threshold * LEVELS)


def _mean(values: NDArray[np.float64], count: NDArray[np.generic], weights: NDArray[np.float64]) -> Interval:
    """The mean over the pictures that count, or over as many items as they count for; `values` are their sums."""
    counted = count.astype(np.float64)
    total = np.where(counted > 0, values, 0)
    whole = weights @ counted
    resampled = np.divide(weights @ total, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    value = float(total.sum() / counted.sum()) if counted.any() else float("nan")
    return interval(value, resampled)
