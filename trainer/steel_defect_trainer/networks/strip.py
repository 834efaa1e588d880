"""The strip network: a dense map of defect classes, whose odds add up to those of the picture."""

from __future__ import annotations

from typing import Any, Final

import torch
import torch.nn.functional as F  # noqa: N812 - the name that all of PyTorch's users know
from torch import Tensor, nn

from steel_defect_trainer.networks.body import FEATURES, Answers, GrayMobileNet, normalise

CLASSES: Final = 4
# Most cells show no damage: start from odds of about 1 to 400 in each, for 400 cells and classes.
_PRIOR_LOGIT: Final = -6.0


class MapHead(nn.Conv2d):
    """A 1x1 convolution to a map of class logits, and one logit of the picture as a whole, added to every cell.

    The second part reads the features' average over the picture (as in "ParseNet", Liu et al., 2015). It is zero, and
    no step of training changes it: `training.whole.fit_whole` fits it at the end, if a recipe asks for that.
    """

    bias: nn.Parameter

    def __init__(self, classes: int) -> None:
        """Start from a map that shows no damage, and a picture's logit of zero."""
        super().__init__(FEATURES, classes, 1)
        nn.init.normal_(self.weight, std=0.01)
        self.bias = nn.Parameter(torch.full((classes,), _PRIOR_LOGIT))
        self.whole = nn.Parameter(torch.zeros(1, FEATURES, 1, 1), requires_grad=False)

    def forward(self, features: Tensor) -> Tensor:
        """Features (N, 1280, h, w) to logits (N, C, h, w)."""
        return super().forward(features) + F.conv2d(features.mean(dim=(2, 3), keepdim=True), self.whole)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:  # noqa: ANN401 - PyTorch
        """Fill this part with zeros for a run from before it existed."""
        state_dict.setdefault(f"{prefix}whole", torch.zeros_like(self.whole))
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def without_whole(self) -> nn.Conv2d:
        """The convolution alone, with the same weights: enough if nothing was fitted."""
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

    def forward(self, image: Tensor) -> Answers:
        """Judge gray pictures, uint8 (N, H, W); places are the cells, (N, C, H/32, W/32)."""
        features = self.dropout(self.features(normalise(image)))
        with torch.autocast(
            image.device.type, enabled=False
        ):  # at the logits of sound cells bfloat16 has steps of 0.03
            cells: Tensor = self.head(features.float())
        return Answers(picture_logit(cells), class_logits(cells), cells)

    def loss(self, answers: Answers, classes: Tensor, places: Tensor) -> Tensor:
        """Add up the loss of the picture, of its classes, and of those of its cells that are known."""
        assert answers.classes is not None  # noqa: S101 - `forward` gives both
        assert answers.places is not None  # noqa: S101 - as above
        defect = F.binary_cross_entropy_with_logits(answers.defect, classes.amax(dim=1))
        kinds = F.binary_cross_entropy_with_logits(answers.classes, classes)
        damaged = (places == 1).float()
        each = F.binary_cross_entropy_with_logits(answers.places, damaged, reduction="none")
        # Damaged cells are few: in each picture they weigh about as much as all sound ones together.
        weight = damaged + 0.5 * (places == 0).float()
        dense = (each * weight).flatten(1).sum(dim=1) / (damaged.flatten(1).sum(dim=1) + 2)
        return defect + kinds + 0.5 * dense.mean()


def class_logits(cells: Tensor) -> Tensor:
    """Cell logits (N, C, h, w) to a logit for each class and picture (N, C)."""
    return torch.logsumexp(cells.flatten(2), dim=2)


def picture_logit(cells: Tensor) -> Tensor:
    """Cell logits (N, C, h, w) to the logit of any damage at all (N,)."""
    return torch.logsumexp(cells.flatten(1), dim=1)
