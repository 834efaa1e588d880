"""What a network that never saw steel makes of the same pictures: the figure that a training has to be ahead of.

Logistic regression on the means and maxima of the features of an ImageNet network that is not trained: a minute of
work, and hard to beat with few pictures. A run that is not ahead of it has learned nothing that was worth its time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from steel_defect_trainer.networks.body import normalise
from steel_defect_trainer.networks.strip import StripNet
from steel_defect_trainer.networks.unified import statistics_of
from steel_defect_trainer.predictions import Predictions
from steel_defect_trainer.strips import spread
from steel_defect_trainer.training.start import load_imagenet
from steel_defect_trainer.training.whole import logistic_regression

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect_trainer.strips import StripSet

# More pictures would change little, and take minutes on a CPU.
_MOST: Final = 1000
_BATCH: Final = 16
# Features that hardly move are not stretched.
_LEAST_DEVIATION: Final = 1e-3


def baseline_of_parts(
    strips: StripSet, learned: NDArray[np.bool_], judged: NDArray[np.bool_], backbone: Path | None, device: torch.device
) -> Predictions:
    """Learn from up to 1,000 of one part of the pictures, and predict another.

    Args:
        strips: N pictures.
        learned: which of them may be learned from, (N,), of both kinds.
        judged: which are predicted, (N,).
        backbone: file of ImageNet weights; None lets torchvision download its own.
        device: where the features are computed.

    Raises:
        CheckpointError: the file holds no such weights.
        OSError: they cannot be downloaded.
    """
    indices = np.flatnonzero(learned)
    indices = indices[spread(len(indices), _MOST)]
    asked = np.flatnonzero(judged)
    statistics = frozen_statistics(strips.pixels, np.concatenate([indices, asked]), backbone, device)
    known, unknown = statistics[: len(indices)], statistics[len(indices) :]
    logits = regress(known, strips.defect[indices], unknown)
    return Predictions(tuple(strips.names[index] for index in asked), np.asarray(strips.classes[asked]), logits)


def pictures_of_baseline(learned: NDArray[np.bool_], judged: NDArray[np.bool_]) -> int:
    """How many pictures `baseline_of_parts` looks at."""
    return min(int(learned.sum()), _MOST) + int(judged.sum())


def baseline_of_folds(
    strips: StripSet, folds: NDArray[np.int64], backbone: Path | None, device: torch.device
) -> Predictions:
    """Predict each fold (N,) by what was learned from the others. Arguments and errors are those of the other one."""
    statistics = frozen_statistics(strips.pixels, np.arange(len(strips)), backbone, device)
    logits = np.empty(len(strips), np.float32)
    for fold in np.unique(folds):
        out = folds == fold
        logits[out] = regress(statistics[~out], strips.defect[~out], statistics[out])
    return Predictions(strips.names, np.asarray(strips.classes), logits)


def frozen_statistics(
    pixels: NDArray[np.uint8], indices: NDArray[np.int64], backbone: Path | None, device: torch.device
) -> NDArray[np.float32]:
    """Mean and maximum of each feature of an ImageNet network over each of the pictures, (n, 2560)."""
    network = StripNet()
    load_imagenet(network, backbone)
    features = network.features.to(device).eval()
    found = []
    with torch.inference_mode():
        for start in range(0, len(indices), _BATCH):
            some = torch.from_numpy(np.asarray(pixels[indices[start : start + _BATCH]])).to(device)
            found.append(statistics_of(features(normalise(some)), some).float().cpu().numpy())
    return np.concatenate(found)


def regress(known: NDArray[np.float32], truth: NDArray[np.bool_], unknown: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits (m,) of pictures with statistics (m, D), by logistic regression on others (n, D) with their truth (n,)."""
    mean, deviation = known.mean(axis=0), np.maximum(known.std(axis=0), _LEAST_DEVIATION)
    standard = torch.from_numpy((known - mean) / deviation)
    weight, offset = logistic_regression(standard, torch.from_numpy(truth).float())
    logits: NDArray[np.float32] = ((unknown - mean) / deviation) @ weight.numpy() + offset.numpy()
    return logits.astype(np.float32)
