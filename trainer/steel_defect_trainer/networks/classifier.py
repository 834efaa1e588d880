"""A plain classifier on MobileNetV2 features: one answer a picture, and no map. The networks of the recipes e1-*."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812 - the name that all of PyTorch's users know
from torch import nn

from steel_defect_trainer.networks.body import FEATURES, Answers, GrayMobileNet, normalise
from steel_defect_trainer.strips import CELL

if TYPE_CHECKING:
    from torch import Tensor

    from steel_defect.contract import InputSpec


class ClassifierNet(GrayMobileNet):
    """Features, averaged to a small square or not at all, then one or two fully connected layers to one logit.

    Colour filters are folded into gray ones (see `load_backbone`): the pictures are gray, so nothing but the padding
    around them differs from three equal channels.
    """

    def __init__(self, spec: InputSpec, *, pooled: int, hidden: int, dropout: float) -> None:
        """Start from random weights.

        Args:
            spec: size of the input; a head without averaging has weights for each cell of it.
            pooled: side of the square that the features are averaged to; 0 leaves them as they are.
            hidden: width of the layer before the last; 0 for none.
            dropout: chance that a value of the hidden layer is dropped. Before or after its ReLU is the same.
        """
        super().__init__()
        cells = pooled * pooled or (spec.height // CELL) * (spec.width // CELL)
        pool = [nn.AdaptiveAvgPool2d(pooled)] if pooled else []
        layers: list[nn.Module] = [*pool, nn.Flatten()]
        if hidden:
            layers += [nn.Linear(FEATURES * cells, hidden), nn.ReLU(), nn.Dropout(dropout)]
        self.head = nn.Sequential(*layers, nn.Linear(hidden or FEATURES * cells, 1))

    def forward(self, image: Tensor) -> Answers:
        """Judge gray pictures, uint8 (N, H, W): one logit each."""
        features = self.features(normalise(image))
        with torch.autocast(image.device.type, enabled=False):
            logits: Tensor = self.head(features.float())
        return Answers(logits.squeeze(1))

    def loss(self, answers: Answers, classes: Tensor, places: Tensor) -> Tensor:  # noqa: ARG002 - it knows no places
        """Binary cross entropy of the picture."""
        return F.binary_cross_entropy_with_logits(answers.defect, classes.amax(dim=1))
