"""The unified network: whether a picture shows damage, of which classes, and the mask of each class, in one graph.

The masks come from a slim pyramid (Lin et al., 2017, "Feature Pyramid Networks") with one field for 4 x 4 pixels: true
masks keep 0.8 of their Dice on such fields, and 0.2 on the cells of 32 x 32 that the strip network knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
import torch.nn.functional as F  # noqa: N812 - the name that all of PyTorch's users know
from torch import Tensor, nn

from steel_defect_trainer.networks.body import FEATURES, Answers, GrayMobileNet, normalise
from steel_defect_trainer.networks.mask_loss import known_cross_entropy, mask_loss
from steel_defect_trainer.strips import CELL

if TYPE_CHECKING:
    from collections.abc import Iterable

# Blocks of the body that the pyramid reads, the coarsest first, and how many channels they give.
_TAPS: Final = {17: 320, 13: 96, 6: 32, 3: 24}
_WIDE: Final = 64
_FINE: Final = 32
# Most fields show no damage.
_PRIOR_LOGIT: Final = -4.0


class Pyramid(nn.Module):
    """Features of four resolutions to mask logits (N, C, H/4, W/4)."""

    def __init__(self, classes: int) -> None:
        """Start from masks that show nothing."""
        super().__init__()
        widths = (_WIDE, _WIDE, _WIDE, _FINE)
        self.lateral = nn.ModuleList(
            nn.Conv2d(channels, width, 1) for channels, width in zip(_TAPS.values(), widths, strict=True)
        )
        self.smooth = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False),
                nn.Conv2d(width, narrower, 1, bias=False),
                nn.BatchNorm2d(narrower, momentum=0.05),
                nn.ReLU6(),
            )
            for width, narrower in zip(widths[1:], (*widths[2:], _FINE), strict=True)
        )
        self.masks = nn.Conv2d(_FINE, classes, 1)
        nn.init.normal_(self.masks.weight, std=0.01)
        nn.init.constant_(self.masks.bias, _PRIOR_LOGIT)  # type: ignore[arg-type]  # there is a bias

    def forward(self, taps: list[Tensor]) -> Tensor:
        """From the coarsest features on, each step twice as fine as the one before."""
        found: Tensor = self.lateral[0](taps[0])
        for lateral, smooth, tap in zip(list(self.lateral)[1:], self.smooth, taps[1:], strict=True):
            found = smooth(F.interpolate(found, scale_factor=2.0, mode="nearest") + lateral(tap))
        masks: Tensor = self.masks(found)
        return masks


class UnifiedHead(nn.Module):
    """What stands on the features: the pyramid, and a linear layer on their means and maxima over the picture.

    The second part is logistic regression, the best that a few dozen pictures allow, as a layer that goes on learning.
    Its inputs are standardised by what `training.whole.begin_whole` measured before.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, classes: int, dropout: float) -> None:
        """Start from odds of one to one, whatever the picture."""
        super().__init__()
        self.pyramid = Pyramid(classes)
        self.dropout = nn.Dropout(dropout)
        self.whole = nn.Linear(2 * FEATURES, 1 + classes)
        nn.init.zeros_(self.whole.weight)
        nn.init.zeros_(self.whole.bias)
        self.register_buffer("mean", torch.zeros(2 * FEATURES))
        self.register_buffer("deviation", torch.ones(2 * FEATURES))

    def judge(self, statistics: Tensor) -> Tensor:
        """Statistics (N, 2560) to the logits of any damage and of each class, (N, 1 + C)."""
        logits: Tensor = self.whole(self.dropout((statistics - self.mean) / self.deviation))
        return logits


class UnifiedNet(GrayMobileNet):
    """MobileNetV2 features, a pyramid to the mask of each class, and a linear layer to what the whole picture shows."""

    head: UnifiedHead

    def __init__(self, classes: int, *, dropout: float = 0.3) -> None:
        """Start from random weights; `load_backbone` brings those of ImageNet."""
        super().__init__()
        self.head = UnifiedHead(classes, dropout)

    def freeze(self, *, trained_blocks: int, batch_norm: bool) -> None:
        """As any network's; with a body that rests, logistic regression stays as `training.whole` made it."""
        super().freeze(trained_blocks=trained_blocks, batch_norm=batch_norm)
        self.head.whole.requires_grad_(trained_blocks > 0)

    def forward(self, image: Tensor) -> Answers:
        """Judge gray pictures, uint8 (N, H, W); places are the fields of the masks, (N, C, H/4, W/4)."""
        features, taps = tapped(self.features, image)
        masks: Tensor = self.head.pyramid(taps)
        with torch.autocast(image.device.type, enabled=False):
            whole = self.head.judge(statistics_of(features.float(), image))
        return Answers(whole[:, 0], whole[:, 1:], masks.float())

    def loss(self, answers: Answers, classes: Tensor, places: Tensor) -> Tensor:
        """Add up the losses of the picture, of its classes, and of its masks, of each what is known.

        A class is -1 if it is not known whether the picture has it; without any class that it surely has, it is then
        not known whether it is damaged.
        """
        assert answers.classes is not None  # noqa: S101 - `forward` gives both
        assert answers.places is not None  # noqa: S101 - as above
        whole = known_cross_entropy(answers.defect, damaged(classes)) + known_cross_entropy(answers.classes, classes)
        return whole + mask_loss(answers.places, places)


def damaged(classes: Tensor) -> Tensor:
    """Whether pictures show any damage, (N,): 1, 0, or -1 if that is not known, of their classes (N, C), likewise."""
    return torch.where((classes == 1).any(dim=1), 1.0, classes.amin(dim=1))


def likeliest(masks: Tensor, classes: Tensor) -> Tensor:
    """Give each field to one class: what it shows of any damage, in the mask of the class that is likeliest there.

    A mask knows a field and little around it, and what the whole picture shows knows the class better: likeliest is the
    largest product of the two probabilities.

    Args:
        masks: probabilities (N, C, h, w), each class by itself.
        classes: logits of each class in the picture, (N, C), not calibrated.

    Returns:
        Probabilities (N, C, h, w), zero but for one class a field.
    """
    product = masks * torch.sigmoid(classes)[:, :, None, None]
    first = (
        product.argmax(dim=1, keepdim=True) == torch.arange(masks.shape[1], device=masks.device)[None, :, None, None]
    )
    return masks.amax(dim=1, keepdim=True) * first


def tapped(blocks: Iterable[nn.Module], image: Tensor) -> tuple[Tensor, list[Tensor]]:
    """The features (N, 1280, H/32, W/32) of gray pictures, uint8 (N, H, W), and what the pyramid reads."""
    found: Tensor = normalise(image)
    taps: dict[int, Tensor] = {}
    for number, block in enumerate(blocks):
        found = block(found)
        if number in _TAPS:
            taps[number] = found
    return found, [taps[number] for number in _TAPS]


def statistics_of(features: Tensor, image: Tensor) -> Tensor:
    """Mean and maximum of each feature over the cells that the picture fills, (N, 2560).

    A cell of nothing but black pixels is padding, or as good as that. A picture without any other cell is taken whole.
    """
    # The brightest pixel of each cell; the features end in ReLU6, so zero is below every maximum.
    filled = (F.max_pool2d(image.unsqueeze(1).float(), CELL) > 0).float()
    filled = torch.where(filled.amax(dim=(2, 3), keepdim=True) > 0, filled, 1.0)
    inside = features * filled
    return torch.cat([inside.sum(dim=(2, 3)) / filled.sum(dim=(2, 3)), inside.amax(dim=(2, 3))], dim=1)
