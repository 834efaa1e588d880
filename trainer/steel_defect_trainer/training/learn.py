"""How the network of a job learns: by what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steel_defect_trainer.networks.clean import CleanNet
from steel_defect_trainer.training.remember import remember
from steel_defect_trainer.training.train import train

if TYPE_CHECKING:
    from steel_defect_trainer.networks.body import GrayMobileNet
    from steel_defect_trainer.training.distributed import World
    from steel_defect_trainer.training.train import Job


def learn(network: GrayMobileNet, job: Job, world: World) -> GrayMobileNet:
    """Let a clean network remember, and train any other; arguments, result and errors are those of both."""
    return remember(network, job, world) if isinstance(network, CleanNet) else train(network, job, world)
