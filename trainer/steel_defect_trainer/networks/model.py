"""The networks' common body, MobileNetV2 on one gray channel, and the strip network: a dense map of defect classes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final

import torch
import torch.nn.functional as F  # noqa: N812 - the name that all of PyTorch's users know
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models import (  # type: ignore[import-untyped]  # torchvision ships no types
    MobileNet_V2_Weights,
    mobilenet_v2,
)

from steel_defect_trainer.strips import BLOCKS

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

CLASSES: Final = 4
FEATURES: Final = 1280
_RGB_MEAN: Final = (0.485, 0.456, 0.406)
_RGB_STD: Final = (0.229, 0.224, 0.225)
# One gray value stands for all three channels, so black borders of the convolutions mean the same to each filter.
_GRAY_MEAN: Final = 0.449
# Most cells show no damage: start from odds of about 1 to 400 in each, for 400 cells and classes.
_PRIOR_LOGIT: Final = -6.0


class GrayMobileNet(nn.Module, ABC):
    """MobileNetV2's features on one gray channel; what is behind them, and what is learned, is each network's own."""

    head: nn.Module

    def __init__(self) -> None:
        """Start from random weights; `load_backbone` brings those of ImageNet."""
        super().__init__()
        self.features = mobilenet_v2(weights=None).features
        self.features[0][0] = nn.Conv2d(1, 32, 3, stride=2, padding=1, bias=False)
        self._frozen_blocks = 0
        self._batch_norm_frozen = False

    @abstractmethod
    def forward(self, image: Tensor) -> Tensor:
        """Gray uint8 (N, H, W) to the network's own logits."""

    @abstractmethod
    def answers(self, logits: Tensor) -> tuple[Tensor, Tensor | None]:
        """What `forward` gave, as the logit of any defect (N,) and of each class (N, C) or None."""

    @abstractmethod
    def loss(self, logits: Tensor, classes: Tensor, cells: Tensor) -> Tensor:
        """How wrong a batch is: the mean over its pictures, so that parts of a batch can be averaged.

        Args:
            logits: what `forward` gave.
            classes: float32 (N, C), 1 where the picture has the class.
            cells: int8 (N, C, h, w): 1 damaged, 0 sound, -1 unknown.
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

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - torch's signature
        """Switch to training, except for what is frozen."""
        super().train(mode)
        self.features[: self._frozen_blocks].eval()
        if self._batch_norm_frozen:
            for module in self.features.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self


class MapHead(nn.Conv2d):
    """A 1x1 convolution to a map of class logits, and one logit of the picture as a whole, added to every cell.

    The second part reads the features' average over the picture (as in "ParseNet", Liu et al., 2015). It is zero, and
    no step of training changes it: `training.whole.fit_whole` fits it at the end, where a recipe asks for that.
    """

    bias: nn.Parameter

    def __init__(self, classes: int) -> None:
        """Start from a map that shows nothing, and a whole that says nothing."""
        super().__init__(FEATURES, classes, 1)
        nn.init.normal_(self.weight, std=0.01)
        self.bias = nn.Parameter(torch.full((classes,), _PRIOR_LOGIT))
        self.whole = nn.Parameter(torch.zeros(1, FEATURES, 1, 1), requires_grad=False)

    def forward(self, features: Tensor) -> Tensor:
        """Features (N, 1280, h, w) to logits (N, C, h, w)."""
        return super().forward(features) + F.conv2d(features.mean(dim=(2, 3), keepdim=True), self.whole)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:  # noqa: ANN401
        """A run that was trained before there was this part has nothing in it."""
        state_dict.setdefault(f"{prefix}whole", torch.zeros_like(self.whole))
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def without_whole(self) -> nn.Conv2d:
        """The convolution alone, with the same weights: all there is where nothing was fitted."""
        plain = nn.Conv2d(FEATURES, self.out_channels, 1)
        plain.weight, plain.bias = self.weight, self.bias
        return plain


class StripNet(GrayMobileNet):
    """MobileNetV2 features and a 1x1 convolution to a map of class logits, one cell for 32 x 32 pixels.

    The odds of all cells are added up (log-sum-exp), so one damaged cell is enough to make a damaged picture, and the
    place of the damage comes with the answer.
    """

    head: MapHead

    def __init__(self, classes: int = CLASSES, *, dropout: float = 0.2) -> None:
        """Start from random weights; `load_backbone` brings those of ImageNet."""
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.head = MapHead(classes)

    def forward(self, image: Tensor) -> Tensor:
        """Gray uint8 (N, H, W) to class logits (N, C, H/32, W/32)."""
        cells: Tensor = self.head(self.dropout(self.features(normalise(image))).float())
        return cells

    def answers(self, logits: Tensor) -> tuple[Tensor, Tensor | None]:
        """Cell logits (N, C, h, w) to the logits of any damage (N,) and of each class (N, C)."""
        return picture_logit(logits), class_logits(logits)

    def loss(self, logits: Tensor, classes: Tensor, cells: Tensor) -> Tensor:
        """Add up the loss of the picture, of its classes, and of its cells where they are known."""
        defect = F.binary_cross_entropy_with_logits(picture_logit(logits), classes.amax(dim=1))
        kinds = F.binary_cross_entropy_with_logits(class_logits(logits), classes)
        each = F.binary_cross_entropy_with_logits(logits, (cells == 1).float(), reduction="none")
        # Damaged cells are few: in each picture they weigh about as much as all sound ones together.
        damaged = (cells == 1).float()
        weight = damaged + 0.5 * (cells == 0).float()
        dense = (each * weight).flatten(1).sum(dim=1) / (damaged.flatten(1).sum(dim=1) + 2)
        return defect + kinds + 0.5 * dense.mean()


class DeployedStripNet(nn.Module):
    """What is exported: the network in evaluation, batch normalisation folded away, calibration inside."""

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


def normalise(image: Tensor) -> Tensor:
    """Gray uint8 (N, H, W) to float32 (N, 1, H, W) around zero."""
    return image.unsqueeze(1).float() / 255 - _GRAY_MEAN


def class_logits(cells: Tensor) -> Tensor:
    """Cell logits (N, C, h, w) to a logit for each class and picture (N, C)."""
    return torch.logsumexp(cells.flatten(2), dim=2)


def picture_logit(cells: Tensor) -> Tensor:
    """Cell logits (N, C, h, w) to the logit of any damage at all (N,)."""
    return torch.logsumexp(cells.flatten(1), dim=1)


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
