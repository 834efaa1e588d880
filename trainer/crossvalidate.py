"""Cross-validation over the real pictures, split by where they are from."""

from __future__ import annotations

import copy
import sys
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that all of PyTorch's users know

from trainer.metrics import roc_auc
from trainer.model import StripNet, normalise
from trainer.train import Mixture, StageConfig, fit, predict

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from trainer.strips import StripSet


@dataclass(frozen=True)
class OutOfFold:
    """What models that never saw a strip, nor any of its source, say of it.

    Attributes:
        folds: int64 (N,), the part each strip was held out in.
        defect_logits: float32 (N,), not calibrated.
        class_logits: float32 (N, 4), not calibrated.
    """

    folds: NDArray[np.int64]
    defect_logits: NDArray[np.float32]
    class_logits: NDArray[np.float32]

    def auc_of_folds(self, truth: NDArray[np.bool_]) -> list[float]:
        """ROC-AUC within each part."""
        return [
            roc_auc(self.defect_logits[self.folds == fold], truth[self.folds == fold]) for fold in np.unique(self.folds)
        ]


def source_folds(sources: tuple[str, ...], folds: int) -> NDArray[np.int64]:
    """Put whole sources into parts of about equal size: the largest first, each into the smallest part so far.

    Returns:
        The part of each strip, int64 (N,).

    Raises:
        ValueError: fewer sources than parts.
    """
    sizes = Counter(sources)
    if len(sizes) < folds:
        message = f"{folds} parts without a shared source need as many sources; there are {len(sizes)}"
        raise ValueError(message)
    filled = [0] * folds
    part_of: dict[str, int] = {}
    for source, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        part_of[source] = filled.index(min(filled))
        filled[part_of[source]] += size
    return np.array([part_of[source] for source in sources], dtype=np.int64)


def cross_validate(
    pretrained: StripNet, real: StripSet, mixture: Callable[[StripSet], Mixture], config: StageConfig, *, folds: int = 5
) -> OutOfFold:
    """Fine-tune from `pretrained` once for each part, without it, and score it.

    Args:
        pretrained: has seen no real strip; left as it is.
        real: the labelled strips.
        mixture: makes the training mixture from the strips that are not held out.
        config: of the fine-tuning.
        folds: number of parts.
    """
    parts = source_folds(real.sources, folds)
    defect_logits = np.zeros(len(real), np.float32)
    class_logits = np.zeros((len(real), 4), np.float32)
    for fold in range(folds):
        held_out = parts == fold
        stage = replace(config, name=f"{config.name}, part {fold + 1} of {folds}", seed=config.seed + fold)
        network = fit(copy.deepcopy(pretrained), mixture(real.take(~held_out)), stage)
        defect_logits[held_out], class_logits[held_out] = predict(network, real.take(held_out))
        part_quality = roc_auc(defect_logits[held_out], real.defect[held_out])
        sys.stderr.write(f"{stage.name}: ROC-AUC {part_quality:.3f} on {held_out.sum()} held-out strips\n")
    return OutOfFold(parts, defect_logits, class_logits)


def frozen_baseline(imagenet: StripNet, real: StripSet, *, folds: int = 5) -> NDArray[np.float32]:
    """Out-of-fold logits (N,) of logistic regression on the averaged features of a network that is not trained."""
    with torch.inference_mode():
        features = torch.cat(
            [
                imagenet.eval().features(normalise(torch.from_numpy(real.pixels[start : start + 16]))).mean(dim=(2, 3))
                for start in range(0, len(real), 16)
            ]
        )
    features, truth = features.clone(), torch.from_numpy(real.defect).float()
    parts = torch.from_numpy(source_folds(real.sources, folds))
    logits = torch.zeros(len(real))
    for fold in range(folds):
        held_out = parts == fold
        mean, deviation = features[~held_out].mean(dim=0), features[~held_out].std(dim=0) + 1e-6
        standard = (features - mean) / deviation
        weight, offset = _logistic_regression(standard[~held_out], truth[~held_out])
        logits[held_out] = standard[held_out] @ weight + offset
    return logits.numpy()


def _logistic_regression(features: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Weights and offset with the usual unit penalty on the squared weights."""
    weight = torch.zeros(features.shape[1], requires_grad=True)
    offset = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, offset], max_iter=200)

    def loss() -> float:
        optimizer.zero_grad()
        misfit = F.binary_cross_entropy_with_logits(features @ weight + offset, truth, reduction="sum")
        total = misfit + 0.5 * weight.square().sum()
        total.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return total.item()

    optimizer.step(loss)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return weight.detach(), offset.detach()
