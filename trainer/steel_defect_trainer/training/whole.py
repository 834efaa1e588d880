"""Fits what networks make of the features of a picture as a whole.

A map of cells finds damage that shows in a cell. Steel of another mill differs from what the network knows all over the
picture: its grain, its light, its dirt. The averaged features show that, and a few dozen pictures are enough to weigh
them by logistic regression, which all weights together would need many more for (Kirichenko et al., 2023, "Last Layer
Re-Training is Sufficient for Robustness to Spurious Correlations").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that all of PyTorch's users know

from steel_defect_trainer.networks.body import normalise
from steel_defect_trainer.networks.strip import StripNet, picture_logit
from steel_defect_trainer.networks.unified import UnifiedNet, damaged, statistics_of, tapped
from steel_defect_trainer.strips import spread

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from steel_defect_trainer.networks.body import GrayMobileNet
    from steel_defect_trainer.strips import StripSet

# More would not change much, and takes minutes on a CPU.
_MOST: Final = 1000
_BATCH: Final = 16
# In a trained network the averaged features differ by 0.1 to 1 from picture to picture. What hardly moves is not
# stretched to that: a huge weight on it would turn the last digits into noise.
_LEAST_DEVIATION: Final = 0.01


def fit_whole(network: GrayMobileNet, strips: StripSet, chosen: NDArray[np.bool_]) -> None:
    """Fit a strip network to whole pictures, once its other weights have learned.

    A network without a map is not changed, nor is any if the pictures are all damaged or all sound.

    The logits of the map are given; weights of the averaged features, and one offset for all cells, are fitted beside
    them.

    Args:
        network: on the CPU; changed in place.
        strips: N labelled pictures.
        chosen: which of them may be learned from, bool (N,); if they are more than 1,000, 1,000 spread over them are.
    """
    indices = np.flatnonzero(chosen)
    indices = indices[spread(len(indices), _MOST)]
    if not isinstance(network, StripNet) or len(np.unique(strips.defect[indices])) < 2:  # noqa: PLR2004 - two labels
        return
    with torch.no_grad():
        averages, given = _seen(network, strips.pixels, indices)
        truth = torch.from_numpy(strips.defect[indices]).float()
    mean, deviation = averages.mean(dim=0), averages.std(dim=0).clamp(min=_LEAST_DEVIATION)
    weight, offset = logistic_regression((averages - mean) / deviation, truth, given)
    weight, head = weight / deviation, network.head
    with torch.no_grad():
        head.whole.add_(weight.view_as(head.whole))
        head.bias.add_(offset - mean @ weight)


def begin_whole(network: GrayMobileNet, strips: StripSet, chosen: NDArray[np.bool_], *, rests: bool) -> None:
    """Measure mean and deviation of a unified network's statistics, before it learns; other networks are left alone.

    One that has learned is left alone too, since its weights belong to what was measured then; but if its body rests,
    logistic regression is the best that can be made of the statistics, and is made here, once.

    Args:
        network: on the CPU; changed in place.
        strips: N pictures.
        chosen: which of them will be learned from, bool (N,); if they are more than 1,000, 1,000 spread over them are
            used.
        rests: whether no block of the body is trained.
    """
    if not isinstance(network, UnifiedNet) or (network.head.whole.weight.any() and not rests):
        return
    indices = np.flatnonzero(chosen)
    indices = indices[spread(len(indices), _MOST)]
    network.eval()
    with torch.no_grad():
        batches = (
            torch.from_numpy(np.asarray(strips.pixels[indices[start : start + _BATCH]]))
            for start in range(0, len(indices), _BATCH)
        )
        statistics = torch.cat([statistics_of(tapped(network.features, pixels)[0], pixels) for pixels in batches])
    head = network.head
    head.mean.copy_(statistics.mean(dim=0))
    head.deviation.copy_(statistics.std(dim=0, correction=0).clamp(min=_LEAST_DEVIATION))
    if not rests:
        return
    standard, classes = (statistics - head.mean) / head.deviation, torch.from_numpy(strips.classes[indices])
    for row, truth in enumerate((damaged(classes), *classes.T)):
        known = truth >= 0
        if len(truth[known].unique()) == 2:  # noqa: PLR2004 - two labels
            weight, offset = logistic_regression(standard[known], truth[known])
            with torch.no_grad():
                head.whole.weight[row].copy_(weight)
                head.whole.bias[row].copy_(offset)
        elif known.any():
            # All alike: odds with half a picture more of each kind, so that a class nobody saw is unlikely, not 0.5.
            shown = truth[known]
            with torch.no_grad():
                head.whole.weight[row].zero_()
                head.whole.bias[row] = torch.log((shown.sum() + 0.5) / ((1 - shown).sum() + 0.5))


def _seen(network: StripNet, pixels: NDArray[np.uint8], indices: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """The averaged features (n, 1280) of some pictures, and their logits of any damage (n,), in evaluation."""
    training = network.training
    network.eval()
    averages, logits = [], []
    for start in range(0, len(indices), _BATCH):
        features = network.features(normalise(torch.from_numpy(np.asarray(pixels[indices[start : start + _BATCH]]))))
        averages.append(features.mean(dim=(2, 3)))
        logits.append(picture_logit(network.head(features)))
    network.train(training)
    return torch.cat(averages), torch.cat(logits)


def logistic_regression(features: Tensor, truth: Tensor, given: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Weights (D,) and offset with the usual unit penalty on the squared weights.

    Args:
        features: float32 (N, D), each of about unit variance.
        truth: float32 (N,), 0 or 1.
        given: logits (N,) that are already known; None for zeros.
    """
    weight = torch.zeros(features.shape[1], requires_grad=True)
    offset = torch.zeros((), requires_grad=True)
    known = torch.zeros(len(truth)) if given is None else given
    optimizer = torch.optim.LBFGS([weight, offset], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> float:
        optimizer.zero_grad()
        misfit = F.binary_cross_entropy_with_logits(known + features @ weight + offset, truth, reduction="sum")
        total = misfit + 0.5 * weight.square().sum()
        total.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return total.item()

    optimizer.step(loss)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return weight.detach(), offset.detach()
