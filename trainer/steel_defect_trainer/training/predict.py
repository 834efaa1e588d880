"""What a network says of pictures."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np
import torch

from steel_defect_trainer.predictions import Predictions

if TYPE_CHECKING:
    from steel_defect_trainer.networks.model import GrayMobileNet
    from steel_defect_trainer.strips import StripSet
    from steel_defect_trainer.training.distributed import World


def predict(network: GrayMobileNet, strips: StripSet, world: World, *, batch: int = 16) -> Predictions:
    """Uncalibrated logits of a network in evaluation, in float32, each process taking its share of the pictures."""
    defect: list[np.ndarray] = []
    kinds: list[np.ndarray] = []
    network.eval()
    mine = range(world.rank, len(strips), world.size)
    with torch.inference_mode():
        for start in range(0, len(mine), batch):
            places = np.array(mine[start : start + batch])
            of_picture, of_classes = network.answers(
                network(torch.from_numpy(np.array(strips.pixels[places])).to(world.device))
            )
            defect.extend(of_picture.cpu().numpy())
            if of_classes is not None:
                kinds.extend(of_classes.cpu().numpy())
    of_pictures, of_kinds = _in_order(world.gather(defect)), _in_order(world.gather(kinds))
    return Predictions(strips.names, np.asarray(strips.classes), of_pictures, of_kinds if len(of_kinds) else None)


def _in_order(parts: list[list[np.ndarray]]) -> np.ndarray:
    """Undo the dealing of pictures to processes."""
    rounds = [list(one) for one in zip_longest(*parts)]
    return np.array([value for one in rounds for value in one if value is not None], np.float32)
