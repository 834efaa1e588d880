"""The input of a training in the shape of its pictures."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from steel_defect_trainer.data.input_shape import canvas, fitting_input, picture_sizes

if TYPE_CHECKING:
    from steel_defect_trainer.data.dataset import DataSet
    from steel_defect_trainer.recipe import Recipe
    from steel_defect_trainer.training.distributed import World


def shaped(recipe: Recipe, dataset: DataSet, world: World, *, fits: bool) -> Recipe:
    """The recipe with the input that suits the pictures, if it is to fit them; says how much of it they fill."""
    sizes = picture_sizes(dataset)
    if fits:
        recipe = replace(recipe, input=fitting_input(recipe.input, sizes))
    lie = canvas(recipe.input, sizes)
    if world.leads:
        warning = "" if lie.warning is None else f"warning: {lie.warning}\n"
        sys.stderr.write(f"{lie}\n{warning}")
    return recipe
