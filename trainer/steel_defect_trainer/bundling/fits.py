"""The networks behind the bundled model: for each part one that has not seen it, and one that has seen all pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from steel_defect_trainer.files import replacing
from steel_defect_trainer.networks.body import load_backbone
from steel_defect_trainer.networks.factory import build_network
from steel_defect_trainer.runs.folder import RunFolder
from steel_defect_trainer.strips import join
from steel_defect_trainer.training.checkpoint import read_checkpoint
from steel_defect_trainer.training.train import Job, train

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect_trainer.networks.body import GrayMobileNet
    from steel_defect_trainer.recipe import Recipe
    from steel_defect_trainer.strips import StripSet
    from steel_defect_trainer.training.batches import Mixture
    from steel_defect_trainer.training.distributed import World

# Networks that are trained on batches in another order each, and whose weights are averaged: less depends on chance
# (Wortsman et al., 2022, "Model soups").
NETWORKS: Final = 2
# Drawn strips in a batch, beside those of the recipe.
DRAWN_IN_BATCH: Final = 2
# Masks are kept in steps of one over this.
LEVELS: Final = 255
_SEEDS_OF_A_NETWORK: Final = 100
_BATCH: Final = 16


@dataclass(frozen=True)
class Fits:
    """What is trained, and where it is kept.

    Attributes:
        recipe: of each network.
        real: N pictures with true labels, which are held out in turn.
        parts: int64 (N,), the part that each is held out in.
        drawn: strips whose masks are learned from in every part. Their classes are unknown: drawn damage is easier to
            tell than true damage, and a network that learned by it whether a picture is damaged would rely on that.
        backbone: ImageNet weights; None lets torchvision download its own.
        folder: what was found is kept in it, and is not done again.
    """

    recipe: Recipe
    real: StripSet
    parts: NDArray[np.int64]
    drawn: StripSet
    backbone: Path | None
    folder: Path

    def held_out(self, world: World) -> HeldOut:
        """What networks say of pictures that they have not seen."""
        found: HeldOut | None = None
        for part in np.unique(self.parts):
            chosen, path = self.parts == part, self.folder / f"part-{part}.npz"
            if not path.exists():
                _judge(self._network(chosen, f"part-{part}", world), self.real.take(chosen), world).save(path)
            judged = HeldOut.load(path)
            found = judged.spread(chosen) if found is None else found.filled(chosen, judged)
        assert found is not None  # noqa: S101 - there is a part
        return found

    def final(self, world: World) -> GrayMobileNet:
        """The network that has learned from all pictures; its weights are kept in half precision."""
        path = self.folder / "final.pt"
        if not path.exists():
            network = self._network(np.zeros(len(self.real), np.bool_), "final", world)
            halves = {
                name: value.half() if value.is_floating_point() else value
                for name, value in network.state_dict().items()
            }
            with replacing(path) as file:
                torch.save(halves, file)
        network = self._start()
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        return network.eval()

    def _network(self, held_out: NDArray[np.bool_], name: str, world: World) -> GrayMobileNet:
        strips, count = join(self.real, self.drawn), len(self.real)
        own = np.arange(len(strips)) < count
        learned = own & ~np.append(held_out, np.zeros(len(self.drawn), np.bool_))
        half = self.recipe.optimisation.batch // 2
        mixture: Mixture = (
            (np.flatnonzero(learned & strips.defect), half),
            (np.flatnonzero(learned & ~strips.defect), half),
            (np.flatnonzero(~own), DRAWN_IN_BATCH),
        )
        plan = replace(self.recipe.optimisation, batch=2 * half + DRAWN_IN_BATCH)
        states = []
        for number in range(NETWORKS):
            seed = _SEEDS_OF_A_NETWORK * number + (
                int(self.parts[held_out][0]) if held_out.any() else int(self.parts.max()) + 1
            )
            recipe = replace(self.recipe, seed=seed, optimisation=plan)
            run = RunFolder(self.folder / f"{name}-network-{number + 1}")
            train(self._start(), Job(recipe, strips, mixture, None, run, own=own), world)
            states.append(read_checkpoint(run.best)["network"])
        network = self._start()
        network.load_state_dict(
            {
                key: torch.stack([state[key] for state in states]).mean(dim=0) if value.is_floating_point() else value
                for key, value in states[0].items()
            }
        )
        return network

    def _start(self) -> GrayMobileNet:
        torch.manual_seed(0)
        network = build_network(self.recipe, self.real.classes.shape[1])
        load_backbone(network, self.backbone)
        return network


@dataclass(frozen=True)
class HeldOut:
    """What networks say of N pictures.

    Attributes:
        defect: logits of any damage, float32 (N,).
        classes: logits of each class, float32 (N, C).
        masks: uint8 (N, C, h, w), probabilities of each class by itself in steps of 1/255.
    """

    defect: NDArray[np.float32]
    classes: NDArray[np.float32]
    masks: NDArray[np.uint8]

    def save(self, path: Path) -> None:
        """Write a compressed .npz file, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            np.savez_compressed(file, defect=self.defect, classes=self.classes, masks=self.masks)

    @classmethod
    def load(cls, path: Path) -> HeldOut:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(arrays["defect"], arrays["classes"], arrays["masks"])

    def spread(self, chosen: NDArray[np.bool_]) -> HeldOut:
        """As rows of as many as `chosen` has, zero elsewhere."""
        empty = HeldOut(*(np.zeros((len(chosen), *values.shape[1:]), values.dtype) for values in vars(self).values()))
        return empty.filled(chosen, self)

    def filled(self, chosen: NDArray[np.bool_], part: HeldOut) -> HeldOut:
        """The same with the rows of a part in their places."""
        for mine, its in zip(vars(self).values(), vars(part).values(), strict=True):
            mine[chosen] = its
        return self


def _judge(network: GrayMobileNet, strips: StripSet, world: World) -> HeldOut:
    defect, classes, masks = [], [], []
    network.to(world.device).eval()
    with torch.inference_mode():
        for first in range(0, len(strips), _BATCH):
            answers = network(torch.from_numpy(np.array(strips.pixels[first : first + _BATCH])).to(world.device))
            assert answers.classes is not None  # noqa: S101 - a unified network has them
            assert answers.places is not None  # noqa: S101 - as above
            defect.append(answers.defect.cpu().numpy())
            classes.append(answers.classes.cpu().numpy())
            masks.append((answers.places.sigmoid() * LEVELS).round().to(torch.uint8).cpu().numpy())
    return HeldOut(np.concatenate(defect), np.concatenate(classes), np.concatenate(masks))
