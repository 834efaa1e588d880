"""Cross-validation with whole groups held out: each picture is scored by a network that saw nothing of its group."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from steel_defect_trainer.evaluation.ranking import roc_auc
from steel_defect_trainer.runs.folder import RunFolder
from steel_defect_trainer.strips import join
from steel_defect_trainer.training.predict import predict
from steel_defect_trainer.training.train import Job, train

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
    """

    folds: NDArray[np.int64]
    defect_logits: NDArray[np.float32]
    class_logits: NDArray[np.float32] | None

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
    """

    recipe: Recipe
    start: Callable[[], GrayMobileNet]
    strips: StripSet
    extra: tuple[StripSet, ...]
    mixture: Callable[[StripSet, NDArray[np.bool_]], Mixture]
    folder: Path


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
    for part in range(int(parts.max()) + 1):
        held_out = parts == part
        usable = np.concatenate([~held_out, np.ones(len(strips) - count, np.bool_)])
        recipe = replace(trial.recipe, seed=trial.recipe.seed + part)
        run = RunFolder(trial.folder / f"part-{part + 1}")
        job = Job(recipe, strips, trial.mixture(strips, usable), None, run, own=np.arange(len(strips)) < count)
        network = train(trial.start(), job, world)
        predictions = predict(network, trial.strips.take(held_out), world)
        defect_logits[held_out] = predictions.defect_logits
        if class_logits is not None and predictions.class_logits is not None:
            class_logits[held_out] = predictions.class_logits
        else:
            class_logits = None
        quality = roc_auc(predictions.defect_logits, truth[held_out])
        sys.stderr.write(f"{run.path}: ROC-AUC {quality:.3f} on {held_out.sum()} held-out pictures\n")
    return OutOfFold(parts, defect_logits, class_logits)
