"""From a recipe and few labelled pictures to a cross-validation that is read like a run.

Its folder has the predictions of all pictures, each by a network that did not see it, under the name of a validation
part; so `evaluate`, `compare` and `--decision-from` take it as they take a run.
"""

from __future__ import annotations

import csv
import io
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.data.load import load
from steel_defect_trainer.data.near_duplicates import group_near_duplicates
from steel_defect_trainer.data.split import make_folds
from steel_defect_trainer.errors import RecipeError
from steel_defect_trainer.evaluation.few import FEW, counted
from steel_defect_trainer.files import replacing
from steel_defect_trainer.predictions import Predictions
from steel_defect_trainer.runs.folder import RunFolder
from steel_defect_trainer.training.baseline import baseline_of_folds
from steel_defect_trainer.training.batches import mixture_of
from steel_defect_trainer.training.crossvalidate import Trial, cross_validate
from steel_defect_trainer.training.described import describe
from steel_defect_trainer.training.estimate import begun_with, planned
from steel_defect_trainer.training.run_lock import writing
from steel_defect_trainer.training.shaped import shaped
from steel_defect_trainer.training.start import starting_network
from steel_defect_trainer.training.train import Job

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect_trainer.data.dataset import DataSet
    from steel_defect_trainer.recipe import Recipe
    from steel_defect_trainer.training.distributed import World
from steel_defect_trainer.training.start import Start


@dataclass(frozen=True)
class CrossValidationRequest:
    """The cross-validation that a user asks for.

    Attributes:
        recipe: how each network is trained.
        folder: of labelled pictures.
        folds: in how many parts they are held out in turn.
        start: where the weights of each network come from.
        output: folder of the cross-validation, with a run for each fold.
        cache: where decoded pictures are kept.
        workers: loader processes.
        fits: whether the input gets the shape of the pictures; False if the user states one.
        minutes: the most that all trainings together may take; None for what the recipe says.
    """

    recipe: Recipe
    folder: Path
    folds: int
    start: Start
    output: Path
    cache: Path
    workers: int
    fits: bool = True
    minutes: float | None = None


def carry_out_folds(request: CrossValidationRequest, world: World) -> RunFolder:
    """Train a network for each fold, and the baseline, and leave their out-of-fold predictions in the folder.

    What was stopped is resumed.

    Raises:
        RecipeError: the recipe has parts of its own.
        RunError: another process writes into the folder.
        DataError: pictures or labels cannot be used, or are too few for so many folds.
        CheckpointError: the folder holds something else, or something damaged.
        OSError: a full disk, or no weights to download.
    """
    run = RunFolder(request.output)
    with writing(run, world):
        _carry_out(request, run, world)
    return run


def _carry_out(request: CrossValidationRequest, run: RunFolder, world: World) -> None:
    recipe = request.recipe
    if recipe.data.final or recipe.data.train:
        message = "recipe: a cross-validation makes its own parts: leave data.final, data.train and data.validation out"
        raise RecipeError(message)
    dataset = open_data(request.folder)
    recipe = shaped(recipe, dataset, world, fits=request.fits)
    network = starting_network(request.start, recipe, len(dataset.class_names))  # missing weights are said at once
    dataset = group_near_duplicates(dataset, request.cache)
    folds = make_folds(dataset, request.folds, seed=0)
    strips = load(dataset, recipe.input, request.cache)
    if request.minutes is not None:
        recipe = begun_with(run, recipe)
    first = Job(recipe, strips, mixture_of(strips, recipe, folds != 0), None, RunFolder(run.path / "part-1"))
    looked_at = len(strips) * (2 if request.start.knows_imagenet else 1)  # by the folds' networks, and the baseline
    recipe = planned(network, first, world, request.minutes, times=request.folds, judged_once=looked_at).recipe
    if world.leads:
        timed = {} if request.minutes is None else {"minutes": request.minutes}
        everything = {"validation": np.ones(len(strips), np.bool_)}
        describe(run, recipe, dataset, everything, strips, folds=request.folds, **timed)
        _write_folds(run, dataset, folds)
        if (defects := int(strips.defect.sum())) < FEW:
            few = f"threshold and review band will rest on {counted(defects, 'defect')}, and may let little pass"
            sys.stderr.write(f"warning: {few}; the recipe `clean` needs none\n")
    trial = Trial(
        recipe=recipe,
        start=lambda: starting_network(request.start, recipe, len(dataset.class_names)),
        strips=strips,
        extra=(),
        mixture=lambda pictures, usable: mixture_of(pictures, recipe, usable),
        folder=run.path,
        workers=request.workers,
    )
    found = cross_validate(trial, folds, world)
    if world.leads:
        classes = np.asarray(strips.classes)
        Predictions(strips.names, classes, found.defect_logits, found.class_logits).save(run.predictions("validation"))
        if found.mask_counts is not None:
            found.mask_counts.save(run.mask_counts("validation"))
        if request.start.knows_imagenet:
            baseline = baseline_of_folds(strips, folds, request.start.backbone, world.device)
            baseline.save(run.baseline("validation"))


def _write_folds(run: RunFolder, dataset: DataSet, folds: NDArray[np.int64]) -> None:
    """Write the group and the fold of each picture, as a split file has its parts."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "group", "part"))
    writer.writerows(
        (picture.name, picture.group, f"fold-{fold + 1}") for picture, fold in zip(dataset.pictures, folds, strict=True)
    )
    with replacing(run.split) as file:
        file.write(text.getvalue().encode())
