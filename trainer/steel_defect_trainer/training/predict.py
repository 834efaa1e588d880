"""What a network says of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from steel_defect_trainer.predictions import Predictions

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
            of_picture, of_classes = network.answers(network(pixels.to(world.device)))
            own_defect[some] = of_picture.cpu().numpy()
            if of_classes is not None:
                own_classes[some], has_classes = of_classes.cpu().numpy(), True
    defect_logits, class_logits = np.empty(len(strips), np.float32), np.empty(strips.classes.shape, np.float32)
    for rank, (defect, classes, has) in enumerate(world.gather((own_defect, own_classes, has_classes))):
        defect_logits[rank :: world.size], class_logits[rank :: world.size] = defect, classes
        has_classes |= has  # a process without pictures does not know
    return Predictions(strips.names, np.asarray(strips.classes), defect_logits, class_logits if has_classes else None)
