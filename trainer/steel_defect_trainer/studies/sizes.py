"""How large a strip the network should see: accuracy against time, for the choice of an input size.

    python -m steel_defect_trainer.studies.sizes --severstal FOLDER -o sizes.json

For each size the recipe `strip` learns from the same drawn strips with faint damage, for as many steps, and is judged
on others, and on Severstal's loose pictures, of which it has seen none. Then it is exported, rounded to int8, and both
files are timed on one thread, in turn with each other. A size that is finished is not done again.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
import torch

from steel_defect.contract import ModelContract
from steel_defect_trainer.data.load import load
from steel_defect_trainer.data.loose import open_loose_pictures
from steel_defect_trainer.drawing.dataset import drawn
from steel_defect_trainer.drawing.strip import HARD_STRENGTH
from steel_defect_trainer.evaluation.ranking import bootstrap_auc
from steel_defect_trainer.exporting.onnx_file import export
from steel_defect_trainer.exporting.quantise import Kept, quantise
from steel_defect_trainer.exporting.timing import costs
from steel_defect_trainer.networks.body import load_backbone
from steel_defect_trainer.networks.deployed import DeployedStripNet
from steel_defect_trainer.networks.factory import build_network
from steel_defect_trainer.networks.strip import StripNet
from steel_defect_trainer.provenance import git_commit, machine
from steel_defect_trainer.recipe import read_recipe
from steel_defect_trainer.reporting.markdown import table
from steel_defect_trainer.runs.folder import RunFolder
from steel_defect_trainer.studies.equal_terms import DRAWN
from steel_defect_trainer.studies.report import interval_text
from steel_defect_trainer.training.batches import mixture_of
from steel_defect_trainer.training.distributed import World, joined_world
from steel_defect_trainer.training.predict import predict
from steel_defect_trainer.training.train import Job, train

SIZES: Final = ((64, 416), (96, 608), (128, 800), (192, 1216))
STEPS: Final = 150
_CALIBRATION: Final = 40
_KEPT: Final = Kept(3)


def run(size: tuple[int, int], severstal: Path, backbone: Path | None, work: Path, world: World) -> dict[str, Any]:
    """Train and time one size.

    Returns:
        `size`, `steps`, `drawn` and `real` ROC-AUC with their intervals, and milliseconds of the `float` and `int8`
        file, the least and the median.
    """
    height, width = size
    overrides = (f"input.height={height}", f"input.width={width}", f"optimisation.steps={STEPS}")
    recipe = read_recipe("strip", overrides)
    learned, judged = (
        load(drawn(*what, work, HARD_STRENGTH), recipe.input, work / "cache")
        for what in (DRAWN["train"], DRAWN["test"])
    )
    real = load(open_loose_pictures(severstal), recipe.input, work / "cache")
    torch.manual_seed(recipe.seed)
    start = build_network(recipe, learned.classes.shape[1])
    load_backbone(start, backbone)
    folder = work / "sizes" / f"{height}x{width}"
    network = train(start, Job(recipe, learned, mixture_of(learned, recipe), None, RunFolder(folder)), world)
    assert isinstance(network, StripNet)  # noqa: S101 - that is what the recipe makes
    scores = {
        name: predict(network, strips, world).defect_logits for name, strips in (("drawn", judged), ("real", real))
    }
    path, int8 = folder / "model.onnx", folder / "model-int8.onnx"
    export(DeployedStripNet(network, 1.0, 0.0), _contract(recipe.input), path)
    stride = len(learned) // _CALIBRATION
    quantise(path, int8, learned.pixels[::stride], _KEPT)
    times = dict(zip(("float", "int8"), costs((path, int8), judged.pixels[0]), strict=True))
    return {
        "size": list(size),
        "steps": STEPS,
        "drawn": bootstrap_auc(scores["drawn"], judged.defect).rounded(),
        "real": bootstrap_auc(scores["real"], real.defect).rounded(),
        "ms": {name: [round(cost.least_ms, 2), round(cost.median_ms, 2)] for name, cost in times.items()},
    }


def markdown(found: list[dict[str, Any]]) -> str:
    """One row a size."""
    head = ("input", "drawn strips, faint damage", "real strips, none seen", "ms, float", "ms, int8")
    rows = [
        (
            "{} x {}".format(*one["size"]),
            interval_text(one["drawn"]),
            interval_text(one["real"]),
            *(f"{one['ms'][name][0]:.1f}" for name in ("float", "int8")),
        )
        for one in found
    ]
    return table(head, rows)


def plot(found: list[dict[str, Any]], path: Path) -> None:
    """Accuracy on drawn strips against milliseconds in int8."""
    mpl.use("agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the back end is chosen

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    ms = [one["ms"]["int8"][0] for one in found]
    value, low, high = ([one["drawn"][key] for one in found] for key in ("value", "low", "high"))
    spread = (np.subtract(value, low), np.subtract(high, value))
    axes.errorbar(ms, value, yerr=spread, fmt="o-", capsize=3, color="#1f6f8b")
    for one, x, y in zip(found, ms, value, strict=True):
        axes.annotate("{} x {}".format(*one["size"]), (x, y), textcoords="offset points", xytext=(6, -12))
    axes.set_xlabel("ms a picture on one thread, int8")
    axes.set_ylabel("ROC-AUC, drawn strips with faint damage")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)
    plt.close(figure)


def _contract(spec: Any) -> ModelContract:  # noqa: ANN401 - the recipe's
    return ModelContract("size", "0", ("1", "2", "3", "4"), 0.5, 0.2, 0.8, "-", git_commit(), "-", spec)


def main() -> None:
    """Entry point of `python -m steel_defect_trainer.studies.sizes`."""
    parser = argparse.ArgumentParser(
        prog="python -m steel_defect_trainer.studies.sizes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--severstal", type=Path, required=True, help="folder of loose real pictures")
    parser.add_argument("--backbone", type=Path, help="ImageNet weights (default: torchvision's download)")
    parser.add_argument("--work", type=Path, default=Path("runs/study"), help="default: %(default)s")
    parser.add_argument("-o", "--output", type=Path, required=True, help="JSON file to write; its plot goes beside it")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with joined_world("cpu") as world:
        found = [run(size, options.severstal, options.backbone, options.work, world) for size in SIZES]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    kept = {"machine": machine(), "threads": 1, "sizes": found}
    options.output.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    plot(found, options.output.with_suffix(".svg"))
    sys.stdout.write(markdown(found) + "\n")


if __name__ == "__main__":
    main()
