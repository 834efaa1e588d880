"""The network that training starts from."""

from __future__ import annotations

from dataclasses import dataclass
from pickle import UnpicklingError
from typing import TYPE_CHECKING
from urllib.error import URLError

import torch

from steel_defect_trainer.errors import CheckpointError, RecipeError
from steel_defect_trainer.networks.body import load_backbone
from steel_defect_trainer.networks.factory import build_network
from steel_defect_trainer.training.checkpoint import load_network

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect_trainer.networks.body import GrayMobileNet
    from steel_defect_trainer.recipe import Recipe


@dataclass(frozen=True)
class Start:
    """Where the weights come from.

    Attributes:
        run: folder of a finished run whose network is trained further; None for ImageNet.
        backbone: file of ImageNet weights; None lets torchvision download its own.
        from_scratch: random weights instead.
    """

    run: Path | None = None
    backbone: Path | None = None
    from_scratch: bool = False

    @property
    def knows_imagenet(self) -> bool:
        """Whether ImageNet weights are at hand: from random weights nobody asked for a download of them."""
        return self.backbone is not None or not (self.from_scratch or self.run)


def starting_network(start: Start, recipe: Recipe, classes: int) -> GrayMobileNet:
    """The recipe's network with the weights that training starts from.

    Raises:
        RecipeError: the recipe keeps weights of an earlier run, and none is named.
        CheckpointError: the run has another network, or the file holds no weights of this one.
        OSError: no weights to download.
    """
    if recipe.optimisation.keep and start.run is None:
        message = "recipe: optimisation.keep is about the weights of an earlier run: name it with --start-from"
        raise RecipeError(message)
    torch.manual_seed(recipe.seed)
    network = build_network(recipe, classes)
    if start.run is not None:
        try:
            network.load_state_dict(load_network(start.run).state_dict())
        except RuntimeError as error:
            message = f"{start.run} has a network of another shape than this recipe and data set need"
            raise CheckpointError(message) from error
    elif not start.from_scratch:
        load_imagenet(network, start.backbone)
    return network


def load_imagenet(network: GrayMobileNet, backbone: Path | None) -> None:
    """Fill the features of a network with ImageNet weights.

    Args:
        network: changed in place.
        backbone: file of the weights; None lets torchvision download its own.

    Raises:
        CheckpointError: the file holds no such weights.
        OSError: they cannot be downloaded.
    """
    try:
        load_backbone(network, backbone)
    except URLError as error:
        message = f"the ImageNet weights cannot be downloaded ({error.reason}); name a file of them with --backbone"
        raise OSError(message) from error
    except (RuntimeError, KeyError, EOFError, UnpicklingError) as error:
        first = str(error).partition("\n")[0]
        message = f"{backbone} does not hold MobileNetV2 weights under torchvision's names: {first}"
        raise CheckpointError(message) from error
