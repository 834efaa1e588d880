"""Optimisers and learning rates."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from steel_defect_trainer.networks.body import GrayMobileNet
    from steel_defect_trainer.recipe import Optimisation


def build_optimizer(network: GrayMobileNet, plan: Optimisation) -> torch.optim.Optimizer:
    """Group the trained parameters by rate and decay; each group's `peak` is its rate at the factor 1.

    Offsets and the weights of batch normalisation do not decay: they have one dimension.
    """
    groups: list[dict[str, Any]] = []
    blocks = list(network.features)
    layers = [(block, plan.rate * plan.layer_decay ** (len(blocks) - 1 - index)) for index, block in enumerate(blocks)]
    for module, rate in [*layers, (network.head, plan.head_rate)]:
        trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
        for decay, chosen in (
            (plan.weight_decay, [parameter for parameter in trained if parameter.ndim > 1]),
            (0.0, [parameter for parameter in trained if parameter.ndim <= 1]),
        ):
            if chosen:
                groups.append({"params": chosen, "lr": rate, "peak": rate, "weight_decay": decay})
    # One call for each group in place of a dozen: small networks wait for calls on a graphics card.
    fused = next(network.parameters()).is_cuda
    if plan.optimiser == "sgd":
        return torch.optim.SGD(groups)
    if plan.optimiser == "adam":
        return torch.optim.Adam(groups, fused=fused)
    return torch.optim.AdamW(groups, fused=fused)


def rate_at(step: int, steps: int, plan: Optimisation) -> float:
    """Factor on the peak rates: a linear warm-up, then constant or half a cosine to zero.

    If the head learns first, alone, there is a warm-up for it too, then its peak rate; the schedule begins after that.

    Args:
        step: from 0.
        steps: all of them.
        plan: for the schedule.
    """
    if step < plan.heads_first:
        return min(1.0, (step + 1) / max(1, round(plan.warm_up * plan.heads_first)))
    step, steps = step - plan.heads_first, steps - plan.heads_first
    warm = round(plan.warm_up * steps)
    if step < warm:
        return (step + 1) / warm
    if plan.schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
