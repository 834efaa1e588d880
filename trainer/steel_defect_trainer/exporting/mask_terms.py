"""What a model file says about its masks: from which probability on a pixel is damaged, and how much is a defect."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from steel_defect.contract import MaskTerms, ModelContract
from steel_defect_trainer.exporting.metadata import change_contract

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect_trainer.evaluation.masks import MaskRule


def write_mask_terms(path: Path, rule: MaskRule, size: tuple[int, int]) -> None:
    """Put a rule for masks into a model file, the same for every class.

    A field has the probability of any damage, in the mask of the likeliest class, so there is one threshold to choose.

    Args:
        path: of the file.
        rule: its area is in pixels of the model's input.
        size: width and height of the pictures that the model was trained on, in their own pixels.

    Raises:
        OSError: the file cannot be written; the file before is unchanged.
    """

    def change(contract: ModelContract) -> ModelContract:
        width, height = size
        spec, count = contract.input, len(contract.class_names)
        scale = min(spec.height / height, spec.width / width)
        area = round(rule.least_area / scale**2, 1)
        return replace(contract, masks=MaskTerms((rule.threshold,) * count, (area,) * count))

    change_contract(path, change)
