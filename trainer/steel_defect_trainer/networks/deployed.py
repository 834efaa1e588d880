"""The networks as they are exported: in evaluation, batch normalisation folded away, calibration inside."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from steel_defect_trainer.errors import ExportError
from steel_defect_trainer.networks.body import normalise
from steel_defect_trainer.networks.classifier import ClassifierNet
from steel_defect_trainer.networks.strip import StripNet, class_logits, picture_logit

if TYPE_CHECKING:
    from steel_defect_trainer.networks.body import GrayMobileNet


class DeployedStripNet(nn.Module):
    """A strip network as it is exported."""

    scale: Tensor
    offset: Tensor

    def __init__(self, network: StripNet, scale: float, offset: float) -> None:
        """Copy a trained network; probability = sigmoid(scale * logit + offset)."""
        super().__init__()
        fused = StripNet(network.head.out_channels)
        fused.load_state_dict(network.state_dict())
        self.features = fold_batch_norm(fused.eval().features)
        self.head: nn.Conv2d = fused.head if fused.head.whole.any() else fused.head.without_whole()
        self.register_buffer("scale", torch.tensor(scale))
        self.register_buffer("offset", torch.tensor(offset))
        self.eval()

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gray uint8 (N, H, W) to defect_prob (N,), class_prob (N, C), defect_map (N, C, H/32, W/32), all 0..1."""
        cells = self.head(self.features(normalise(image)))
        defect = torch.sigmoid(self.scale * picture_logit(cells) + self.offset)
        classes = torch.sigmoid(self.scale * class_logits(cells) + self.offset)
        return defect, classes, torch.sigmoid(cells)


class DeployedClassifier(nn.Module):
    """A plain classifier as it is exported."""

    scale: Tensor
    offset: Tensor

    def __init__(self, network: ClassifierNet, scale: float, offset: float) -> None:
        """Copy a trained network; probability = sigmoid(scale * logit + offset)."""
        super().__init__()
        copied = copy.deepcopy(network).cpu().eval()
        self.features = fold_batch_norm(copied.features)
        self.head = copied.head
        self.register_buffer("scale", torch.tensor(scale))
        self.register_buffer("offset", torch.tensor(offset))
        self.eval()

    def forward(self, image: Tensor) -> tuple[Tensor]:
        """Gray uint8 (N, H, W) to defect_prob (N,), 0..1."""
        logits = self.head(self.features(normalise(image))).squeeze(1)
        return (torch.sigmoid(self.scale * logits + self.offset),)


def deploy(network: GrayMobileNet, scale: float, offset: float) -> nn.Module:
    """The form of a trained network that is exported; probability = sigmoid(scale * logit + offset).

    Raises:
        ExportError: a network of another kind.
    """
    if isinstance(network, StripNet):
        return DeployedStripNet(network, scale, offset)
    if isinstance(network, ClassifierNet):
        return DeployedClassifier(network, scale, offset)
    message = f"a {type(network).__name__} cannot be exported"
    raise ExportError(message)


def fold_batch_norm(module: nn.Sequential) -> nn.Sequential:
    """Fold every batch normalisation into the convolution before it, in place; the numbers stay those of evaluation."""
    for container in list(module.modules()):
        if not isinstance(container, nn.Sequential):
            continue
        for place in range(len(container) - 1):
            convolution, batch_norm = container[place], container[place + 1]
            if isinstance(convolution, nn.Conv2d) and isinstance(batch_norm, nn.BatchNorm2d):
                container[place] = fuse_conv_bn_eval(convolution, batch_norm)
                container[place + 1] = nn.Identity()
    return module
