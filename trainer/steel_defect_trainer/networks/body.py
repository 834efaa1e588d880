"""The body that all networks share: MobileNetV2's features on one gray channel, and their ImageNet weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torchvision.models import (  # type: ignore[import-untyped]  # torchvision ships no types
    MobileNet_V2_Weights,
    mobilenet_v2,
)

from steel_defect_trainer.strips import BLOCKS

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

FEATURES: Final = 1280
_RGB_MEAN: Final = (0.485, 0.456, 0.406)
_RGB_STD: Final = (0.229, 0.224, 0.225)
# One gray value stands for all three channels, so black borders of the convolutions mean the same to each filter.
_GRAY_MEAN: Final = 0.449


class Answers(NamedTuple):
    """What a network says of N pictures: logits that are not calibrated, float32.

    Attributes:
        defect: of any damage, (N,).
        classes: of each class, (N, C); None if the network does not distinguish classes.
        places: of each class at each place, (N, C, h, w); None if the network knows no places.
    """

    defect: Tensor
    classes: Tensor | None = None
    places: Tensor | None = None


class GrayMobileNet(nn.Module, ABC):
    """MobileNetV2's features on one gray channel; what is behind them, and what is learned, is each network's own."""

    head: nn.Module

    def __init__(self) -> None:
        """Start from random weights; `load_backbone` brings those of ImageNet."""
        super().__init__()
        self.features = mobilenet_v2(weights=None).features
        self.features[0][0] = nn.Conv2d(1, 32, 3, stride=2, padding=1, bias=False)
        self._frozen_blocks = 0
        self._features_rest = False
        self._batch_norm_frozen = False

    @abstractmethod
    def forward(self, image: Tensor) -> Answers:
        """Judge gray pictures, uint8 (N, H, W)."""

    @abstractmethod
    def loss(self, answers: Answers, classes: Tensor, places: Tensor) -> Tensor:
        """How wrong a batch is: the mean over its pictures, so that parts of a batch can be averaged.

        Args:
            answers: what `forward` gave.
            classes: float32 (N, C), 1 if the picture has the class.
            places: int8 (N, C, h, w): above 0 damaged, 0 sound, -1 unknown: cells or masks of a set,
                by the recipe's `network.learns_masks`.
        """

    def freeze(self, *, trained_blocks: int, batch_norm: bool) -> None:
        """Leave only the last `trained_blocks` of the 19 feature blocks to be trained.

        Args:
            trained_blocks: 0 to 19; the head is always trained.
            batch_norm: keep the running statistics of the trained blocks' batch normalisation as well. Those of frozen
                blocks never change.
        """
        self._frozen_blocks = BLOCKS - trained_blocks
        self._batch_norm_frozen = batch_norm
        self.features[: self._frozen_blocks].requires_grad_(requires_grad=False)
        self.train(self.training)

    def rest_features(self, rest: bool) -> None:  # noqa: FBT001 - a state, not a flag
        """Let only the head learn for now, or let what is not frozen learn again."""
        if rest is not self._features_rest:
            self._features_rest = rest
            self.features[self._frozen_blocks :].requires_grad_(not rest)

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - torch's signature
        """Switch to training, except for what is frozen."""
        super().train(mode)
        self.features[: self._frozen_blocks].eval()
        if self._batch_norm_frozen:
            for module in self.features.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self


def normalise(image: Tensor) -> Tensor:
    """Gray uint8 (N, H, W) to float32 (N, 1, H, W) around zero."""
    return image.unsqueeze(1).float() / 255 - _GRAY_MEAN


def load_backbone(network: GrayMobileNet, path: Path | None) -> None:
    """Fill the features with ImageNet weights, the three colour filters of the first layer folded into one.

    Args:
        network: changed in place.
        path: state dict with torchvision's key names ("features.0.0.weight", ...); None: torchvision downloads its own.
    """
    if path is None:
        state = mobilenet_v2(weights=MobileNet_V2_Weights.IMAGENET1K_V2).state_dict()
    else:
        state = torch.load(path, map_location="cpu", weights_only=True)
    features = {key.removeprefix("features."): value for key, value in state.items() if key.startswith("features.")}
    colour = features["0.0.weight"]
    deviation = torch.tensor(_RGB_STD).view(1, 3, 1, 1)
    features["0.0.weight"] = (colour / deviation).sum(dim=1, keepdim=True)
    # x/255 - channel mean = (x/255 - gray mean) + rest; the rest is constant and moves into the batch normalisation.
    rest = (_GRAY_MEAN - torch.tensor(_RGB_MEAN)).view(1, 3, 1, 1)
    features["0.1.running_mean"] = features["0.1.running_mean"] - (colour * rest / deviation).sum(dim=(1, 2, 3))
    network.features.load_state_dict(features)
