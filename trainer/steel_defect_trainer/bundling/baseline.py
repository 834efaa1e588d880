"""What a network that was never trained on steel reaches: the figure that the bundled model is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from steel_defect_trainer.networks.body import normalise
from steel_defect_trainer.training.whole import logistic_regression

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steel_defect_trainer.networks.body import GrayMobileNet
    from steel_defect_trainer.strips import StripSet


def frozen_baseline(imagenet: GrayMobileNet, strips: StripSet, parts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Out-of-fold logits (N,) of logistic regression on the averaged features of a network that is not trained."""
    with torch.inference_mode():
        features = torch.cat(
            [
                imagenet.eval()
                .features(normalise(torch.from_numpy(strips.pixels[start : start + 16])))
                .mean(dim=(2, 3))
                for start in range(0, len(strips), 16)
            ]
        )
    features, truth = features.clone(), torch.from_numpy(strips.defect).float()
    logits = torch.zeros(len(strips))
    for part in np.unique(parts):
        held_out = torch.from_numpy(parts == part)
        mean, deviation = features[~held_out].mean(dim=0), features[~held_out].std(dim=0) + 1e-6
        standard = (features - mean) / deviation
        weight, offset = logistic_regression(standard[~held_out], truth[~held_out])
        logits[held_out] = standard[held_out] @ weight + offset
    return logits.numpy()
