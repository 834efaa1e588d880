"""The networks as they are exported: in evaluation, batch normalisation folded away, calibration inside."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, ClassVar, TypeVar

import torch
import torch.nn.functional as F  # noqa: N812 - the name that all of PyTorch's users know
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from steel_defect_trainer.errors import ExportError
from steel_defect_trainer.networks.body import normalise
from steel_defect_trainer.networks.classifier import ClassifierNet
from steel_defect_trainer.networks.clean import LAST, SIDE, CleanNet, cells_of, whole
from steel_defect_trainer.networks.strip import StripNet, class_logits, picture_logit
from steel_defect_trainer.networks.unified import UnifiedNet, likeliest, statistics_of, tapped
from steel_defect_trainer.strips import CELL, FIELD

if TYPE_CHECKING:
    from steel_defect_trainer.networks.body import GrayMobileNet

Module = TypeVar("Module", bound=nn.Module)


class Deployed(nn.Module):
    """A network as it is exported: gray uint8 (N, H, W) to a tuple of probabilities, 0..1, named by `outputs`."""

    outputs: ClassVar[tuple[str, ...]]
    scale: Tensor
    offset: Tensor

    def __init__(self, scale: float, offset: float) -> None:
        """Calibrate by probability = sigmoid(scale * logit + offset)."""
        super().__init__()
        self.register_buffer("scale", torch.tensor(scale))
        self.register_buffer("offset", torch.tensor(offset))

    def calibrated(self, logits: Tensor) -> Tensor:
        """Logits to probabilities."""
        return torch.sigmoid(self.scale * logits + self.offset)


class DeployedStripNet(Deployed):
    """A strip network as it is exported."""

    outputs = ("defect_prob", "class_prob", "defect_map")

    def __init__(self, network: StripNet, scale: float, offset: float) -> None:
        """Copy a trained network, and calibrate it."""
        super().__init__(scale, offset)
        fused = StripNet(network.head.out_channels)
        fused.load_state_dict(network.state_dict())
        self.features = fold_batch_norm(fused.eval().features)
        self.head: nn.Conv2d = fused.head if fused.head.whole.any() else fused.head.without_whole()
        self.eval()

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gray uint8 (N, H, W) to defect_prob (N,), class_prob (N, C), defect_map (N, C, H/32, W/32), all 0..1."""
        cells = self.head(self.features(normalise(image)))
        defect, classes = self.calibrated(picture_logit(cells)), self.calibrated(class_logits(cells))
        return defect, classes, torch.sigmoid(cells)


class DeployedUnifiedNet(Deployed):
    """A unified network as it is exported."""

    outputs = ("defect_prob", "class_prob", "defect_map", "mask_prob")

    def __init__(self, network: UnifiedNet, scale: float, offset: float) -> None:
        """Copy a trained network, and calibrate its answers about the whole picture."""
        super().__init__(scale, offset)
        copied = copy.deepcopy(network).cpu().eval()
        self.features = fold_batch_norm(copied.features)
        self.head = copied.head
        fold_batch_norm(self.head)
        self.eval()

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Judge gray pictures, uint8 (N, H, W); everything 0..1.

        Returns:
            defect_prob (N,), class_prob (N, C), defect_map (N, C, H/32, W/32), the most of each cell of what follows,
            and mask_prob (N, C, H/4, W/4).
        """
        features, taps = tapped(self.features, image)
        # Before the whole picture is judged, as nothing behind the last clipped activation becomes int8.
        masks = torch.sigmoid(self.head.pyramid(taps))
        whole = self.head.judge(statistics_of(features, image))
        masks, whole = likeliest(masks, whole[:, 1:]), self.calibrated(whole)
        return whole[:, 0], whole[:, 1:], F.max_pool2d(masks, CELL // FIELD), masks


class DeployedCleanNet(Deployed):
    """A clean network as it is exported: its memory is constants of the graph."""

    outputs = ("defect_prob", "defect_map")

    def __init__(self, network: CleanNet, scale: float, offset: float) -> None:
        """Copy a network that remembers, and calibrate it. Blocks that it does not read are left out."""
        super().__init__(scale, offset)
        copied = copy.deepcopy(network).cpu().eval()
        self.features = fold_batch_norm(copied.features[: LAST + 1])
        self.head = copied.head
        self.eval()

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Gray uint8 (N, H, W) to defect_prob (N,) and defect_map (N, 1, H/32, W/32), both calibrated, 0..1."""
        distances = self.head.distances(cells_of(self.features, image))
        farthest = F.max_pool2d(distances.unsqueeze(1), CELL // SIDE)
        return self.calibrated(self.head.logits(whole(distances))), self.calibrated(self.head.logits(farthest))


class DeployedClassifier(Deployed):
    """A plain classifier as it is exported."""

    outputs = ("defect_prob",)

    def __init__(self, network: ClassifierNet, scale: float, offset: float) -> None:
        """Copy a trained network, and calibrate it."""
        super().__init__(scale, offset)
        copied = copy.deepcopy(network).cpu().eval()
        self.features = fold_batch_norm(copied.features)
        self.head = copied.head
        self.eval()

    def forward(self, image: Tensor) -> tuple[Tensor]:
        """Gray uint8 (N, H, W) to defect_prob (N,), 0..1."""
        logits = self.head(self.features(normalise(image))).squeeze(1)
        return (self.calibrated(logits),)


def deploy(network: GrayMobileNet, scale: float, offset: float) -> Deployed:
    """The form of a trained network that is exported; probability = sigmoid(scale * logit + offset).

    Raises:
        ExportError: a network of another kind.
    """
    if isinstance(network, StripNet):
        return DeployedStripNet(network, scale, offset)
    if isinstance(network, UnifiedNet):
        return DeployedUnifiedNet(network, scale, offset)
    if isinstance(network, CleanNet):
        return DeployedCleanNet(network, scale, offset)
    if isinstance(network, ClassifierNet):
        return DeployedClassifier(network, scale, offset)
    message = f"a {type(network).__name__} cannot be exported"
    raise ExportError(message)


def fold_batch_norm(module: Module) -> Module:
    """Fold every batch normalisation into the convolution before it, in place; the numbers stay those of evaluation."""
    for container in list(module.modules()):
        if not isinstance(container, nn.Sequential):
            continue
        for index in range(len(container) - 1):
            convolution, batch_norm = container[index], container[index + 1]
            if isinstance(convolution, nn.Conv2d) and isinstance(batch_norm, nn.BatchNorm2d):
                container[index] = fuse_conv_bn_eval(convolution, batch_norm)
                container[index + 1] = nn.Identity()
    return module
