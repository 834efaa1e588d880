"""Drawn strips, for lack of a folder of pictures: drawn once, then read like any Severstal folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from steel_defect_trainer.data.cache import cached
from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.drawing.strip import FULL_STRENGTH, write_folder

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect_trainer.data.dataset import DataSet

# The strips that are drawn if no folder is given.
STRIPS: Final = 2000
SEED: Final = 1


def drawn(count: int, seed: int, work: Path, strength: tuple[float, float] = FULL_STRENGTH) -> DataSet:
    """A set of `count` drawn strips, kept in `work` and drawn again only for another count, seed or strength.

    Args:
        count: of strips, about half of them clean.
        seed: of the whole set.
        work: folder to keep it in.
        strength: see `steel_defect_trainer.drawing.strip.draw_strip`.

    Raises:
        DataError: the folder cannot be written.
    """

    def draw(folder: Path) -> None:
        write_folder(folder, count=count, seed=seed, processes=os.cpu_count() or 1, strength=strength)

    name = f"drawn-{count}-seed-{seed}-strength-{strength[0]:g}-{strength[1]:g}"
    return open_data(cached(work, name, draw))
