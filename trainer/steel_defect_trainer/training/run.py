"""From a recipe and labelled pictures to a finished run folder."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from steel_defect_trainer.data.clean_parts import with_defects_held_out
from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.data.load import load
from steel_defect_trainer.data.near_duplicates import group_near_duplicates
from steel_defect_trainer.data.split import TRAIN, Split, make_split, read_split, subset, write_split
from steel_defect_trainer.drawing.dataset import SEED, STRIPS, drawn
from steel_defect_trainer.evaluation.few import few_kinds
from steel_defect_trainer.files import replacing
from steel_defect_trainer.recipe import from_table
from steel_defect_trainer.runs.folder import RunFolder
from steel_defect_trainer.training.baseline import baseline_of_parts, pictures_of_baseline
from steel_defect_trainer.training.batches import mixture_of
from steel_defect_trainer.training.described import describe
from steel_defect_trainer.training.estimate import begun_with, planned
from steel_defect_trainer.training.final import check_pictures, take_evaluation, tried_by
from steel_defect_trainer.training.learn import learn
from steel_defect_trainer.training.predict import predict, predict_masks
from steel_defect_trainer.training.run_lock import writing
from steel_defect_trainer.training.shaped import shaped
from steel_defect_trainer.training.start import starting_network
from steel_defect_trainer.training.train import Job

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect_trainer.data.dataset import DataSet
    from steel_defect_trainer.networks.body import GrayMobileNet
    from steel_defect_trainer.recipe import Recipe
    from steel_defect_trainer.training.distributed import World
    from steel_defect_trainer.training.start import Start


@dataclass(frozen=True)
class TrainingRequest:
    """The training that a user asks for.

    Attributes:
        recipe: how.
        folder: of labelled pictures; None for drawn ones.
        split: file of parts; None to make one.
        start: where the weights come from.
        output: the run's folder.
        cache: where decoded pictures are kept.
        workers: loader processes.
        fits: whether the input gets the shape of the pictures; False if the user states one.
        final: folder of a cross-validation: learn from all pictures, and take over its figures and its decision.
        minutes: the most that the training may take; None for what the recipe says.
    """

    recipe: Recipe
    folder: Path | None
    split: Path | None
    start: Start
    output: Path
    cache: Path
    workers: int
    fits: bool = True
    final: Path | None = None
    minutes: float | None = None


def carry_out(request: TrainingRequest, world: World) -> RunFolder:
    """Train, and leave everything about the run in its folder. A run that was stopped is resumed.

    Raises:
        RecipeError: the recipe keeps weights of an earlier run, and none is named.
        RunError: another process writes into the folder; or the cross-validation of a final model is not one of this
            recipe and these pictures.
        DataError: pictures, labels or split cannot be used.
        CheckpointError: the folder holds another run, or a damaged one.
        OSError: a full disk, or no weights to download.
    """
    run = RunFolder(request.output)
    with writing(run, world):
        _carry_out(request, run, world)
    return run


def _carry_out(request: TrainingRequest, run: RunFolder, world: World) -> None:
    recipe = request.recipe
    dataset = drawn(STRIPS, SEED, request.cache) if request.folder is None else open_data(request.folder)
    recipe = shaped(recipe, dataset, world, fits=request.fits)
    tried = None if request.final is None else tried_by(request.final, recipe, dataset)
    if tried is not None:
        recipe = from_table(tried.recipe)
    elif request.minutes is not None:
        recipe = begun_with(run, recipe)
    network = starting_network(request.start, recipe, len(dataset.class_names))  # missing weights are said at once
    dataset = group_near_duplicates(dataset, request.cache)
    parts = _parts(request, dataset, run, world)
    strips = load(dataset, recipe.input, request.cache)
    everything = np.ones(len(strips), np.bool_)
    final = recipe.data.final or tried is not None
    learned = everything if tried else parts["train"] | (parts["validation"] if final else False)
    validation = None if final else strips.take(parts["validation"])
    job = Job(recipe, strips, mixture_of(strips, recipe, learned), validation, run, request.workers)
    judged = "test" if recipe.data.final else "validation"
    with_baseline = tried is None and request.start.knows_imagenet and not recipe.network.learns_from_clean
    looked_at = 0 if tried else int(parts[judged].sum())
    if with_baseline:
        looked_at += pictures_of_baseline(learned, parts[judged])
    job = planned(network, job, world, request.minutes, judged_once=looked_at)
    recipe = job.recipe
    if world.leads:
        if tried is None:
            describe(run, recipe, dataset, parts, strips)
        else:
            check_pictures(tried, strips)
            describe(run, recipe, dataset, {"train": everything}, strips, judged_by=tried.name)
        chosen_by = None if recipe.network.learns_from_clean else validation
        for warning in [] if chosen_by is None else few_kinds(chosen_by.defect, "the best epoch is chosen"):
            sys.stderr.write(f"warning: {warning}; `steel-defect cross-validate` says more of so few\n")
    network = learn(network, job, world)
    if tried is not None:
        if world.leads:
            take_evaluation(tried, run)
        return
    _judge(network, job, parts[judged], judged, world)
    if world.leads and with_baseline:
        baseline = baseline_of_parts(strips, learned, parts[judged], request.start.backbone, world.device)
        baseline.save(run.baseline(judged))


def _judge(network: GrayMobileNet, job: Job, chosen: NDArray[np.bool_], part: str, world: World) -> None:
    """Leave in the run's folder what its network says of a part."""
    held_out = job.strips.take(chosen)
    predictions = predict(network, held_out, world)
    mask_counts = predict_masks(network, held_out, world) if job.recipe.network.learns_masks else None
    if world.leads:
        predictions.save(job.run.predictions(part))
        if mask_counts is not None:
            mask_counts.save(job.run.mask_counts(part))


def _parts(request: TrainingRequest, dataset: DataSet, run: RunFolder, world: World) -> dict[str, NDArray[np.bool_]]:
    """The run's own split file, which is made or copied when the run begins and never changed."""
    path = run.split
    if request.final is not None:
        if world.leads:
            everything = dict.fromkeys((picture.name for picture in dataset.pictures), TRAIN)
            write_split(Split(everything, "all pictures are learned from"), dataset, path)
        return {}
    defects = not request.recipe.network.learns_from_clean
    if world.leads and not path.exists():
        if request.split is None:
            split = make_split(dataset, seed=0, defects=defects)
            wanted = request.recipe.data
            if wanted.train:
                split = subset(dataset, split, 0, wanted.train, wanted.validation, defects=defects)
            write_split(split if defects else with_defects_held_out(split, dataset), dataset, path)
        else:
            read_split(request.split, dataset, defects=defects)
            with replacing(path) as file:
                file.write(request.split.read_bytes())
    world.gather(None)  # the others wait for the file
    return read_split(path, dataset, defects=defects)
