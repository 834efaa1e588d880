"""Training: one loop for both stages, from a few sets of strips mixed in fixed numbers in each batch."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that all of PyTorch's users know
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from trainer.augment import augment
from trainer.model import StripNet, class_logits, picture_logit
from trainer.strips import UNKNOWN, StripSet

Mixture = Sequence[tuple[StripSet, int]]


@dataclass(frozen=True)
class StageConfig:
    """One stage of training.

    Attributes:
        name: for the log.
        steps: batches.
        backbone_rate: peak learning rate of the features.
        head_rate: peak learning rate of the head.
        weight_decay: of AdamW.
        warm_up: share of the steps in which the rate rises.
        average: decay of the moving average of the weights, which is what comes out.
        seed: of the order and the augmentation.
    """

    name: str
    steps: int
    backbone_rate: float
    head_rate: float
    weight_decay: float = 0.02
    warm_up: float = 0.1
    average: float = 0.98
    seed: int = 0


def fit(network: StripNet, mixture: Mixture, config: StageConfig) -> StripNet:
    """Train `network` (changed on the way) and return the moving average of its weights, ready for evaluation.

    Args:
        network: where to start.
        mixture: sets of strips, and how many of each are in a batch.
        config: of this stage.
    """
    torch.manual_seed(config.seed)
    generator = torch.Generator().manual_seed(config.seed)
    network = network.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(
        [
            {"params": network.features.parameters(), "lr": config.backbone_rate},
            {"params": network.head.parameters(), "lr": config.head_rate},
        ],
        weight_decay=config.weight_decay,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, config))
    average_of = get_ema_multi_avg_fn(config.average)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    average = AveragedModel(network, multi_avg_fn=average_of, use_buffers=True)
    started, seen, smooth = time.monotonic(), 0, math.nan
    for step, (pixels, classes, cells) in enumerate(_batches(mixture, config), 1):
        new_pixels, new_cells = augment(pixels, classes, cells, generator)
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(new_pixels)
        loss = strip_loss(logits, classes, new_cells)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(network)
        seen += len(pixels)
        smooth = loss.item() if math.isnan(smooth) else 0.95 * smooth + 0.05 * loss.item()
        if step % 20 == 0 or step == config.steps:
            rate = seen / (time.monotonic() - started)
            left = (config.steps - step) * len(pixels) / rate
            sys.stderr.write(
                f"{config.name}: step {step}/{config.steps}, loss {smooth:.4f}, {rate:.1f}/s, {left:.0f} s left\n"
            )
    trained = StripNet()
    trained.load_state_dict(average.module.state_dict())
    return trained.eval()


def strip_loss(logits: Tensor, classes: Tensor, cells: Tensor) -> Tensor:
    """How wrong a batch is: the picture, its classes, and its cells where they are known.

    Args:
        logits: float32 (N, 4, h, w).
        classes: float32 (N, 4).
        cells: int8 (N, 4, h, w), -1 where unknown.
    """
    defect = F.binary_cross_entropy_with_logits(picture_logit(logits), classes.amax(dim=1))
    kinds = F.binary_cross_entropy_with_logits(class_logits(logits), classes)
    known = (cells != UNKNOWN).float()
    each = F.binary_cross_entropy_with_logits(logits, (cells == 1).float(), reduction="none") * known
    # Damaged cells are few; sound and damaged ones weigh the same in sum, up to a factor of the batch.
    damaged = (cells == 1).float()
    dense = (each * damaged).sum() / (damaged.sum() + 10) + (each * (1 - damaged)).sum() / (damaged.sum() + 10) * 0.5
    return defect + kinds + 0.5 * dense


def predict(network: StripNet, strips: StripSet, batch: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Uncalibrated logits in float32: of any damage (N,), and of each class (N, 4)."""
    defect, kinds = [], []
    with torch.inference_mode():
        for start in range(0, len(strips), batch):
            cells = network.eval()(torch.from_numpy(strips.pixels[start : start + batch]))
            defect.append(picture_logit(cells))
            kinds.append(class_logits(cells))
    return torch.cat(defect).numpy(), torch.cat(kinds).numpy()


def _rate(step: int, config: StageConfig) -> float:
    """Factor on the peak rates: linear warm-up, then half a cosine to zero."""
    warm = max(1, round(config.warm_up * config.steps))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, config.steps - warm)))


def _batches(mixture: Mixture, config: StageConfig) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """`config.steps` batches; each set is gone through in a new order every time around."""
    orders = [
        _endless(len(strips), np.random.default_rng((config.seed, place))) for place, (strips, _) in enumerate(mixture)
    ]
    for _ in range(config.steps):
        chosen = [
            (strips, [next(order) for _ in range(count)])
            for (strips, count), order in zip(mixture, orders, strict=True)
        ]
        yield (
            torch.from_numpy(np.concatenate([strips.pixels[places] for strips, places in chosen])),
            torch.from_numpy(np.concatenate([strips.classes[places] for strips, places in chosen])),
            torch.from_numpy(np.concatenate([strips.cells[places] for strips, places in chosen])),
        )


def _endless(count: int, rng: np.random.Generator) -> Iterator[int]:
    while True:
        yield from (int(place) for place in rng.permutation(count))
