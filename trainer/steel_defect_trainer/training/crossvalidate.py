"""Cross-validation with whole groups held out: each picture is scored by a network that saw nothing of its group."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from steel_defect_trainer.evaluation.ranking import roc_auc
from steel_defect_trainer.runs.folder import RunFolder
from steel_defect_trainer.runs.mask_counts import MaskCounts
from steel_defect_trainer.strips import join
from steel_defect_trainer.training.learn import learn
from steel_defect_trainer.training.predict import predict, predict_masks
from steel_defect_trainer.training.train import Job

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect_trainer.networks.body import GrayMobileNet
    from steel_defect_trainer.recipe import Recipe
    from steel_defect_trainer.strips import StripSet
    from steel_defect_trainer.training.batches import Mixture
    from steel_defect_trainer.training.distributed import World


@dataclass(frozen=True)
class OutOfFold:
    """The logits of each picture from a network that saw neither it nor any other picture of its group.

    Attributes:
        folds: int64 (N,), the part each picture was held out in.
        defect_logits: float32 (N,), not calibrated.
        class_logits: float32 (N, C), not calibrated; None if the network has none.
        mask_counts: how its masks overlap the true ones; None if the network learns none.
    """

    folds: NDArray[np.int64]
    defect_logits: NDArray[np.float32]
    class_logits: NDArray[np.float32] | None
    mask_counts: MaskCounts | None = None

    def auc_of_folds(self, truth: NDArray[np.bool_]) -> list[float]:
        """ROC-AUC within each part."""
        return [
            roc_auc(self.defect_logits[self.folds == fold], truth[self.folds == fold]) for fold in np.unique(self.folds)
        ]


@dataclass(frozen=True)
class Trial:
    """What is cross-validated.

    Attributes:
        recipe: how each network is trained; its seed is that of the first part.
        start: makes the network to start from; called once for each part.
        strips: the N labelled pictures that are held out in turn.
        extra: pictures that are learned from in every part, and never judged.
        mixture: from all pictures (`strips`, then `extra`) and which of them may be used, what is in a batch.
        folder: a run for each part is kept in it.
        workers: loader processes.
    """

    recipe: Recipe
    start: Callable[[], GrayMobileNet]
    strips: StripSet
    extra: tuple[StripSet, ...]
    mixture: Callable[[StripSet, NDArray[np.bool_]], Mixture]
    folder: Path
    workers: int = 0


def cross_validate(trial: Trial, parts: NDArray[np.int64], world: World) -> OutOfFold:
    """Train once for each part, without it, and score it. A stopped run is resumed.

    Args:
        trial: what to do.
        parts: int64 (N,), from 0.
        world: the processes that train together.
    """
    truth, strips = trial.strips.defect, join(trial.strips, *trial.extra)
    count = len(trial.strips)
    defect_logits = np.zeros(count, np.float32)
    class_logits: NDArray[np.float32] | None = np.zeros_like(trial.strips.classes)
    masks: list[MaskCounts] = []
    for part in range(int(parts.max()) + 1):
        held_out = parts == part
        usable = np.concatenate([~held_out, np.ones(len(strips) - count, np.bool_)])
        recipe = replace(trial.recipe, seed=trial.recipe.seed + part)
        run = RunFolder(trial.folder / f"part-{part + 1}")
        own = np.arange(len(strips)) < count
        job = Job(recipe, strips, trial.mixture(strips, usable), None, run, trial.workers, own)
        network = learn(trial.start(), job, world)
        judged = trial.strips.take(held_out)
        predictions = predict(network, judged, world)
        if recipe.network.learns_masks:
            masks.append(predict_masks(network, judged, world))
        defect_logits[held_out] = predictions.defect_logits
        if class_logits is not None and predictions.class_logits is not None:
            class_logits[held_out] = predictions.class_logits
        else:
            class_logits = None
        quality = roc_auc(predictions.defect_logits, truth[held_out])
        if world.leads:
            sys.stderr.write(f"{run.path}: ROC-AUC {quality:.3f} on {held_out.sum()} held-out pictures\n")
    return OutOfFold(parts, defect_logits, class_logits, _joined(masks, trial.strips.names) if masks else None)


def _joined(masks: list[MaskCounts], names: tuple[str, ...]) -> MaskCounts:
    """The counts of all parts in the order of the names."""
    place = {name: index for index, name in enumerate(name for counts in masks for name in counts.names)}
    order = [place[name] for name in names]
    rows = ((counts.predicted, counts.overlap, counts.true) for counts in masks)
    return MaskCounts(names, *(np.concatenate(part)[order] for part in zip(*rows, strict=True)))
