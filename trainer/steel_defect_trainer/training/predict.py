"""What a network says of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from steel_defect_trainer.networks.unified import likeliest
from steel_defect_trainer.predictions import Predictions
from steel_defect_trainer.runs.mask_counts import LEVELS, MaskCounts, count_masks

if TYPE_CHECKING:
    from steel_defect_trainer.networks.body import GrayMobileNet
    from steel_defect_trainer.strips import StripSet
    from steel_defect_trainer.training.distributed import World


def predict(network: GrayMobileNet, strips: StripSet, world: World, *, batch: int = 16) -> Predictions:
    """Uncalibrated logits of a network in evaluation, in float32, each process taking its share of the pictures."""
    own = np.arange(world.rank, len(strips), world.size)
    own_defect, own_classes = np.empty(len(own), np.float32), np.empty((len(own), strips.classes.shape[1]), np.float32)
    has_classes = False
    network.eval()
    with torch.inference_mode():
        for start in range(0, len(own), batch):
            some = slice(start, start + batch)
            pixels = torch.from_numpy(np.asarray(strips.pixels[own[some]]))
            answers = network(pixels.to(world.device))
            own_defect[some] = answers.defect.cpu().numpy()
            if answers.classes is not None:
                own_classes[some], has_classes = answers.classes.cpu().numpy(), True
    defect_logits, class_logits = np.empty(len(strips), np.float32), np.empty(strips.classes.shape, np.float32)
    for rank, (defect, classes, has) in enumerate(world.gather((own_defect, own_classes, has_classes))):
        defect_logits[rank :: world.size], class_logits[rank :: world.size] = defect, classes
        has_classes |= has  # a process without pictures does not know
    return Predictions(strips.names, np.asarray(strips.classes), defect_logits, class_logits if has_classes else None)


def predict_masks(network: GrayMobileNet, strips: StripSet, world: World, *, batch: int = 16) -> MaskCounts:
    """Compare the masks of a network that learns masks with the true ones, each process its share of the pictures."""
    own = np.arange(world.rank, len(strips), world.size)
    rows = strips.classes.shape[1] + 1
    predicted, overlap = (np.empty((len(own), rows, LEVELS), np.float32) for _ in range(2))
    true = np.empty((len(own), rows), np.float32)
    network.eval()
    with torch.inference_mode():
        for start in range(0, len(own), batch):
            some = own[start : start + batch]
            answers = network(torch.from_numpy(np.asarray(strips.pixels[some])).to(world.device))
            places = likeliest(answers.places.sigmoid(), answers.classes).cpu().numpy()
            for row, (index, found) in enumerate(zip(some, places, strict=True), start):
                predicted[row], overlap[row], true[row] = count_masks(found, strips.masks[index], strips.classes[index])
    order = np.argsort(np.concatenate([np.arange(rank, len(strips), world.size) for rank in range(world.size)]))
    parts = zip(*world.gather((predicted, overlap, true)), strict=True)
    return MaskCounts(strips.names, *(np.concatenate(part)[order] for part in parts))
