"""A final model that learns from all pictures: what it is worth, and how it decides, comes of a cross-validation."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from steel_defect_trainer.errors import RunError
from steel_defect_trainer.evaluation.evaluation_file import read_evaluation
from steel_defect_trainer.files import replacing
from steel_defect_trainer.recipe import from_table
from steel_defect_trainer.runs.run import read_run

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect_trainer.data.dataset import DataSet
    from steel_defect_trainer.recipe import Recipe
    from steel_defect_trainer.runs.folder import RunFolder
    from steel_defect_trainer.runs.run import Run
    from steel_defect_trainer.strips import StripSet


def tried_by(folder: Path, recipe: Recipe, dataset: DataSet) -> Run:
    """The cross-validation in a folder, if it is of this recipe and of these classes.

    Raises:
        RunError: it is not, or is not finished.
    """
    run = read_run(folder)
    if not run.folds:
        message = f"{folder} is no cross-validation: make one with `steel-defect cross-validate`"
        raise RunError(message)
    read_evaluation(run)
    tried = from_table(run.recipe)
    asked = recipe
    if run.data.get("minutes") is not None:  # its steps are those that fitted into them
        plan = replace(recipe.optimisation, steps=tried.optimisation.steps, heads_first=tried.optimisation.heads_first)
        asked = replace(recipe, optimisation=plan)
    if replace(tried, name="", about="") != replace(asked, name="", about=""):
        message = f"{folder} tried another recipe than this one: train with the recipe and the --set of {folder}"
        raise RunError(message)
    if list(dataset.class_names) != run.data["class_names"]:
        message = f"{folder} is of classes {', '.join(run.data['class_names'])}, these pictures of others"
        raise RunError(message)
    return run


def check_pictures(tried: Run, strips: StripSet) -> None:
    """Make sure that the cross-validation is of these pictures.

    Raises:
        RunError: it is of others.
    """
    if tried.data["digest"] != strips.digest:
        message = f"{tried.folder} is of other pictures or labels than these: cross-validate again"
        raise RunError(message)


def take_evaluation(tried: Run, run: RunFolder) -> None:
    """Write the cross-validation's evaluation into the folder of the final run, under its name."""
    content = read_evaluation(tried) | {"run": run.path.resolve().name}
    with replacing(run.evaluation) as file:
        file.write((json.dumps(content, indent=2, allow_nan=False) + "\n").encode())
