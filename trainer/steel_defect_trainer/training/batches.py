"""Which pictures are in which step, and how they look there: a function of the seed and the step, and of nothing else.

So a run that was killed can be resumed as if nothing had happened, and any number of loader or training processes sees
the same pictures.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from steel_defect_trainer.augmentation.augment import augment
from steel_defect_trainer.augmentation.paste import paste

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from steel_defect_trainer.recipe import Recipe
    from steel_defect_trainer.strips import StripSet
    from steel_defect_trainer.training.distributed import World

    # Groups of pictures, and how many of each are in a batch.
    Mixture = Sequence[tuple[NDArray[np.int64], int]]
    # A picture's index in the set, the step, and its position in the step's batch.
    Slot = tuple[int, int, int]


def mixture_of(strips: StripSet, recipe: Recipe, chosen: NDArray[np.bool_] | None = None) -> Mixture:
    """Indices of pictures and how many of them are in a batch: all alike, or half defects if the recipe balances.

    Args:
        strips: N pictures.
        recipe: says how large a batch is, and whether it is balanced.
        chosen: which pictures may be used, (N,); None for all.
    """
    batch, chosen = recipe.optimisation.batch, np.ones(len(strips), np.bool_) if chosen is None else chosen
    if not recipe.optimisation.balance:
        return ((np.flatnonzero(chosen), batch),)
    half = batch // 2
    return ((np.flatnonzero(chosen & strips.defect), half), (np.flatnonzero(chosen & ~strips.defect), batch - half))


def batches(  # noqa: PLR0913 - what a step sees depends on all of these
    strips: StripSet, mixture: Mixture, recipe: Recipe, steps: range, *, world: World, workers: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Give this process's share of each step's batch, on its device.

    Args:
        strips: all of them; only those of the mixture are used.
        mixture: what is in a batch.
        recipe: for its seed, its augmentation, and whether it learns places from masks.
        steps: which steps are wanted, in order.
        world: the processes that share each batch.
        workers: processes that load ahead; 0 to load in this one.

    Yields:
        Pixels uint8 (n, H, W), classes float32 (n, C), places int8 (n, C, h, w).
    """
    cuda = world.device.type == "cuda"
    loader: DataLoader[Any] = DataLoader(
        _Strips(strips, mixture, recipe),
        batch_sampler=_Steps(mixture, recipe.seed, steps, world),
        num_workers=workers,
        pin_memory=cuda,
        persistent_workers=workers > 0,
    )
    for pixels, classes, places in loader:
        yield tuple(part.to(world.device, non_blocking=cuda) for part in (pixels, classes, places))


class _Strips(Dataset[Any]):
    """One augmented strip for each slot."""

    def __init__(self, strips: StripSet, mixture: Mixture, recipe: Recipe) -> None:
        self._strips, self._how, self._seed = strips, recipe.augmentation, recipe.seed
        self._places = strips.masks if recipe.network.learns_masks else strips.cells
        usable = np.unique(np.concatenate([indices for indices, _ in mixture]))
        self._donors = usable[(strips.classes[usable] > 0).any(axis=1)]

    def __getitem__(self, slot: Slot) -> tuple[Tensor, Tensor, Tensor]:
        index, step, within = slot
        strips, rng = self._strips, np.random.default_rng((self._seed, step, within))
        parts = augment(strips.pixels[index], strips.classes[index], self._places[index], self._how, rng)
        if self._how.paste and len(self._donors) and rng.random() < self._how.paste:
            donor = rng.choice(self._donors)
            parts = paste(parts, (strips.pixels[donor], self._places[donor]), rng)
        pixels, classes, places = (torch.from_numpy(np.array(part)) for part in parts)
        return pixels, classes, places


class _Steps(Sampler[list["Slot"]]):
    """The slots of each step, this process's share of them."""

    def __init__(self, mixture: Mixture, seed: int, steps: range, world: World) -> None:
        self._mixture, self._seed, self._steps, self._world = mixture, seed, steps, world

    def __iter__(self) -> Iterator[list[Slot]]:
        for step in self._steps:
            chosen = [
                int(indices[self._order(group, len(indices), position // len(indices))[position % len(indices)]])
                for group, (indices, count) in enumerate(self._mixture)
                for position in range(step * count, (step + 1) * count)
            ]
            slots = [(index, step, within) for within, index in enumerate(chosen)]
            yield slots[self._world.rank :: self._world.size]

    def __len__(self) -> int:
        return len(self._steps)

    @lru_cache(maxsize=16)  # noqa: B019 - lives as long as the run
    def _order(self, group: int, count: int, epoch: int) -> NDArray[np.int64]:
        """The order in which a group is gone through the n-th time."""
        return np.random.default_rng((self._seed, group, epoch)).permutation(count)
