"""How a clean network learns: it looks at clean pictures once, and keeps what is least alike of them."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from steel_defect_trainer.errors import DataError
from steel_defect_trainer.networks.clean import MEMORY, cells_of, whole
from steel_defect_trainer.strips import spread
from steel_defect_trainer.training.checkpoint import write_checkpoint

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from steel_defect_trainer.networks.clean import CleanNet, Memory
    from steel_defect_trainer.training.distributed import World
    from steel_defect_trainer.training.train import Job

# More pictures, and more of their cells, are not looked at: the memory holds no more of them.
_PICTURES: Final = 500
_CELLS: Final = 20_000
_BATCH: Final = 16
# Features are compared in so many random directions while the memory is chosen: nearly the same, and much faster.
_DIRECTIONS: Final = 32
# One picture in so many is first held out, to see how far clean pictures are that are not remembered.
_FOLDS: Final = 5
# A logit of 0 is so many deviations above the mean of these.
_DEVIATIONS: Final = 2.0
# Of features and of the logarithm of a distance: what hardly moves is not stretched further.
_LEAST_DEVIATION: Final = 0.01
_LEAST_SPREAD: Final = 0.02


def remember(network: CleanNet, job: Job, world: World) -> CleanNet:
    """Fill the memory from the clean pictures of a job, and leave `best.pt` in its folder.

    Each process does all of it: it takes less time than to share it.

    Args:
        network: with the weights that stay; changed in place.
        job: defects among its pictures are left out.
        world: the processes that train together.

    Raises:
        DataError: there are less than two clean pictures.
        OSError: the file cannot be written.
    """
    learned = np.unique(np.concatenate([indices for indices, _ in job.mixture]))
    learned = learned[~job.strips.defect[learned]]
    if len(learned) < 2:  # noqa: PLR2004 - one to remember, one to see how far another is
        message = f"the recipe learns from clean pictures, and there are {len(learned)} of them to learn from"
        raise DataError(message)
    indices = learned[spread(len(learned), _PICTURES)]
    pixels, memory = job.strips.pixels, network.head
    generator = torch.Generator().manual_seed(job.recipe.seed)
    held_out = _held_out([job.strips.groups[index] for index in indices])
    network.to(world.device).eval()
    with torch.inference_mode():
        cells = _some_cells(network, pixels, indices, generator)
        fill(memory, cells[torch.from_numpy(~held_out)].flatten(0, 1), generator)
        far = torch.log(_distances(network, pixels, indices[held_out]))
        fill(memory, cells.flatten(0, 1), generator)
        deviation = float(far.std(correction=0).clamp(min=_LEAST_SPREAD))
        memory.spread.fill_(deviation)
        memory.centre.fill_(float(far.mean()) + _DEVIATIONS * deviation)
    if world.leads:
        sys.stderr.write(f"{len(indices):,} clean pictures are remembered by {MEMORY:,} of their cells\n")
        job.run.path.mkdir(parents=True, exist_ok=True)
        write_checkpoint(job.run.best, {"network": network.state_dict(), "step": 0})
    world.gather(None)  # the others wait for the file
    return network


def fill(memory: Memory, cells: Tensor, generator: torch.Generator) -> None:
    """Remember those of the features (n, 128) that leave none of them far from the memory: a greedy core set.

    Where there are less than the memory holds, it holds some twice.
    """
    memory.mean.copy_(cells.mean(dim=0))
    memory.deviation.copy_(cells.std(dim=0, correction=0).clamp(min=_LEAST_DEVIATION))
    standard = memory.standard(cells.to(memory.mean.device))
    points = standard.cpu() @ torch.randn(standard.shape[1], _DIRECTIONS, generator=generator)
    chosen = [0]
    far = (points - points[0]).square().sum(dim=1)
    while len(chosen) < MEMORY:
        chosen.append(int(far.argmax()))
        far = torch.minimum(far, (points - points[chosen[-1]]).square().sum(dim=1))
    memory.known.copy_(standard[chosen])


def _some_cells(
    network: CleanNet, pixels: NDArray[np.uint8], indices: NDArray[np.int64], generator: torch.Generator
) -> Tensor:
    """Features of as many cells of each picture as are looked at, drawn by chance: (n, cells, 128), on the CPU."""
    each = math.ceil(_CELLS / len(indices))
    found = []
    for some in _batches(indices):
        cells = _cells(network, pixels, some).flatten(1, 2).cpu()
        for one in cells:
            found.append(one[torch.randperm(len(one), generator=generator)[:each]])  # noqa: PERF401 - a random order each
    return torch.stack(found)


def _distances(network: CleanNet, pixels: NDArray[np.uint8], indices: NDArray[np.int64]) -> Tensor:
    """How far pictures are from what is remembered, (n,)."""
    parts = [whole(network.head.distances(_cells(network, pixels, some))) for some in _batches(indices)]
    return torch.cat(parts)


def _cells(network: CleanNet, pixels: NDArray[np.uint8], indices: NDArray[np.int64]) -> Tensor:
    images = torch.from_numpy(np.asarray(pixels[indices])).to(network.head.mean.device)
    return cells_of(network.features, images)


def _batches(indices: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [indices[start : start + _BATCH] for start in range(0, len(indices), _BATCH)]


def _held_out(groups: list[str]) -> NDArray[np.bool_]:
    """One group in `_FOLDS`, or one picture if all are of one group: bool (n,), some true and some not."""
    numbers = np.unique(groups, return_inverse=True)[1]
    if numbers.max() == 0:
        numbers = np.arange(len(groups))
    return np.asarray(numbers % _FOLDS == 0, np.bool_)
