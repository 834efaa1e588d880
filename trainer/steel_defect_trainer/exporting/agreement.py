"""How far two model files agree on the same pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect.contract import from_metadata
from steel_defect.decision import decision_index
from steel_defect_trainer.evaluation.ranking import roc_auc
from steel_defect_trainer.exporting.timing import single_threaded
from steel_defect_trainer.strips import PERCENT

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect.contract import ModelContract
    from steel_defect_trainer.strips import StripSet

# What an int8 file may differ from its float one.
AUC_DIFFERENCE: Final = 0.002
EQUAL_DECISIONS: Final = 0.99
DICE_DIFFERENCE: Final = 0.01
_SHOWN: Final = 3


@dataclass(frozen=True)
class Agreement:
    """Two files on the same pictures; the first is the one that the second stands in for.

    Attributes:
        pictures: how many.
        roc_auc: of each file, on the pictures whose classes are known; NaN if these are of one kind.
        largest_difference: in `defect_prob`, over all pictures.
        mean_difference: the mean of its absolute value.
        equal_decisions: share of pictures that both pass, both review, or both reject.
        equal_statuses: share of pictures that both put on the same side of the threshold.
        furthest: name and both probabilities of the pictures that differ most, the worst first.
        dice: mean Dice of any damage of each file on the damaged pictures whose masks are known; NaN without masks.
    """

    pictures: int
    roc_auc: tuple[float, float]
    largest_difference: float
    mean_difference: float
    equal_decisions: float
    equal_statuses: float
    furthest: tuple[tuple[str, float, float], ...]
    dice: tuple[float, float] = (math.nan, math.nan)

    @property
    def holds(self) -> bool:
        """Whether the second file can stand in for the first: the three bounds above are kept.

        What cannot be measured on these pictures bounds nothing.
        """
        ranked, masked = (abs(other - one) for one, other in (self.roc_auc, self.dice))
        return not (ranked > AUC_DIFFERENCE or masked > DICE_DIFFERENCE or self.equal_decisions < EQUAL_DECISIONS)


def compare(one: Path, other: Path, strips: StripSet) -> Agreement:
    """Score the same pictures with both files, and decide by the contract of the first."""
    contract, first, first_dice = _scored(one, strips)
    _, second, second_dice = _scored(other, strips)
    bounds = (contract.review_low, contract.review_high)
    same_decision = decision_index(first, *bounds) == decision_index(second, *bounds)
    same_status = (first >= contract.threshold) == (second >= contract.threshold)
    differences = np.abs(first - second)
    known = (strips.classes >= 0).all(axis=1)
    worst = np.argsort(-differences, kind="stable")[:_SHOWN]
    return Agreement(
        pictures=len(strips),
        roc_auc=(roc_auc(first[known], strips.defect[known]), roc_auc(second[known], strips.defect[known])),
        largest_difference=float(differences.max()),
        mean_difference=float(differences.mean()),
        equal_decisions=float(same_decision.mean()),
        equal_statuses=float(same_status.mean()),
        furthest=tuple((strips.names[index], float(first[index]), float(second[index])) for index in worst),
        dice=(first_dice, second_dice),
    )


def _scored(path: Path, strips: StripSet) -> tuple[ModelContract, NDArray[np.float32], float]:
    """The contract of a file, its `defect_prob` of each picture, and the mean Dice of its masks, if it gives any."""
    session = single_threaded(path)
    contract = from_metadata(session.get_modelmeta().custom_metadata_map)
    outputs = [output.name for output in session.get_outputs() if output.name in {"defect_prob", "mask_prob"}]
    threshold = np.asarray(contract.mask_terms.threshold, np.float32)[:, None, None]
    scores, dice = [], []
    for picture, masks, classes in zip(strips.pixels, strips.masks, strips.classes, strict=True):
        found = dict(zip(outputs, session.run(outputs, {"image": np.asarray(picture)[None]}), strict=True))
        scores.append(found["defect_prob"])
        damaged = (masks > 0).any(axis=(1, 2))
        if "mask_prob" in found and damaged.any() and (classes >= 0).all() and damaged[classes > 0].all():
            filled = (masks >= 0).any(axis=0)
            share = np.maximum(masks, 0).max(axis=0) / PERCENT
            shown = (found["mask_prob"][0] >= threshold).any(axis=0) & filled
            dice.append(float(2 * share[shown].sum() / (share.sum() + shown.sum())))
    return contract, np.concatenate(scores), float(np.mean(dice)) if dice else math.nan
