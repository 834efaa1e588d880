"""What a model file says about its masks: from which probability on a pixel is damaged, and how much is a defect."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from steel_defect.contract import MaskTerms, ModelContract
from steel_defect.pictures.framing import training_scale
from steel_defect_trainer.exporting.metadata import change_contract

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect_trainer.evaluation.masks import MaskRule


def write_mask_terms(path: Path, rule: MaskRule) -> None:
    """Put a rule for masks into a model file that has its frame, the same for every class.

    A field has the probability of any damage, in the mask of the likeliest class, so there is one threshold to choose.

    Raises:
        OSError: the file cannot be written; the file before is unchanged.
    """

    def change(contract: ModelContract) -> ModelContract:
        scale = 1.0 if contract.frame is None else training_scale(contract.input, contract.frame)
        count, area = len(contract.class_names), round(rule.least_area / scale**2, 1)
        return replace(contract, masks=MaskTerms((rule.threshold,) * count, (area,) * count))

    change_contract(path, change)
