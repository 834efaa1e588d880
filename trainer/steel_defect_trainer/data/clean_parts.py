"""Parts for a network that learns from clean pictures: what defects are known choose its decision, and judge it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from steel_defect_trainer.data.split import TRAIN, VALIDATION, Split

if TYPE_CHECKING:
    from steel_defect_trainer.data.dataset import DataSet


def with_defects_held_out(split: Split, dataset: DataSet) -> Split:
    """The split with the defects of its training part in the validation part, but for groups with clean pictures."""
    clean_groups = {picture.group for picture in dataset.pictures if not picture.classes}
    moved = {
        picture.name: VALIDATION
        for picture in dataset.pictures
        if split.part_of[picture.name] == TRAIN and picture.group not in clean_groups
    }
    if not moved:
        return split
    made = f"{split.made}; {len(moved)} defects moved from the training part to validation"
    return replace(split, part_of={**split.part_of, **moved}, made=made)
