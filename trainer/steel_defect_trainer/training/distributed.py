"""One process, or the many that torchrun started."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import torch
from torch import distributed

from steel_defect_trainer.training.malloc import keep_freed_memory

if TYPE_CHECKING:
    from collections.abc import Iterator

Part = TypeVar("Part")
# The variables that torchrun sets, and their values without it.
_TORCHRUN: Final = {"WORLD_SIZE": 1, "RANK": 0, "LOCAL_RANK": 0}


@dataclass(frozen=True)
class World:
    """This process among those that train together.

    Attributes:
        rank: 0 for the one that writes.
        size: how many there are.
        device: where this one computes.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process writes files and reports progress."""
        return self.rank == 0

    def gather(self, part: Part) -> list[Part]:
        """Collect every process's part, in order of rank, in each of them."""
        if self.size == 1:
            return [part]
        parts: list[Part | None] = [None] * self.size
        distributed.all_gather_object(parts, part)
        return parts  # type: ignore[return-value]  # all are filled now


@contextmanager
def joined_world(device: str = "auto") -> Iterator[World]:
    """Join the processes that torchrun started; without torchrun, this process is alone.

    Args:
        device: "cpu", "cuda", or "auto" for the graphics card if there is one.
    """
    name = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    size, rank, local = (int(os.environ.get(key, alone)) for key, alone in _TORCHRUN.items())
    here = torch.device(name, local) if name == "cuda" else torch.device(name)
    if here.type == "cuda":
        torch.cuda.set_device(here)
    else:
        keep_freed_memory()
    if size == 1:
        yield World(0, 1, here)
        return
    distributed.init_process_group("nccl" if here.type == "cuda" else "gloo")
    try:
        yield World(rank, size, here)
    finally:
        distributed.destroy_process_group()
