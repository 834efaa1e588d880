"""How wrong masks and answers are, counting only what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
import torch.nn.functional as F  # noqa: N812 - the name that all of PyTorch's users know

from steel_defect_trainer.strips import PERCENT

if TYPE_CHECKING:
    from torch import Tensor

# Damage is rare: by cross-entropy alone masks stay empty, and Dice alone knows no sound pictures.
_DICE_WEIGHT: Final = 2.0


def known_cross_entropy(logits: Tensor, truth: Tensor) -> Tensor:
    """Binary cross-entropy, averaged over what is known; truth is -1 where nothing is. Zero if nothing is known."""
    known = (truth >= 0).float()
    each = F.binary_cross_entropy_with_logits(logits, truth.clamp(min=0), reduction="none")
    return (each * known).sum() / known.sum().clamp(min=1)


def mask_loss(logits: Tensor, masks: Tensor) -> Tensor:
    """Cross-entropy of the fields, Dice of each class over the batch, and Dice of any damage for each picture.

    The last is what a person looks at, and counts small damage as much as large; the first of the two Dice also weighs
    fields that are called damaged on other pictures.

    Args:
        logits: float32 (N, C, h, w).
        masks: int8 (N, C, h, w), percent of each field that is damaged, -1 unknown.
    """
    known = (masks >= 0).float()
    share = masks.clamp(min=0).float() / PERCENT
    each = F.binary_cross_entropy_with_logits(logits, share, reduction="none")
    cross_entropy = (each * known).sum() / known.sum().clamp(min=1)
    probability = torch.sigmoid(logits) * known
    of_classes = _dice_loss(probability.transpose(0, 1), share.transpose(0, 1))
    all_known = known.amin(dim=1)
    of_any = _dice_loss(probability.amax(dim=1) * all_known, share.amax(dim=1) * all_known)
    return cross_entropy + _DICE_WEIGHT * of_classes + of_any


def _dice_loss(probability: Tensor, share: Tensor) -> Tensor:
    """One minus the soft Dice of each row, averaged over the rows with damage in them; zero if there are none."""
    probability, share = probability.flatten(1), share.flatten(1)
    overlap, areas = (probability * share).sum(dim=1), (probability + share).sum(dim=1)
    damaged = (share.amax(dim=1) > 0).float()
    # One field more in each: a row with a single damaged field is no cliff.
    lost = 1 - (2 * overlap + 1) / (areas + 1)
    return (lost * damaged).sum() / damaged.sum().clamp(min=1)
