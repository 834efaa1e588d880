"""Training: one loop that reads from top to bottom, on one CPU as on many graphics cards."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import nn

from steel_defect_trainer.errors import RecipeError
from steel_defect_trainer.training.batches import batches
from steel_defect_trainer.training.checkpoint import read_checkpoint, write_checkpoint
from steel_defect_trainer.training.optimisation import rate_at
from steel_defect_trainer.training.predict import predict
from steel_defect_trainer.training.runlog import RunLog
from steel_defect_trainer.training.state import TrainingState
from steel_defect_trainer.training.validation import figures
from steel_defect_trainer.training.whole import begin_whole, fit_whole

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from steel_defect_trainer.networks.body import GrayMobileNet
    from steel_defect_trainer.recipe import Optimisation, Recipe
    from steel_defect_trainer.runs.folder import RunFolder
    from steel_defect_trainer.strips import StripSet
    from steel_defect_trainer.training.batches import Mixture
    from steel_defect_trainer.training.distributed import World

_SECONDS_BETWEEN_CHECKPOINTS: Final = 300


@dataclass(frozen=True)
class Job:
    """One training: how, on which pictures, and where its files go.

    Attributes:
        recipe: how.
        strips: all pictures to learn from.
        mixture: which of them are in a batch, and how many of each kind; see `training.batches.mixture_of`.
        validation: pictures to choose the best epoch by; None takes the last.
        run: where checkpoints and logs go.
        workers: loader processes; 0 loads in this one.
        own: which pictures are like those that will be judged, bool (N,), if others are learned from beside them; None
            if all are.
    """

    recipe: Recipe
    strips: StripSet
    mixture: Mixture
    validation: StripSet | None
    run: RunFolder
    workers: int = 0
    own: NDArray[np.bool_] | None = None

    @property
    def steps_in_epoch(self) -> int:
        """Steps in which as many pictures are seen as there are."""
        pictures = sum(len(indices) for indices, _ in self.mixture)
        return max(1, math.ceil(pictures / self.recipe.optimisation.batch))

    @property
    def steps(self) -> int:
        """All steps."""
        plan = self.recipe.optimisation
        return plan.steps or max(1, round(plan.epochs * self.steps_in_epoch))


def train(network: GrayMobileNet, job: Job, world: World) -> GrayMobileNet:
    """Train, from the run's last checkpoint if there is one, and leave `best.pt` in its folder.

    A run that was stopped anywhere and resumed gives the same weights as one that was not, on a CPU bit by bit.

    Args:
        network: where to start; changed on the way.
        job: what to train on, and how.
        world: the processes that train together.

    Returns:
        The averaged weights: those of the epoch with the best validation ROC-AUC, and the lowest loss among equals, or
        the last; with a share of those it started from, and fitted to whole pictures, if the recipe asks for that.

    Raises:
        CheckpointError: the folder's checkpoint is damaged or of another recipe.
        RecipeError: a batch cannot be shared by so many processes.
        OSError: a checkpoint cannot be written; the one before is unchanged.
    """
    recipe, plan, run = job.recipe, job.recipe.optimisation, job.run
    if plan.batch % world.size:
        message = f"a batch of {plan.batch} pictures cannot be shared evenly by {world.size} processes"
        raise RecipeError(message)
    if not run.last.exists():
        begin_whole(network, job.strips, _own(job), rests=recipe.network.masks_alone)
    start = copy.deepcopy(network)
    state = TrainingState(network, recipe, world)
    if run.last.exists():
        state.restore(run.last)
    progress = state.progress
    steps = range(progress.step, progress.step if progress.finished else job.steps)
    loader = batches(job.strips, job.mixture, recipe, steps, world=world, workers=job.workers)
    saved = time.monotonic()

    with RunLog(run, job.steps, progress.step, talks=world.leads) as log:
        for step, batch in zip(steps, loader, strict=True):
            # Dropout draws from the global generator: seeded by the step, it needs no place in a checkpoint.
            torch.manual_seed(int(np.random.SeedSequence((recipe.seed, step, world.rank)).generate_state(1)[0]))
            factor = rate_at(step, job.steps, plan)
            for group in state.optimizer.param_groups:
                group["lr"] = factor * group["peak"]
            state.network.rest_features(step < plan.heads_first)
            loss = training_step(state, batch, plan)
            progress.step = step + 1
            progress.loss += loss
            log.step(progress.step, loss=loss, rate=factor, pictures=len(batch[0]) * world.size)
            epoch_ends = progress.step % job.steps_in_epoch == 0 or progress.step == job.steps
            if epoch_ends:
                _end_epoch(state, job, world, log)
            if world.leads and (epoch_ends or time.monotonic() - saved > _SECONDS_BETWEEN_CHECKPOINTS):
                state.save(run.last)
                saved = time.monotonic()
            if progress.finished:
                break

    if world.leads and (plan.keep or plan.refit):
        _settle(start, job)
    world.gather(None)  # nobody reads the best weights before they are written
    best = read_checkpoint(run.best)["network"]
    state.network.load_state_dict(best)
    return state.network.eval()


def training_step(state: TrainingState, batch: tuple[Tensor, Tensor, Tensor], plan: Optimisation) -> float:
    """Learn from one batch: the loss, its gradients, clipped if the plan says so, new weights and their average.

    Args:
        state: changed in place; its optimiser has the rates of this step.
        batch: pixels, classes and places, as `training.batches.batches` gives them.
        plan: for the largest norm of a gradient.

    Returns:
        The loss of the batch, or of this process's share of it.
    """
    pixels, classes, places = batch
    with torch.autocast(pixels.device.type, state.precision, enabled=state.precision is not torch.float32):
        answers = state.replica(pixels)
    loss = state.network.loss(answers, classes, places)
    state.optimizer.zero_grad()
    state.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    if plan.clip:
        state.scaler.unscale_(state.optimizer)
        nn.utils.clip_grad_norm_(state.network.parameters(), plan.clip)
    state.scaler.step(state.optimizer)
    state.scaler.update()
    state.update_average()
    return float(loss.detach())


def _own(job: Job) -> NDArray[np.bool_]:
    """Which pictures are learned from and like those that will be judged, (N,)."""
    learned = np.zeros(len(job.strips), np.bool_)
    for indices, _ in job.mixture:
        learned[indices] = True
    return learned if job.own is None else learned & job.own


def _settle(start: GrayMobileNet, job: Job) -> None:
    """Turn the best weights into those that the recipe asks for, once."""
    best, plan = read_checkpoint(job.run.best), job.recipe.optimisation
    if best.get("settled"):
        return
    began = start.state_dict()
    start.load_state_dict(
        {
            name: torch.lerp(value, began[name], plan.keep) if value.is_floating_point() else value
            for name, value in best["network"].items()
        }
    )
    if plan.refit:
        fit_whole(start, job.strips, _own(job))
    write_checkpoint(job.run.best, {**best, "network": start.state_dict(), "settled": True})


def _end_epoch(state: TrainingState, job: Job, world: World, log: RunLog) -> None:
    """Validate the averaged weights, keep them if they are the best so far, and log the epoch."""
    progress, validation, better = state.progress, None, True
    steps_of_epoch = (progress.step - 1) % job.steps_in_epoch + 1
    progress.epoch += 1
    if job.validation is not None:
        validation = figures(predict(state.average, job.validation, world))
        # Few pictures are soon all ranked right; of such epochs the first is not the best. Where masks alone learn, all
        # are alike, and the last is.
        better = job.recipe.network.masks_alone or (validation["roc_auc"], -validation["loss"]) > (
            progress.best,
            -progress.best_loss,
        )
        if better:
            progress.best, progress.best_loss = validation["roc_auc"], validation["loss"]
    progress.epochs_since_best = 0 if better else progress.epochs_since_best + 1
    if better and world.leads:
        write_checkpoint(job.run.best, {"network": state.average.state_dict(), "step": progress.step})
    log.epoch(progress.epoch, train_loss=progress.loss / steps_of_epoch, validation=validation, best=better)
    progress.loss = 0.0
    patience = job.recipe.optimisation.patience
    progress.finished = progress.step == job.steps or 0 < patience <= progress.epochs_since_best
