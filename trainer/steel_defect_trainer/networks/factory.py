"""From a recipe to its network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steel_defect_trainer.networks.classifier import ClassifierNet
from steel_defect_trainer.networks.clean import CleanNet
from steel_defect_trainer.networks.strip import StripNet
from steel_defect_trainer.networks.unified import UnifiedNet

if TYPE_CHECKING:
    from steel_defect_trainer.networks.body import GrayMobileNet
    from steel_defect_trainer.recipe import Recipe


def build_network(recipe: Recipe, classes: int) -> GrayMobileNet:
    """Make the recipe's network with random weights.

    Args:
        recipe: its input and network sections decide.
        classes: of the data set.
    """
    plan = recipe.network
    if plan.kind == "strip":
        return StripNet(classes, dropout=plan.dropout)
    if plan.kind == "unified":
        return UnifiedNet(classes, dropout=plan.dropout)
    if plan.kind == "clean":
        return CleanNet()
    return ClassifierNet(recipe.input, pooled=plan.pooled, hidden=plan.hidden, dropout=plan.dropout)
