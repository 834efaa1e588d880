"""A data set and a network small enough to train in a second: dark pictures, a bright patch where there is a defect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from steel_defect_trainer.networks.factory import build_network
from steel_defect_trainer.recipe import read_recipe
from steel_defect_trainer.runs.folder import RunFolder
from steel_defect_trainer.strips import StripSet
from steel_defect_trainer.training.batches import mixture_of
from steel_defect_trainer.training.distributed import World
from steel_defect_trainer.training.train import Job

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect_trainer.networks.body import GrayMobileNet
    from steel_defect_trainer.recipe import Recipe

ALONE = World(0, 1, torch.device("cpu"))
HEIGHT, WIDTH, CLASSES = 64, 96, 2
_SMALL = (
    f"input.height={HEIGHT}",
    f"input.width={WIDTH}",
    "precision=float32",
    "optimisation.batch=4",
    "optimisation.epochs=3",
    "optimisation.average=0.5",
)


def small_recipe(*overrides: str, name: str = "strip") -> Recipe:
    """Change a recipe to the small size, and then as `overrides` say."""
    return read_recipe(name, (*_SMALL, *overrides))


def small_set(count: int = 8, seed: int = 0) -> StripSet:
    """Every second picture has a bright patch in one cell; its class is the row of that cell."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(50, 80, (count, HEIGHT, WIDTH), dtype=np.uint8)
    cells = np.zeros((count, CLASSES, HEIGHT // 32, WIDTH // 32), np.int8)
    masks = np.zeros((count, CLASSES, HEIGHT // 4, WIDTH // 4), np.int8)
    for place in range(0, count, 2):
        row, column = place // 2 % 2, place % 3
        pixels[place, row * 32 + 4 : row * 32 + 28, column * 32 + 4 : column * 32 + 28] += 150
        cells[place, row, row, column] = 1
        masks[place, row, row * 8 + 1 : row * 8 + 7, column * 8 + 1 : column * 8 + 7] = 100
    classes = (cells == 1).any(axis=(2, 3)).astype(np.float32)
    names = tuple(f"{seed}-{place}" for place in range(count))
    return StripSet(pixels, classes, cells, masks, names, names, f"digest {seed}")


def small_network(recipe: Recipe) -> GrayMobileNet:
    """The recipe's network with the same random weights every time."""
    torch.manual_seed(0)
    return build_network(recipe, CLASSES)


def woken(features: nn.Module, channels: int = 1) -> nn.Module:
    """Features with random weights that tell pictures apart: else they are all at about 0."""
    noise = torch.Generator().manual_seed(0)
    coarse = torch.randn((8, channels, HEIGHT // 8, WIDTH // 8), generator=noise)
    for module in features.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0  # the statistics of these pictures alone
    with torch.no_grad():
        features.train()(nn.functional.interpolate(coarse, scale_factor=8.0, mode="bilinear"))
    return features.eval()


def small_job(folder: Path, recipe: Recipe, *, validation: StripSet | None = None) -> Job:
    """Train on the small set, in a folder that is made."""
    folder.mkdir(exist_ok=True)
    strips = small_set()
    return Job(recipe, strips, mixture_of(strips, recipe), validation, RunFolder(folder))
