"""The pyramid of `unified` beside two well-known decoders on the same body: masks of the magnetic tiles.

    uv run --with segmentation-models-pytorch python -m steel_defect_trainer.studies.segmentation --tiles FOLDER

Unet and FPN come from `segmentation_models_pytorch`, with its encoder MobileNetV2. All get the same pictures, parts by
group of near-duplicates, ImageNet weights, losses, rates and processor time on one thread; they differ in the decoder,
and in what they learn from: ours a quarter of the resolution, as it answers, the others each pixel. Each is judged on
each pixel, by the threshold that is best on a validation part.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F  # noqa: N812 - the name that all of PyTorch's users know
from PIL import Image
from torch import Tensor, nn

from steel_defect.contract import InputSpec
from steel_defect_trainer.data.load import load
from steel_defect_trainer.data.magnetic_tile import open_magnetic_tiles
from steel_defect_trainer.evaluation.resampling import interval, resample_weights
from steel_defect_trainer.networks.body import load_backbone, normalise
from steel_defect_trainer.networks.mask_loss import mask_loss
from steel_defect_trainer.networks.unified import UnifiedNet, tapped
from steel_defect_trainer.provenance import machine
from steel_defect_trainer.reporting.markdown import table
from steel_defect_trainer.strips import FIELD, PERCENT
from steel_defect_trainer.studies.report import interval_text
from steel_defect_trainer.training.folds import group_folds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

NETWORKS: Final = ("pyramid", "unet", "fpn")
SEEDS: Final = (0, 1, 2)
SIZE: Final = 224
_CLASSES: Final = 5
_PARTS: Final = 5
_BATCH: Final = 8
_BODY_RATE, _HEAD_RATE, _DECAY = 3e-4, 2e-3, 1e-4
_LEVELS: Final = np.arange(0.05, 1, 0.05)
_TIMED: Final = 30


@dataclass(frozen=True)
class Tiles:
    """Pictures with all of their masks known: uint8 (N, SIZE, SIZE), masks likewise, 0 or number of the class + 1."""

    pixels: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    groups: tuple[str, ...]


class Ours(nn.Module):
    """The body and the pyramid alone: gray uint8 (N, H, W) to mask logits (N, C, H/4, W/4)."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        """Start from the weights of a body on one gray channel."""
        super().__init__()
        network = UnifiedNet(_CLASSES)
        network.features.load_state_dict(weights)
        # The pyramid does not read the last block, which the picture as a whole is judged by.
        self.body, self.decoder = network.features[:-1], network.head.pyramid

    def forward(self, image: Tensor) -> Tensor:
        """Judge pictures."""
        masks: Tensor = self.decoder(tapped(self.body, image)[1])
        return masks


class Theirs(nn.Module):
    """A network of `segmentation_models_pytorch`: gray uint8 (N, H, W) to mask logits (N, C, H, W)."""

    def __init__(self, name: str, weights: dict[str, Tensor]) -> None:
        """Start from the weights of a body on one gray channel."""
        import segmentation_models_pytorch as smp  # type: ignore[import-not-found] # noqa: PLC0415 - of the study alone

        super().__init__()
        make = {"unet": smp.Unet, "fpn": smp.FPN}[name]
        network = make("mobilenet_v2", encoder_weights=None, in_channels=1, classes=_CLASSES)
        network.encoder.features.load_state_dict(weights)
        self.body, self.network = network.encoder, network

    def forward(self, image: Tensor) -> Tensor:
        """Judge pictures."""
        masks: Tensor = self.network(normalise(image))
        return masks


def read_tiles(folder: Path, work: Path) -> Tiles:
    """Read pictures and masks as squares; damaged pictures without a mask are left out."""
    dataset = open_magnetic_tiles(folder, work / "tiles-table")
    spec = InputSpec(SIZE, SIZE, resize="stretch")
    strips = load(dataset, spec, work / "cache")
    masks = np.zeros(strips.pixels.shape, np.uint8)
    known = np.ones(len(strips), bool)
    for row, picture in enumerate(dataset.pictures):
        path = folder / "masks" / Path(picture.name).with_suffix(".png").relative_to("images")
        for number in picture.classes:
            if number not in picture.masks:
                known[row] = False
                continue
            with Image.open(path) as image:
                mask = np.asarray(image.convert("L").resize((SIZE, SIZE), Image.Resampling.NEAREST))
            masks[row][mask > np.iinfo(np.uint8).max // 2] = number + 1
    groups = tuple(group for group, taken in zip(strips.groups, known, strict=True) if taken)
    return Tiles(np.asarray(strips.pixels)[known], masks[known], groups)


def targets(masks: NDArray[np.uint8], stride: int) -> Tensor:
    """Percent of each field that has each class, int8 (N, C, SIZE / stride, SIZE / stride)."""
    of_classes = torch.from_numpy(masks)[:, None] == torch.arange(1, _CLASSES + 1)[:, None, None]
    return (PERCENT * F.avg_pool2d(of_classes.float(), stride)).ceil().to(torch.int8)


def train(network: Ours | Theirs, tiles: Tiles, seconds: float, seed: int) -> int:
    """Train for so much processor time; half of each batch is damaged. Returns the number of steps."""
    random = np.random.default_rng(seed)
    damaged = tiles.masks.any(axis=(1, 2))
    kinds = np.flatnonzero(damaged), np.flatnonzero(~damaged)
    body = {id(parameter) for parameter in network.body.parameters()}
    rest = [parameter for parameter in network.parameters() if id(parameter) not in body]
    optimiser = torch.optim.AdamW(
        [{"params": network.body.parameters(), "lr": _BODY_RATE}, {"params": rest, "lr": _HEAD_RATE}],
        weight_decay=_DECAY,
    )
    rates = [group["lr"] for group in optimiser.param_groups]
    stride = FIELD if isinstance(network, Ours) else 1
    began, steps = time.process_time(), 0
    network.train()
    while (gone := (time.process_time() - began) / seconds) < 1:
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * min(1, 10 * gone + 0.05) * (1 + np.cos(np.pi * gone)) / 2
        chosen = np.concatenate([random.choice(kind, _BATCH // 2) for kind in kinds])
        pixels, masks = tiles.pixels[chosen], tiles.masks[chosen]
        for axis in (1, 2):
            if random.random() < 1 / 2:
                pixels, masks = np.flip(pixels, axis), np.flip(masks, axis)
        gain = random.uniform(0.8, 1.25, (_BATCH, 1, 1))
        pixels = np.clip(pixels * gain, 0, 255).astype(np.uint8)
        loss = mask_loss(network(torch.from_numpy(pixels)), targets(np.ascontiguousarray(masks), stride))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # PyTorch's own lacks types
        optimiser.step()
        steps += 1
    network.eval()
    return steps


def damage(network: nn.Module, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Probability of any damage of each pixel, (N, SIZE, SIZE)."""
    found = []
    with torch.inference_mode():
        for start in range(0, len(pixels), _BATCH):
            any_damage = network(torch.from_numpy(pixels[start : start + _BATCH])).amax(dim=1, keepdim=True)
            found.append(F.interpolate(any_damage, (SIZE, SIZE), mode="bilinear").sigmoid()[:, 0].numpy())
    return np.concatenate(found)


def dice_of(probability: NDArray[np.float32], masks: NDArray[np.uint8], level: float) -> NDArray[np.float64]:
    """Dice of any damage of each picture, (N,); 1 where there is none and none is found."""
    found, true = probability >= level, masks > 0
    areas = found.sum(axis=(1, 2)) + true.sum(axis=(1, 2))
    overlap = (found & true).sum(axis=(1, 2))
    return np.where(areas > 0, 2 * overlap / np.maximum(areas, 1), 1.0)


def milliseconds(networks: Sequence[nn.Module], work: Path) -> list[dict[str, float]]:
    """Of one picture on one thread in ONNX Runtime, the networks in turn; and megabytes of each file."""
    example, runs = torch.zeros(1, SIZE, SIZE, dtype=torch.uint8), []
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    sizes = []
    for number, network in enumerate(networks):
        path = work / f"timed-{number}.onnx"
        torch.onnx.export(network.eval(), (example,), path, input_names=["image"], external_data=False, verbose=False)
        sizes.append(path.stat().st_size / 1e6)
        runs.append(onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]))
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(_TIMED):
        for run, its in zip(runs, times, strict=True):
            began = time.process_time()
            run.run(None, {"image": example.numpy()})
            its.append(1000 * (time.process_time() - began))
    return [
        {"ms": round(float(np.median(its)), 2), "megabytes": round(size, 2)}
        for its, size in zip(times, sizes, strict=True)
    ]


def run(folder: Path, backbone: Path, work: Path, seconds: float, say: Callable[[str], object]) -> dict[str, Any]:
    """Train all networks with all seeds; a result that is already in `work` is used again."""
    tiles = read_tiles(folder, work)
    parts = group_folds(tiles.groups, _PARTS)
    weights = _weights(backbone)
    judged, chosen = parts == 0, parts == 1
    learned = Tiles(tiles.pixels[~judged & ~chosen], tiles.masks[~judged & ~chosen], ())
    damaged = tiles.masks[judged].any(axis=(1, 2))
    groups = [group for group, taken in zip(tiles.groups, judged, strict=True) if taken]
    found: dict[str, list[NDArray[np.float64]]] = {name: [] for name in NETWORKS}
    steps: dict[str, list[int]] = {name: [] for name in NETWORKS}
    for seed in SEEDS:
        for name in NETWORKS:
            path = work / f"{name}-{seed}.npz"
            if not path.exists():
                torch.manual_seed(seed)
                network = _make(name, weights)
                count = train(network, learned, seconds, seed)
                validation = damage(network, tiles.pixels[chosen])
                true = tiles.masks[chosen]
                hurt = true.any(axis=(1, 2))
                level = max(_LEVELS, key=lambda level: dice_of(validation[hurt], true[hurt], level).mean())
                dice = dice_of(damage(network, tiles.pixels[judged]), tiles.masks[judged], level)
                np.savez(path, dice=dice, steps=count)
            with np.load(path) as kept:
                found[name].append(kept["dice"])
                steps[name].append(int(kept["steps"]))
            say(f"{name}, seed {seed}: {steps[name][-1]} steps, Dice {found[name][-1][damaged].mean():.3f}\n")
    cost = dict(zip(NETWORKS, milliseconds([_make(name, weights) for name in NETWORKS], work), strict=True))
    resampled = np.concatenate(list(resample_weights(len(groups), groups, resamples=2000, seed=0)))
    means = {name: np.mean(found[name], axis=0) for name in NETWORKS}

    def mean(values: NDArray[np.float64], counted: NDArray[np.bool_]) -> Any:  # noqa: ANN401 - JSON
        each = (resampled @ np.where(counted, values, 0)) / np.maximum(resampled @ counted, 1)
        return interval(float(values[counted].mean()), each).rounded()

    return {
        "machine": machine(),
        "minutes": seconds / 60,
        "pictures": {"learned": len(learned.pixels), "judged": int(judged.sum()), "damaged": int(damaged.sum())},
        "networks": {
            name: {
                "steps": steps[name],
                "dice_damaged": mean(means[name], damaged),
                "dice_of_seeds": [round(float(each[damaged].mean()), 3) for each in found[name]],
                "dice_all": mean(means[name], np.ones(len(damaged), bool)),
                "pyramid_ahead_by": mean(means["pyramid"] - means[name], damaged),
                **cost[name],
            }
            for name in NETWORKS
        },
    }


def markdown(found: dict[str, Any]) -> str:
    """What `run` found, a column a network."""
    networks = [found["networks"][name] for name in NETWORKS]
    ahead = ["", *(interval_text(network["pyramid_ahead_by"]) for network in networks[1:])]
    rows = [
        ("Dice of the damaged", *(interval_text(network["dice_damaged"]) for network in networks)),
        ("each seed", *(", ".join(f"{value:.3f}" for value in network["dice_of_seeds"]) for network in networks)),
        ("the pyramid is ahead by", *ahead),
        ("Dice of all, nothing on clean ones = 1", *(interval_text(network["dice_all"]) for network in networks)),
        ("steps in that time", *(", ".join(map(str, network["steps"])) for network in networks)),
        ("ms a picture, ONNX, float", *(f"{network['ms']:.1f}" for network in networks)),
        ("MB", *(f"{network['megabytes']:.1f}" for network in networks)),
    ]
    return table(("", "pyramid", "Unet", "FPN"), rows)


def _make(name: str, weights: dict[str, Tensor]) -> Ours | Theirs:
    return Ours(weights) if name == "pyramid" else Theirs(name, weights)


def _weights(backbone: Path) -> dict[str, Tensor]:
    network = UnifiedNet(_CLASSES)
    load_backbone(network, backbone)
    weights: dict[str, Tensor] = network.features.state_dict()
    return weights


def main() -> None:
    """Entry point of `python -m steel_defect_trainer.studies.segmentation`."""
    parser = argparse.ArgumentParser(
        prog="python -m steel_defect_trainer.studies.segmentation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--tiles", type=Path, required=True, help="folder of the magnetic tile set")
    parser.add_argument("--backbone", type=Path, required=True, help="ImageNet weights with torchvision's key names")
    parser.add_argument("--minutes", type=float, default=3, help="of processor time a training (default: %(default)s)")
    parser.add_argument("--work", type=Path, default=Path("runs/segmentation"), help="default: %(default)s")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    result = run(options.tiles, options.backbone, options.work, 60 * options.minutes, sys.stderr.write)
    sys.stdout.write(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
