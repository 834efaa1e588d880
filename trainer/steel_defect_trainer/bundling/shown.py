"""What the bundled model shows of damage, out of fold: how well its masks fit, and where it shows any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from steel_defect_trainer.bundling.fits import LEVELS
from steel_defect_trainer.evaluation.masks import MaskMeasures, choose_rule, measure_masks
from steel_defect_trainer.networks.unified import likeliest
from steel_defect_trainer.runs.mask_counts import MaskCounts, count_masks

if TYPE_CHECKING:
    from steel_defect_trainer.bundling.fits import HeldOut
    from steel_defect_trainer.evaluation.calibration import Calibration
    from steel_defect_trainer.strips import StripSet


@dataclass(frozen=True)
class Shown:
    """What held-out pictures look like to a user.

    Attributes:
        masks: Dice, IoU and Kaggle's mean Dice, whatever the picture as a whole is called.
        dice_shown: mean Dice of any damage on the same pictures if those that pass show none.
        clean: clean pictures on which damage is shown.
        pairs: pictures times classes on which damage is shown, and how many of these have the class.
    """

    masks: MaskMeasures
    dice_shown: float
    clean: int
    pairs: tuple[int, int]


def measure_shown(strips: StripSet, found: HeldOut, calibration: Calibration) -> Shown:
    """Measure the masks as the model file gives them: each field in the mask of its likeliest class.

    Raises:
        ValueError: no damaged picture has all of its masks known.
    """
    each = torch.from_numpy(found.masks).float() / LEVELS
    masks = likeliest(each, torch.from_numpy(found.classes)).numpy()
    counted = [count_masks(*one) for one in zip(masks, np.asarray(strips.masks), strips.classes, strict=True)]
    counts = MaskCounts(strips.names, *(np.stack(part) for part in zip(*counted, strict=True)))
    probabilities = calibration.probabilities(found.classes)
    rule = choose_rule(counts, probabilities)
    if rule is None:
        message = "no damaged picture has all of its masks known"
        raise ValueError(message)
    level = round(rule.threshold * (counts.predicted.shape[2]))
    passes = calibration.probabilities(found.defect) < calibration.review_low
    shown = np.where(passes[:, None], 0, counts.predicted[:, :, level])
    overlap = np.where(passes[:, None], 0, counts.overlap[:, :, level])
    damaged = counts.true[:, -1] > 0
    dice = 2 * overlap[damaged, -1] / (shown[damaged, -1] + counts.true[damaged, -1])
    large = (shown > rule.least_area)[:, :-1]
    return Shown(
        masks=measure_masks(counts, probabilities, rule),
        dice_shown=float(dice.mean()),
        clean=int(large[~strips.defect].any(axis=1).sum()),
        pairs=(int(large.sum()), int((large & (strips.classes > 0)).sum())),
    )
