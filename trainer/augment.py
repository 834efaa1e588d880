"""Random changes of a batch that leave its labels true: flips, light, and a strip that moves out of the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from trainer.model import STRIDE

if TYPE_CHECKING:
    from torch import Tensor

_SHIFT_CHANCE: Final = 0.25
_LARGEST_SHIFT: Final = 10


def augment(pixels: Tensor, classes: Tensor, cells: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Change each strip on its own.

    Args:
        pixels: uint8 (N, H, W).
        classes: float32 (N, 4).
        cells: int8 (N, 4, h, w).
        generator: of all randomness.

    Returns:
        New pixels and the cells that fit them; the classes stay true.
    """
    count = len(pixels)
    new_pixels, new_cells = pixels.clone(), cells.clone()
    random = torch.rand(count, 6, generator=generator)
    for place in range(count):
        picture, grid = pixels[place], cells[place]
        if random[place, 0] < _SHIFT_CHANCE:
            picture, grid = _shift(picture, grid, classes[place], float(random[place, 1]))
        axes = [axis for axis, chance in ((-1, random[place, 2]), (-2, random[place, 3])) if chance < 0.5]
        if axes:
            picture, grid = picture.flip(axes), grid.flip(axes)
        new_pixels[place], new_cells[place] = _relight(picture, random[place, 4:]), grid
    return new_pixels, new_cells


def _relight(picture: Tensor, random: Tensor) -> Tensor:
    """Another exposure (0.6 to 1.6 times) and another contrast curve (exponent 0.8 to 1.25)."""
    gain, gamma = torch.exp2(random[0] * 1.4 - 0.7), torch.exp2(random[1] * 0.64 - 0.32)
    values = torch.arange(256) / 255
    curve = (gain * values**gamma * 255).round().clamp(0, 255).to(torch.uint8)
    return curve[picture.int()]


def _shift(picture: Tensor, grid: Tensor, classes: Tensor, random: float) -> tuple[Tensor, Tensor]:
    """Move the strip sideways by whole cells, black behind it - unless the last known damage of a class would leave."""
    columns = round((2 * random - 1) * _LARGEST_SHIFT)
    moved = torch.zeros_like(grid)
    shifted = torch.zeros_like(picture)
    if columns >= 0:
        moved[..., columns:] = grid[..., : grid.shape[-1] - columns]
        shifted[:, columns * STRIDE :] = picture[:, : picture.shape[-1] - columns * STRIDE]
    else:
        moved[..., :columns] = grid[..., -columns:]
        shifted[:, : columns * STRIDE] = picture[:, -columns * STRIDE :]
    if not torch.equal((moved == 1).flatten(1).any(dim=1).float(), classes):
        return picture, grid
    return shifted, moved
