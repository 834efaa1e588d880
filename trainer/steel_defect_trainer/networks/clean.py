"""The clean network: how far a picture is from clean ones that it remembers, learned without any defect.

It is PatchCore (Roth et al., 2022, "Towards Total Recall in Industrial Anomaly Detection") on the body of the other
networks: features of two blocks with ImageNet weights for each cell, and the distance to the nearest of those that are
remembered. All of the canvas is judged, black borders too: what clean pictures show there is remembered like the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
import torch.nn.functional as F  # noqa: N812 - the name that all of PyTorch's users know
from torch import Tensor, nn

from steel_defect_trainer.networks.body import Answers, GrayMobileNet, normalise

if TYPE_CHECKING:
    from collections.abc import Iterable

# The blocks that features are read from: 32 channels at an eighth of the size, and 96 at a sixteenth.
_FINE: Final = 6
LAST: Final = 13
CHANNELS: Final = 128
# Pixels along a side of one cell of this network.
SIDE: Final = 16
# Remembered features. Twice as many take twice the time, and rank magnetic tiles no better.
MEMORY: Final = 1000
# The picture is as far as this share of its cells, the farthest ones, on average.
_FARTHEST: Final = 0.01
# Shorter distances, a hundredth of what is common, are all alike: rounding would decide them.
_LEAST: Final = 0.1


class Memory(nn.Module):
    """Features of clean cells, and what their distances mean."""

    mean: Tensor
    deviation: Tensor
    known: Tensor
    centre: Tensor
    spread: Tensor

    def __init__(self) -> None:
        """Remember nothing but zeros; `training.remember` fills the buffers."""
        super().__init__()
        self.register_buffer("mean", torch.zeros(CHANNELS))
        self.register_buffer("deviation", torch.ones(CHANNELS))
        self.register_buffer("known", torch.zeros(MEMORY, CHANNELS))
        self.register_buffer("centre", torch.zeros(()))
        self.register_buffer("spread", torch.ones(()))

    def standard(self, cells: Tensor) -> Tensor:
        """Features (..., 128) in the deviations of clean ones."""
        return (cells - self.mean) / self.deviation

    def distances(self, cells: Tensor) -> Tensor:
        """The distance (N, h, w) of the features of each cell, (N, h, w, 128), to the nearest that is remembered."""
        own = self.standard(cells)
        # |a - b|^2 = |a|^2 + |b|^2 - 2ab, so that one product of matrices compares each with all.
        nearest = (self.known.square().sum(dim=1) - 2 * (own @ self.known.T)).amin(dim=-1)
        # Not `clamp`: what becomes int8 ends at the last clipped activation.
        return ((own.square().sum(dim=-1) + nearest).relu() + _LEAST**2).sqrt()

    def logits(self, distances: Tensor) -> Tensor:
        """Distances to logits: 0 where few clean pictures get, 1 more for each deviation beyond."""
        logits: Tensor = (distances.log() - self.centre) / self.spread
        return logits


class CleanNet(GrayMobileNet):
    """Frozen MobileNetV2 features, and a memory of clean ones. It does not tell classes apart."""

    head: Memory

    def __init__(self) -> None:
        """Start from random weights and an empty memory; `load_backbone` brings the weights of ImageNet."""
        super().__init__()
        self.head = Memory()

    def forward(self, image: Tensor) -> Answers:
        """Judge gray pictures, uint8 (N, H, W); places are cells of any damage, (N, 1, H/16, W/16)."""
        distances = self.head.distances(cells_of(self.features, image))
        return Answers(self.head.logits(whole(distances)), None, self.head.logits(distances).unsqueeze(1))

    def loss(self, answers: Answers, classes: Tensor, places: Tensor) -> Tensor:
        """Nothing is learned step by step.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError


def cells_of(blocks: Iterable[nn.Module], image: Tensor) -> Tensor:
    """The features of each cell of gray pictures, uint8 (N, H, W): float32 (N, H/16, W/16, 128).

    Each is averaged with its neighbours, so that what a cell shows does not depend on where exactly it is cut.

    Args:
        blocks: of the body, at least up to `LAST`.
        image: sides are multiples of 32.
    """
    found: Tensor = normalise(image)
    parts = []
    for number, block in enumerate(blocks):
        found = block(found)
        if number in {_FINE, LAST}:
            parts.append(F.avg_pool2d(found, 3, stride=1 if number == LAST else 2, padding=1))
        if number == LAST:
            break
    return torch.cat(parts, dim=1).permute(0, 2, 3, 1)


def whole(distances: Tensor) -> Tensor:
    """The distance of each picture, (N,), from those of its cells, (N, h, w): the mean of the farthest hundredth."""
    each = distances.flatten(1)
    return each.topk(max(1, int(each.shape[1] * _FARTHEST)), dim=1).values.mean(dim=1)
