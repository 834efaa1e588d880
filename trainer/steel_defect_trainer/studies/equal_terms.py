"""Two recipes on equal terms: same pictures, same parts, same processor time, three seeds each, on three sets.

    python -m steel_defect_trainer.studies.equal_terms drawn --recipe strip --seed 0 --severstal FOLDER --tiles FOLDER

Sets: `drawn` (strips with faint damage, 2,000 to learn from and 800 to judge), `tiles` (the magnetic tiles, parts by
group of near-duplicates) and `real` (Severstal's loose pictures, parts by source; starts from the run on `drawn`).
The number of steps is measured: as many as fit into the time on one thread. `agreed` trains nothing: the networks of a
run on `real` score other pictures, whose labels are those that two public models agree on.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from steel_defect_trainer.data.load import load
from steel_defect_trainer.data.loose import open_agreed_pictures, open_loose_pictures
from steel_defect_trainer.data.magnetic_tile import open_magnetic_tiles
from steel_defect_trainer.drawing.dataset import drawn
from steel_defect_trainer.drawing.strip import HARD_STRENGTH
from steel_defect_trainer.evaluation.ranking import roc_auc
from steel_defect_trainer.networks.body import GrayMobileNet, load_backbone
from steel_defect_trainer.networks.factory import build_network
from steel_defect_trainer.recipe import Recipe, read_recipe
from steel_defect_trainer.runs.folder import RunFolder
from steel_defect_trainer.training.batches import batches, mixture_of
from steel_defect_trainer.training.checkpoint import read_checkpoint
from steel_defect_trainer.training.crossvalidate import Trial, cross_validate
from steel_defect_trainer.training.distributed import World, joined_world
from steel_defect_trainer.training.folds import group_folds
from steel_defect_trainer.training.predict import predict
from steel_defect_trainer.training.state import TrainingState
from steel_defect_trainer.training.train import Job, train, training_step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steel_defect_trainer.strips import StripSet

# Changes of the recipes. The tiles are no strips, so ours gets a squarish input for them; from the few
# real pictures it takes what few pictures can teach, or else it loses there (see README). The rate of e1-15b is made
# for 8,000 steps: in a short training it gets one 30 times as high, or else ("slow") it hardly learns.
CONTENDERS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "strip": {
        "drawn": (),
        "real": ("optimisation.keep=0.5", "optimisation.refit=true"),
        "tiles": ("input.height=256", "input.width=256"),
    },
    "e1-15b": dict.fromkeys(("drawn", "real", "tiles"), ("optimisation.rate=3e-4", "optimisation.head_rate=3e-4")),
    "e1-15b-slow": {"drawn": (), "real": (), "tiles": ()},
}
# Minutes of processor time for each training, so for each part if there are parts.
MINUTES: Final = {"drawn": 5.0, "real": 1.5, "tiles": 1.5}
PARTS: Final = {"real": 5, "tiles": 3}
DRAWN: Final = {"train": (2000, 21), "test": (800, 22)}
_TIMED_STEPS: Final = 6


@dataclass(frozen=True)
class Folders:
    """Folders of real pictures, the file of ImageNet weights, and the folder of what is kept between runs."""

    severstal: Path
    tiles: Path
    backbone: Path | None
    work: Path


def run(name: str, contender: str, seed: int, folders: Folders, world: World) -> dict[str, Any]:
    """Train one contender with one seed on one set, and score every picture.

    Returns:
        `names`, `truth`, `groups` and `scores` of each picture; `auc`; `steps` and `cpu_seconds` of each training.
    """
    recipe = read_recipe(contender.removesuffix("-slow"), CONTENDERS[contender][name])
    recipe = replace(recipe, name=contender, seed=1000 * seed)
    folder = folders.work / name / f"{contender}-{seed}"
    strips = _strips(name, recipe, folders)

    def start() -> GrayMobileNet:
        torch.manual_seed(seed)
        network = build_network(recipe, strips.classes.shape[1])
        if name == "real":
            network.load_state_dict(read_checkpoint(RunFolder(folders.work / "drawn" / folder.name).best)["network"])
        else:
            load_backbone(network, folders.backbone)
        return network

    def mixture(all_strips: StripSet, usable: NDArray[np.bool_]) -> tuple[tuple[NDArray[np.int64], int], ...]:
        if name != "real":
            return tuple(mixture_of(all_strips, recipe, usable))
        real = np.arange(len(all_strips)) < len(strips)
        half, quarter = recipe.optimisation.batch // 2, recipe.optimisation.batch // 4
        return (
            (np.flatnonzero(real & usable & all_strips.defect), quarter),
            (np.flatnonzero(real & usable & ~all_strips.defect), half - quarter),
            (np.flatnonzero(~real), recipe.optimisation.batch - half),
        )

    extra = (_drawn("train", recipe, folders),) if name in {"real", "drawn"} else ()
    learned_from = extra[0] if extra else strips
    per_step = seconds_per_step(start(), recipe, learned_from, world)
    steps = max(1, round(60 * MINUTES[name] / per_step))
    recipe = replace(recipe, optimisation=replace(recipe.optimisation, steps=steps))
    began = time.process_time()
    if name == "drawn":
        job = Job(recipe, learned_from, mixture_of(learned_from, recipe), None, RunFolder(folder))
        network, parts = train(start(), job, world), np.zeros(len(strips), np.int64)
        spent = time.process_time() - began
        scores = predict(network, strips, world).defect_logits
    else:
        parts = group_folds(strips.groups, PARTS[name])
        out_of_fold = cross_validate(Trial(recipe, start, strips, extra, mixture, folder), parts, world)
        spent = (time.process_time() - began) / PARTS[name]
        scores = out_of_fold.defect_logits
    return _result(name, contender, seed, strips, scores) | {
        "groups": strips.groups,
        "parts": parts.tolist(),
        "steps": steps,
        "pictures_seen": steps * recipe.optimisation.batch,
        "cpu_seconds": round(spent, 1),
    }


def ask_others(contender: str, seed: int, folders: Folders, world: World) -> dict[str, Any]:
    """Let the networks of a finished run on `real` judge the pictures with pseudo-labels; their logits are averaged.

    Raises:
        FileNotFoundError: there is no such run.
    """
    recipe = read_recipe(contender.removesuffix("-slow"), CONTENDERS[contender]["real"])
    strips = load(open_agreed_pictures(folders.severstal), recipe.input, folders.work / "cache")
    logits = []
    for part in range(1, PARTS["real"] + 1):
        run = RunFolder(folders.work / "real" / f"{contender}-{seed}" / f"part-{part}")
        network = build_network(recipe, strips.classes.shape[1])
        network.load_state_dict(read_checkpoint(run.best)["network"])
        logits.append(predict(network, strips, world).defect_logits)
    return _result("agreed", contender, seed, strips, np.mean(logits, axis=0)) | {
        "groups": strips.names,
        "parts": [0] * len(strips),
        "steps": 0,
        "cpu_seconds": 0.0,
    }


def _result(name: str, contender: str, seed: int, strips: StripSet, scores: NDArray[np.float32]) -> dict[str, Any]:
    return {
        "set": name,
        "recipe": contender,
        "seed": seed,
        "auc": roc_auc(scores, strips.defect),
        "names": strips.names,
        "truth": strips.defect.tolist(),
        "scores": [round(float(score), 5) for score in scores],
    }


def seconds_per_step(network: GrayMobileNet, recipe: Recipe, strips: StripSet, world: World) -> float:
    """Processor time of one step on a copy that is thrown away: the median of a few, after the first."""
    state = TrainingState(copy.deepcopy(network), recipe, world)
    loader = batches(strips, mixture_of(strips, recipe), recipe, range(_TIMED_STEPS), world=world, workers=0)
    times, began = [], time.process_time()
    for batch in loader:
        training_step(state, batch, recipe.optimisation)
        times.append(time.process_time() - began)
        began = time.process_time()
    return float(np.median(times[1:]))


def _strips(name: str, recipe: Recipe, folders: Folders) -> StripSet:
    """The pictures of a set that are judged."""
    if name == "drawn":
        return _drawn("test", recipe, folders)
    if name == "tiles":
        return load(
            open_magnetic_tiles(folders.tiles, folders.work / "tiles-table"), recipe.input, folders.work / "cache"
        )
    return load(open_loose_pictures(folders.severstal), recipe.input, folders.work / "cache")


def _drawn(part: str, recipe: Recipe, folders: Folders) -> StripSet:
    """Strips with faint damage, drawn when they are first asked for."""
    count, seed = DRAWN[part]
    return load(drawn(count, seed, folders.work, HARD_STRENGTH), recipe.input, folders.work / "cache")


def main() -> None:
    """Entry point of `python -m steel_defect_trainer.studies.equal_terms`."""
    parser = argparse.ArgumentParser(
        prog="python -m steel_defect_trainer.studies.equal_terms",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("set", choices=(*MINUTES, "agreed"))
    parser.add_argument("--recipe", choices=tuple(CONTENDERS), required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--severstal", type=Path, required=True, help="folder of loose real pictures")
    parser.add_argument("--tiles", type=Path, required=True, help="folder of the magnetic tile set")
    parser.add_argument("--backbone", type=Path, help="ImageNet weights (default: torchvision's download)")
    parser.add_argument("--work", type=Path, default=Path("runs/study"), help="default: %(default)s")
    options = parser.parse_args()
    folders = Folders(options.severstal, options.tiles, options.backbone, options.work)
    torch.set_num_threads(1)
    with joined_world("cpu") as world:
        if options.set == "agreed":
            result = ask_others(options.recipe, options.seed, folders, world)
        else:
            result = run(options.set, options.recipe, options.seed, folders, world)
    path = options.work / "results" / f"{options.set}-{options.recipe}-{options.seed}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result) + "\n", encoding="utf-8")
    sys.stdout.write(f"{path}: ROC-AUC {result['auc']:.4f}, {result['steps']} steps, {result['cpu_seconds']} s\n")


if __name__ == "__main__":
    main()
