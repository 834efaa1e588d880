"""What a network that was never trained on steel reaches: the figure that the bundled model is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from steel_defect_trainer.networks.unified import statistics_of, tapped
from steel_defect_trainer.training.whole import logistic_regression

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steel_defect_trainer.networks.body import GrayMobileNet
    from steel_defect_trainer.strips import StripSet

_BATCH = 16
# What hardly moves from picture to picture is not stretched to a unit of deviation.
_LEAST_DEVIATION = 0.01


def frozen_baseline(imagenet: GrayMobileNet, strips: StripSet, parts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Out-of-fold logits (N,) of logistic regression on means and maxima of the features, which are not trained."""
    seen = []
    with torch.inference_mode():
        for start in range(0, len(strips), _BATCH):
            pixels = torch.from_numpy(np.array(strips.pixels[start : start + _BATCH]))
            seen.append(statistics_of(tapped(imagenet.eval().features, pixels)[0], pixels))
    features, truth = torch.cat(seen).clone(), torch.from_numpy(strips.defect).float()
    logits = torch.zeros(len(strips))
    for part in np.unique(parts):
        held_out = torch.from_numpy(parts == part)
        mean, deviation = features[~held_out].mean(dim=0), features[~held_out].std(dim=0).clamp(min=_LEAST_DEVIATION)
        standard = (features - mean) / deviation
        weight, offset = logistic_regression(standard[~held_out], truth[~held_out])
        logits[held_out] = standard[held_out] @ weight + offset
    return logits.numpy()
