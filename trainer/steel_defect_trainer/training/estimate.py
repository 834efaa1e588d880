"""How long a training will take, measured on its own pictures before it begins, and how many steps fit into a time."""

from __future__ import annotations

import copy
import json
import math
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from steel_defect_trainer.recipe import from_table
from steel_defect_trainer.training.batches import batches
from steel_defect_trainer.training.runlog import in_words
from steel_defect_trainer.training.state import TrainingState
from steel_defect_trainer.training.train import training_step

if TYPE_CHECKING:
    from steel_defect_trainer.networks.body import GrayMobileNet
    from steel_defect_trainer.recipe import Recipe
    from steel_defect_trainer.runs.folder import RunFolder
    from steel_defect_trainer.training.distributed import World
    from steel_defect_trainer.training.train import Job

_TIMED: Final = 3
# To judge a picture takes about this share of learning from it.
_JUDGING: Final = 1 / 3
# A training of fewer steps is over before an estimate of it would be worth its time.
_WORTH: Final = 30


def planned(  # noqa: PLR0913 - a training, and what comes beside its steps
    network: GrayMobileNet, job: Job, world: World, minutes: float | None, *, times: int = 1, judged_once: int = 0
) -> Job:
    """Say how long a training will take, and shorten it to a time if one is given.

    A shorter training has fewer steps, and its schedule ends with them: it is not one that was cut off. The time is
    that of the steps and of judging pictures, on this machine as it is now; decoding comes before.

    Args:
        network: where to start; not changed.
        job: what is planned; not begun.
        world: the processes that train together.
        minutes: the most it may take; None for what the recipe says.
        times: how often such a training will be done one after the other.
        judged_once: pictures that are judged besides, once: at the end, and for the baseline.

    Returns:
        The job, with other steps in its recipe if it would take longer.
    """
    if (
        job.recipe.network.learns_from_clean
        or job.run.last.exists()
        or (minutes is None and job.steps * times < _WORTH)
    ):
        return job
    step = world.gather(_seconds_a_step(network, job, world))[0]
    judged = 0 if job.validation is None else len(job.validation)
    judging = step * _JUDGING / job.recipe.optimisation.batch
    each, at_last = step + judging * judged / job.steps_in_epoch, judging * judged_once
    if minutes is not None:
        fitting = max(1, math.floor((60 * minutes - at_last) / times / each))
        if fitting < job.steps:
            job = replace(job, recipe=shortened(job.recipe, fitting, job.steps))
    if world.leads:
        runs = "" if times == 1 else f"{times} times "
        sys.stderr.write(
            f"{runs}{job.steps:,} steps of {job.recipe.optimisation.batch} pictures, {step:.2g} s each: "
            f"about {in_words(times * job.steps * each + at_last)}\n"
        )
    return job


def shortened(recipe: Recipe, steps: int, before: int) -> Recipe:
    """A recipe with fewer steps, of which the head learns alone in the same share."""
    plan = recipe.optimisation
    heads_first = round(plan.heads_first * steps / before)
    return replace(recipe, optimisation=replace(plan, steps=steps, heads_first=heads_first))


def begun_with(run: RunFolder, recipe: Recipe) -> Recipe:
    """The recipe with the steps of the one that the run began with, so that it ends as it was planned then."""
    if not run.recipe.exists():
        return recipe
    before = from_table(json.loads(run.recipe.read_text(encoding="utf-8"))).optimisation
    plan = replace(recipe.optimisation, steps=before.steps, heads_first=before.heads_first)
    return replace(recipe, optimisation=plan)


def _seconds_a_step(network: GrayMobileNet, job: Job, world: World) -> float:
    """Learn a few steps with a copy, the first of them untimed; loader processes prepare batches meanwhile."""
    state = TrainingState(copy.deepcopy(network), job.recipe, replace(world, size=1))
    loading, learning = [], []
    began = time.perf_counter()
    for batch in batches(job.strips, job.mixture, job.recipe, range(_TIMED + 1), world=world, workers=0):
        loaded = time.perf_counter()
        training_step(state, batch, job.recipe.optimisation)
        loading.append(loaded - began)
        began = time.perf_counter()
        learning.append(began - loaded)
    load, learn = sum(loading[1:]) / _TIMED, sum(learning[1:]) / _TIMED
    return max(learn, load / job.workers) if job.workers else learn + load
