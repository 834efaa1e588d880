"""Everything that changes while a network is trained, and so everything that a checkpoint holds."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

from steel_defect_trainer.errors import CheckpointError
from steel_defect_trainer.recipe import from_table
from steel_defect_trainer.training.checkpoint import read_checkpoint, write_checkpoint
from steel_defect_trainer.training.optimisation import build_optimizer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

    _Tensors = tuple[Tensor, ...] | list[Tensor]

    from steel_defect_trainer.networks.body import GrayMobileNet
    from steel_defect_trainer.recipe import Recipe
    from steel_defect_trainer.training.distributed import World


@dataclass
class Progress:
    """How far a run is.

    Attributes:
        step: steps done.
        loss: sum of the losses of this epoch's steps.
        epoch: epochs done.
        best: highest validation ROC-AUC so far.
        best_loss: lowest validation loss of the epochs that reached it.
        epochs_since_best: epochs since then.
        finished: whether no step is left.
    """

    step: int = 0
    loss: float = 0.0
    epoch: int = 0
    best: float = -math.inf
    best_loss: float = math.inf
    epochs_since_best: int = 0
    finished: bool = False


class TrainingState:
    """The network, its moving average, the optimiser and the progress of one run.

    Attributes:
        network: what is trained.
        replica: the same, or what averages its gradients over all processes: call this one.
        optimizer: its groups have a `peak` rate.
        precision: the type that convolutions compute in.
        scaler: keeps small gradients above zero if that is float16.
        progress: how far it is.
    """

    def __init__(self, network: GrayMobileNet, recipe: Recipe, world: World) -> None:
        """Move the network to its device and freeze the blocks that the recipe does not train."""
        # On an H100 a step of a network with so many depthwise convolutions took 1.25 times as long with channels last.
        layout = torch.contiguous_format if world.device.type == "cuda" else torch.channels_last
        network = network.to(world.device, memory_format=layout)  # type: ignore[call-overload]  # torch's stub
        network.freeze(trained_blocks=recipe.network.trained_blocks, batch_norm=recipe.network.batch_norm == "frozen")
        network.train()
        if world.size > 1 and world.device.type == "cuda":
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.network = network
        self.replica: nn.Module = network
        if world.size > 1:
            self.replica = DistributedDataParallel(network, find_unused_parameters=recipe.optimisation.heads_first > 0)
        self.optimizer = build_optimizer(network, recipe.optimisation)
        self._average = AveragedModel(network, multi_avg_fn=_averaging(recipe.optimisation.average), use_buffers=True)
        self.precision = precision_on(world.device, recipe.precision)
        self.scaler = torch.amp.GradScaler(world.device.type, enabled=self.precision is torch.float16)
        self.progress = Progress()
        self._recipe = recipe

    @property
    def average(self) -> GrayMobileNet:
        """The network with averaged weights."""
        return cast("GrayMobileNet", self._average.module)

    def update_average(self) -> None:
        """Take the weights of this step into the average."""
        self._average.update_parameters(self.network)

    def save(self, path: Path) -> None:
        """Write a checkpoint.

        Raises:
            OSError: the disk is full, for example; the checkpoint before is unchanged.
        """
        write_checkpoint(
            path,
            {
                "recipe": asdict(self._recipe),
                "network": self.network.state_dict(),
                "average": self._average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "scaler": self.scaler.state_dict(),
                "progress": asdict(self.progress),
            },
        )

    def restore(self, path: Path) -> None:
        """Resume from a checkpoint.

        Raises:
            FileNotFoundError: there is none.
            CheckpointError: it is damaged, or of another recipe.
        """
        state = read_checkpoint(path)
        if from_table(state["recipe"]) != self._recipe:
            message = f"{path} is of another recipe: train into another folder, or remove this one to start again"
            raise CheckpointError(message)
        self.network.load_state_dict(state["network"])
        self._average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.progress = Progress(**state["progress"])


def _averaging(decay: float) -> Callable[[_Tensors, _Tensors, Tensor | int], None]:
    """A moving average whose decay rises to `decay`: in a short run the first weights would else outweigh the last.

    All tensors of one type in one call: one by one they would take a graphics card longer than the step itself.
    """

    def average(averages: _Tensors, current: _Tensors, updates: Tensor | int) -> None:
        done = int(updates)
        if averages[0].is_floating_point():
            torch._foreach_lerp_(averages, current, 1 - min(decay, (1 + done) / (10 + done)))
        else:
            torch._foreach_copy_(averages, current)

    return average


def precision_on(device: torch.device, wanted: str) -> torch.dtype:
    """The type that convolutions compute in: the wanted one, or for "auto" the fastest that the device has in hardware.

    Returns:
        float32, bfloat16 or float16.
    """
    if wanted != "auto":
        return {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}[wanted]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    able = torch.cpu.get_capabilities()
    return torch.bfloat16 if able.get("avx512_bf16") or able.get("amx_bf16") else torch.float32
