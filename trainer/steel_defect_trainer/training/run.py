"""From a recipe and labelled pictures to a finished run folder."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pickle import UnpicklingError
from typing import TYPE_CHECKING
from urllib.error import URLError

import torch

from steel_defect_trainer.data.input_shape import canvas, fitting_input, picture_sizes
from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.data.load import load
from steel_defect_trainer.data.near_duplicates import group_near_duplicates
from steel_defect_trainer.data.split import make_split, read_split, subset, write_split
from steel_defect_trainer.drawing.dataset import SEED, STRIPS, drawn
from steel_defect_trainer.errors import CheckpointError, RecipeError
from steel_defect_trainer.evaluation.few import few_kinds
from steel_defect_trainer.files import replacing
from steel_defect_trainer.networks.body import load_backbone
from steel_defect_trainer.networks.factory import build_network
from steel_defect_trainer.recipe import Recipe, from_table, to_json
from steel_defect_trainer.runs.folder import RunFolder
from steel_defect_trainer.training.batches import mixture_of
from steel_defect_trainer.training.checkpoint import load_network
from steel_defect_trainer.training.predict import predict, predict_masks
from steel_defect_trainer.training.train import Job, train

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from steel_defect_trainer.data.dataset import DataSet
    from steel_defect_trainer.networks.body import GrayMobileNet
    from steel_defect_trainer.strips import StripSet
    from steel_defect_trainer.training.distributed import World


@dataclass(frozen=True)
class Start:
    """Where the weights come from.

    Attributes:
        run: folder of a finished run whose network is trained further; None for ImageNet.
        backbone: file of ImageNet weights; None lets torchvision download its own.
        from_scratch: random weights instead.
    """

    run: Path | None = None
    backbone: Path | None = None
    from_scratch: bool = False


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
    """

    recipe: Recipe
    folder: Path | None
    split: Path | None
    start: Start
    output: Path
    cache: Path
    workers: int
    fits: bool = True


def carry_out(request: TrainingRequest, world: World) -> RunFolder:
    """Train, and leave everything about the run in its folder. A run that was stopped is resumed.

    Raises:
        RecipeError: the recipe keeps weights of an earlier run, and none is named.
        DataError: pictures, labels or split cannot be used.
        CheckpointError: the folder holds another run, or a damaged one.
        OSError: a full disk, or no weights to download.
    """
    recipe, run = request.recipe, RunFolder(request.output)
    if recipe.optimisation.keep and request.start.run is None:
        message = "recipe: optimisation.keep is about the weights of an earlier run: name it with --start-from"
        raise RecipeError(message)
    dataset = drawn(STRIPS, SEED, request.cache) if request.folder is None else open_data(request.folder)
    dataset = group_near_duplicates(dataset, request.cache)
    recipe = _shaped(request, dataset, world)
    parts = _parts(request, dataset, run, world)
    strips = load(dataset, recipe.input, request.cache)
    learned = parts["train"] | (parts["validation"] if recipe.data.final else False)
    validation = None if recipe.data.final else strips.take(parts["validation"])
    if world.leads:
        _describe(run, recipe, dataset, parts, strips)
        for warning in [] if validation is None else few_kinds(validation.defect, "the best epoch is chosen"):
            sys.stderr.write(f"warning: {warning}; cross-validate says more of few pictures\n")
    network = _start(request.start, recipe, len(dataset.class_names))
    job = Job(recipe, strips, mixture_of(strips, recipe, learned), validation, run, request.workers)
    network = train(network, job, world)
    judged = "test" if recipe.data.final else "validation"
    held_out = strips.take(parts[judged])
    predictions = predict(network, held_out, world)
    mask_counts = predict_masks(network, held_out, world) if recipe.network.learns_masks else None
    if world.leads:
        predictions.save(run.predictions(judged))
        if mask_counts is not None:
            mask_counts.save(run.mask_counts(judged))
    return run


def _shaped(request: TrainingRequest, dataset: DataSet, world: World) -> Recipe:
    """The recipe with the input that suits the pictures; says how much of it they fill."""
    recipe, sizes = request.recipe, picture_sizes(dataset)
    if request.fits:
        recipe = replace(recipe, input=fitting_input(recipe.input, sizes))
    lie = canvas(recipe.input, sizes)
    if world.leads:
        warning = "" if lie.warning is None else f"warning: {lie.warning}\n"
        sys.stderr.write(f"{lie}\n{warning}")
    return recipe


def _parts(request: TrainingRequest, dataset: DataSet, run: RunFolder, world: World) -> dict[str, NDArray[np.bool_]]:
    """The run's own split file, which is made or copied when the run begins and never changed."""
    path = run.split
    if world.leads and not path.exists():
        if request.split is None:
            split = make_split(dataset, seed=0)
            wanted = request.recipe.data
            if wanted.train:
                split = subset(dataset, split, 0, wanted.train, wanted.validation)
            write_split(split, dataset, path)
        else:
            read_split(request.split, dataset)
            with replacing(path) as file:
                file.write(request.split.read_bytes())
    world.gather(None)  # the others wait for the file
    return read_split(path, dataset)


def _start(start: Start, recipe: Recipe, classes: int) -> GrayMobileNet:
    torch.manual_seed(recipe.seed)
    network = build_network(recipe, classes)
    if start.run is not None:
        try:
            network.load_state_dict(load_network(start.run).state_dict())
        except RuntimeError as error:
            message = f"{start.run} has a network of another shape than this recipe and data set need"
            raise CheckpointError(message) from error
    elif not start.from_scratch:
        try:
            load_backbone(network, start.backbone)
        except URLError as error:
            message = f"the ImageNet weights cannot be downloaded ({error.reason}); name a file of them with --backbone"
            raise OSError(message) from error
        except (RuntimeError, KeyError, EOFError, UnpicklingError) as error:
            first = str(error).partition("\n")[0]
            message = f"{start.backbone} does not hold MobileNetV2 weights under torchvision's names: {first}"
            raise CheckpointError(message) from error
    return network


def _describe(
    run: RunFolder, recipe: Recipe, dataset: DataSet, parts: dict[str, NDArray[np.bool_]], strips: StripSet
) -> None:
    described = {
        "folder": str(dataset.folder.resolve()),
        "class_names": dataset.class_names,
        "digest": strips.digest,
        "pictures": {part: int(chosen.sum()) for part, chosen in parts.items()},
        "defects": {part: int((chosen & strips.defect).sum()) for part, chosen in parts.items()},
    }
    if run.recipe.exists() and from_table(json.loads(run.recipe.read_text(encoding="utf-8"))) != recipe:
        message = f"{run.path} holds a run of another recipe: name another folder with --output"
        raise CheckpointError(message)
    if run.data.exists() and json.loads(run.data.read_text(encoding="utf-8"))["digest"] != strips.digest:
        message = f"{run.path} holds a run on other pictures: name another folder with --output"
        raise CheckpointError(message)
    for path, text in ((run.recipe, to_json(recipe)), (run.data, json.dumps(described, indent=2) + "\n")):
        with replacing(path) as file:
            file.write(text.encode())
