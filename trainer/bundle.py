"""Make the model that ships: draw, train, cross-validate, fit on all, calibrate, export, prove, describe.

    python -m trainer.bundle --real FOLDER [--backbone FILE]

`--real` is a folder of labelled real pictures in the layout that `trainer.data.loose.open_loose_pictures` reads. Drawn
strips and the network after the first stage are kept in `--work` and used again by the next run with the same settings.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

import steel_defect
from steel_defect.contract import InputSpec, ModelContract
from trainer import export, synthetic
from trainer.card import CardFacts, write_card
from trainer.crossvalidate import cross_validate, frozen_baseline
from trainer.data.layouts import open_data
from trainer.data.load import load
from trainer.data.loose import open_agreed_pictures, open_loose_pictures
from trainer.metrics import Interval, bootstrap_auc, decide
from trainer.model import DeployedStripNet, StripNet, load_backbone
from trainer.train import Mixture, StageConfig, fit, predict

if TYPE_CHECKING:
    from trainer.strips import StripSet

CLASS_NAMES: Final = ("pits", "cracks", "scratches", "rolled-in scale")
MODEL_NAME: Final = "strip-mobilenetv2"
MODEL_VERSION: Final = "0.1.0"
LICENCE: Final = (
    "weights: MIT, as the project; trained on drawn strips and on pictures of the Severstal data set (owner PAO "
    "Severstal), from an ImageNet backbone under MIT; see MODEL_CARD.md"
)
BUNDLED: Final = Path(steel_defect.__file__).parent / "bundled"


@dataclass(frozen=True)
class BundleConfig:
    """Everything that decides what comes out.

    Attributes:
        real: folder of the labelled real pictures.
        backbone: ImageNet weights with torchvision's key names; None lets torchvision download its own.
        work: where drawn strips and the network after stage 1 are kept.
        output: folder of `model.onnx` and `MODEL_CARD.md`.
        strips: number of drawn strips to train on.
        held_out_strips: number of drawn strips to measure on.
        processes: that draw at a time.
        stage_1: ImageNet to drawn strips.
        stage_2: to real pictures, mixed with drawn ones.
    """

    real: Path
    backbone: Path | None = None
    work: Path = Path("runs/bundle")
    output: Path = BUNDLED
    strips: int = 2400
    held_out_strips: int = 300
    processes: int = 2
    stage_1: StageConfig = field(default_factory=lambda: StageConfig("stage 1", 500, 6e-4, 3e-3))
    stage_2: StageConfig = field(default_factory=lambda: StageConfig("stage 2", 100, 1.5e-4, 6e-4, average=0.95))


def make_bundle(config: BundleConfig) -> Path:
    """Run everything and return the path of the model file.

    Raises:
        RuntimeError: the exported file does not compute what the network does.
    """
    started, spec = time.monotonic(), InputSpec()
    drawn = _drawn_strips(config, "train", config.strips, seed=1, spec=spec)
    held_out = _drawn_strips(config, "held-out", config.held_out_strips, seed=2, spec=spec)
    real = load(open_loose_pictures(config.real), spec, config.work / "cache")
    agreed = load(open_agreed_pictures(config.real), spec, config.work / "cache")

    def mixture(labelled: StripSet) -> Mixture:
        return ((drawn, 6), (labelled.take(~labelled.defect), 3), (labelled.take(labelled.defect), 4), (agreed, 3))

    torch.manual_seed(config.stage_1.seed)
    imagenet = StripNet()
    load_backbone(imagenet, config.backbone)
    baseline = bootstrap_auc(frozen_baseline(imagenet, real), real.defect)
    pretrained = _stage_1(imagenet, drawn, config)
    drawn_only = bootstrap_auc(predict(pretrained, real)[0], real.defect)
    out_of_fold = cross_validate(pretrained, real, mixture, config.stage_2)
    np.savez(
        config.work / "out-of-fold.npz",
        names=np.array(real.names),
        truth=real.defect,
        folds=out_of_fold.folds,
        logits=out_of_fold.defect_logits,
        class_logits=out_of_fold.class_logits,
    )
    decision = decide(out_of_fold.defect_logits, real.defect)
    quality = bootstrap_auc(out_of_fold.defect_logits, real.defect)
    sys.stderr.write(f"cross-validation: ROC-AUC {quality} on {len(real)} real pictures; baseline {baseline}\n")

    network = fit(copy.deepcopy(pretrained), mixture(real), config.stage_2)
    drawn_quality = bootstrap_auc(predict(network, held_out)[0], held_out.defect)
    digest = hashlib.sha256("".join(strips.digest for strips in (drawn, real, agreed)).encode()).hexdigest()
    contract = ModelContract(
        name=MODEL_NAME,
        version=MODEL_VERSION,
        class_names=CLASS_NAMES,
        threshold=round(decision.threshold, 4),
        review_low=round(decision.review_low, 4),
        review_high=round(decision.review_high, 4),
        training_data_digest=digest,
        git_commit=_git_commit(),
        licence=LICENCE,
        metrics={
            "cross_validation_roc_auc": _figures(quality),
            "cross_validation_pictures": len(real),
            "drawn_held_out_roc_auc": _figures(drawn_quality),
        },
    )
    path = config.output / "model.onnx"
    deployed = DeployedStripNet(network, decision.scale, decision.offset)
    export.export(deployed, contract, path)
    pixels = np.concatenate([real.pixels, held_out.pixels])
    parity = export.largest_difference(export.run_torch(deployed, pixels), export.run_onnx(path, pixels))
    if not parity < export.PARITY:
        message = f"{path} differs from the network by {parity:.2e} in probability; {export.PARITY:.0e} is allowed"
        raise RuntimeError(message)
    facts = CardFacts(
        contract=contract,
        decision=decision,
        real=real,
        agreed=agreed,
        out_of_fold=out_of_fold,
        quality=quality,
        baseline=baseline,
        drawn=drawn,
        held_out=held_out,
        drawn_quality=drawn_quality,
        stages=(config.stage_1, config.stage_2),
        parity=parity,
        parity_pictures=len(pixels),
        drawn_only=drawn_only,
        minutes=(time.monotonic() - started) / 60,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    write_card(facts, config.output / "MODEL_CARD.md")
    torch.save(network.state_dict(), config.work / "network.pt")
    return path


def _drawn_strips(config: BundleConfig, name: str, count: int, *, seed: int, spec: InputSpec) -> StripSet:
    folder = config.work / f"drawn-{name}"
    if len(list((folder / "train_images").glob("*.jpg"))) != count:
        synthetic.write_folder(folder, count=count, seed=seed, processes=config.processes)
    return load(open_data(folder), spec, config.work / "cache")


def _stage_1(imagenet: StripNet, drawn: StripSet, config: BundleConfig) -> StripNet:
    """Train the first stage, or read it from `work` if it was trained there on the same data with the same settings."""
    key = hashlib.sha256(f"{config.stage_1} {drawn.digest} {config.backbone}".encode()).hexdigest()[:16]
    path = config.work / f"stage-1-{key}.pt"
    if path.exists():
        network = StripNet()
        network.load_state_dict(torch.load(path, weights_only=True))
        return network
    network = fit(copy.deepcopy(imagenet), ((drawn, 16),), config.stage_1)
    torch.save(network.state_dict(), path)
    return network


def _figures(interval: Interval) -> dict[str, float]:
    return {"value": round(interval.value, 4), "low": round(interval.low, 4), "high": round(interval.high, 4)}


def _git_commit() -> str:
    """Name the commit of the code that trains, with "-dirty" where that code differs from it; "unknown" outside git."""
    code = ("trainer", "functions/steel_defect/image.py", "functions/steel_defect/contract.py")
    try:
        commit = _git("rev-parse", "HEAD")
        return f"{commit}-dirty" if _git("status", "--porcelain", "--", *code) else commit
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    command = ("git", *arguments)
    root = Path(__file__).parents[1]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 - ours


def main() -> None:
    """Entry point of `python -m trainer.bundle`."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer.bundle", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--real", type=Path, required=True, help="folder of labelled real pictures")
    parser.add_argument("--backbone", type=Path, help="ImageNet weights (default: torchvision's download)")
    parser.add_argument(
        "--work", type=Path, default=Path("runs/bundle"), help="kept between runs (default: %(default)s)"
    )
    parser.add_argument("--output", type=Path, default=BUNDLED, help="default: %(default)s")
    options = parser.parse_args()
    path = make_bundle(
        BundleConfig(real=options.real, backbone=options.backbone, work=options.work, output=options.output)
    )
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
