"""Make the model that ships: draw, train, cross-validate, fit on all, calibrate, export, prove, describe.

    python -m steel_defect_trainer.bundling.bundle --real FOLDER [--backbone FILE]

`--real` is a folder of labelled real pictures in the layout that `data.loose.open_loose_pictures` reads. Drawn
strips and the network after the first stage are kept in `--work` and used again by the next run with the same settings.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

import steel_defect
from steel_defect.contract import ModelContract
from steel_defect_trainer.bundling.baseline import frozen_baseline
from steel_defect_trainer.bundling.card import CardFacts, card_of_bundle
from steel_defect_trainer.bundling.severstal_share import calibrate_as_severstal
from steel_defect_trainer.data.load import load
from steel_defect_trainer.data.loose import open_agreed_pictures, open_loose_pictures
from steel_defect_trainer.data.severstal import CLASSES, HEIGHT, WIDTH
from steel_defect_trainer.drawing.dataset import drawn
from steel_defect_trainer.drawing.strip import FULL_STRENGTH, HARD_STRENGTH
from steel_defect_trainer.errors import ExportError
from steel_defect_trainer.evaluation.ranking import bootstrap_auc
from steel_defect_trainer.exporting.card import write_card
from steel_defect_trainer.exporting.guard import Familiar, write_guard
from steel_defect_trainer.exporting.int8 import write_int8
from steel_defect_trainer.exporting.metadata import read_contract
from steel_defect_trainer.exporting.onnx_file import export
from steel_defect_trainer.exporting.parity import TOLERANCE, largest_difference, run_onnx, run_torch
from steel_defect_trainer.exporting.reference import reference_of_pixels, write_reference
from steel_defect_trainer.networks.body import load_backbone
from steel_defect_trainer.networks.deployed import DeployedStripNet
from steel_defect_trainer.networks.strip import StripNet
from steel_defect_trainer.provenance import git_commit
from steel_defect_trainer.recipe import read_recipe
from steel_defect_trainer.runs.folder import RunFolder
from steel_defect_trainer.strips import join
from steel_defect_trainer.training.batches import mixture_of
from steel_defect_trainer.training.crossvalidate import Trial, cross_validate
from steel_defect_trainer.training.distributed import World, joined_world
from steel_defect_trainer.training.folds import group_folds
from steel_defect_trainer.training.predict import predict
from steel_defect_trainer.training.train import Job, train

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steel_defect.contract import InputSpec
    from steel_defect_trainer.strips import StripSet
    from steel_defect_trainer.training.batches import Mixture

MODEL_NAME: Final = "strip-mobilenetv2"
MODEL_VERSION: Final = "0.2.0"
LICENCE: Final = (
    "weights: MIT, as the project; trained on drawn strips and on pictures of the Severstal data set (owner PAO "
    "Severstal), from an ImageNet backbone under MIT; see MODEL_CARD.md"
)
BUNDLED: Final = Path(steel_defect.__file__).parent / "bundled"
# Pictures in a batch: drawn strips, clean real ones, real ones with a defect, and real ones with a pseudo-label.
IN_BATCH: Final = (6, 3, 4, 3)
PARTS: Final = 5
# Beside all real pictures, every so many-th drawn one is what int8 is calibrated on.
CALIBRATION_STRIDE: Final = 20
# Beside all real pictures, every so many-th drawn one is what the guard is fitted to.
FAMILIAR_STRIDE: Final = 15


# Stage 1, ImageNet to drawn strips; stage 2, to real pictures mixed with drawn ones. Both are the recipe `strip`.
STAGE_1: Final = ("optimisation.steps=500",)
STAGE_2: Final = (
    "optimisation.steps=100",
    "optimisation.rate=1.5e-4",
    "optimisation.head_rate=6e-4",
    "optimisation.average=0.95",
)


@dataclass(frozen=True)
class BundleConfig:
    """Everything that decides what comes out.

    Attributes:
        real: folder of the labelled real pictures.
        backbone: ImageNet weights with torchvision's key names; None lets torchvision download its own.
        work: where drawn strips and checkpoints are kept.
        output: folder of `model.onnx`, the int8 file, and `MODEL_CARD.md`; the float file stays in `work`.
        strips: number of drawn strips to train on.
        held_out_strips: number of drawn strips to measure on, and as many again with faint damage.
        stage_1: changes of the recipe for drawn strips.
        stage_2: changes of the recipe for real pictures.
    """

    real: Path
    backbone: Path | None = None
    work: Path = Path("runs/bundle")
    output: Path = BUNDLED
    strips: int = 2400
    held_out_strips: int = 300
    stage_1: tuple[str, ...] = STAGE_1
    stage_2: tuple[str, ...] = STAGE_2


def make_bundle(config: BundleConfig, world: World) -> Path:
    """Run everything and return the path of the model file.

    Raises:
        ExportError: the exported file does not compute what the network does.
    """
    started = time.monotonic()
    stage_1, stage_2 = read_recipe("strip", config.stage_1), read_recipe("strip", config.stage_2)
    spec = stage_1.input
    drawn = _drawn_strips(config, config.strips, 1, spec)
    held_out = join(
        _drawn_strips(config, config.held_out_strips, 2, spec),
        _drawn_strips(config, config.held_out_strips, 4, spec, HARD_STRENGTH),
    )
    real = load(open_loose_pictures(config.real), spec, config.work / "cache")
    agreed = load(open_agreed_pictures(config.real), spec, config.work / "cache")
    parts = group_folds(real.groups, PARTS)

    torch.manual_seed(stage_1.seed)
    imagenet = StripNet()
    load_backbone(imagenet, config.backbone)
    baseline = bootstrap_auc(frozen_baseline(imagenet, real, parts), real.defect)
    first = Job(stage_1, drawn, mixture_of(drawn, stage_1), None, RunFolder(config.work / "stage-1"))
    pretrained = train(imagenet, first, world)
    drawn_only = bootstrap_auc(predict(pretrained, real, world).defect_logits, real.defect)

    def mixture(strips: StripSet, usable: NDArray[np.bool_]) -> Mixture:
        number = np.arange(len(strips))
        truly = usable & (number < len(real))
        is_drawn = (number >= len(real)) & (number < len(real) + len(drawn))
        kinds = (is_drawn, truly & ~strips.defect, truly & strips.defect, number >= len(real) + len(drawn))
        return tuple(zip(map(np.flatnonzero, kinds), IN_BATCH, strict=True))

    trial = Trial(
        recipe=stage_2,
        start=lambda: copy.deepcopy(pretrained),
        strips=real,
        extra=(drawn, agreed),
        mixture=mixture,
        folder=config.work / "cross-validation",
    )
    out_of_fold = cross_validate(trial, parts, world)
    calibration = calibrate_as_severstal(out_of_fold.defect_logits, real.defect)
    quality = bootstrap_auc(out_of_fold.defect_logits, real.defect)
    sys.stderr.write(f"cross-validation: ROC-AUC {quality} on {len(real)} real pictures; baseline {baseline}\n")

    everything = join(real, drawn, agreed)
    all_of_it = mixture(everything, np.ones(len(everything), np.bool_))
    last = Job(stage_2, everything, all_of_it, None, RunFolder(config.work / "stage-2"))
    network = train(copy.deepcopy(pretrained), last, world)
    assert isinstance(network, StripNet)  # noqa: S101 - that is what the recipe makes
    drawn_quality = bootstrap_auc(predict(network, held_out, world).defect_logits, held_out.defect)
    digest = hashlib.sha256("".join(strips.digest for strips in (drawn, real, agreed)).encode()).hexdigest()
    contract = ModelContract(
        name=MODEL_NAME,
        version=MODEL_VERSION,
        class_names=tuple(CLASSES.values()),
        threshold=round(calibration.threshold, 4),
        review_low=round(calibration.review_low, 4),
        review_high=round(calibration.review_high, 4),
        training_data_digest=digest,
        git_commit=git_commit(),
        licence=LICENCE,
        metrics={
            "cross_validation_roc_auc": quality.rounded(),
            "cross_validation_pictures": len(real),
            "drawn_held_out_roc_auc": drawn_quality.rounded(),
        },
    )
    path, shipped = config.work / "model-float.onnx", config.output / "model.onnx"
    deployed = DeployedStripNet(network, calibration.scale, calibration.offset)
    export(deployed, contract, path)
    pixels = np.concatenate([real.pixels, held_out.pixels])
    parity = largest_difference(run_torch(deployed, pixels), run_onnx(path, pixels))
    if not parity < TOLERANCE:
        message = f"{path} differs from the network by {parity:.2e} in probability; {TOLERANCE:.0e} is allowed"
        raise ExportError(message)
    write_reference(path, reference_of_pixels(path, real.pixels))
    learned = join(real, agreed, drawn.take(np.arange(len(drawn)) % CALIBRATION_STRIDE == 0))
    int8 = write_int8(path, shipped, learned, join(real, held_out), "pictures, real ones and drawn ones to judge by")
    learned_from = join(real, drawn.take(np.arange(len(drawn)) % FAMILIAR_STRIDE == 0))
    write_guard(
        shipped, Familiar(learned_from.pixels, learned_from.groups, [(WIDTH, HEIGHT)] * len(learned_from)), spec
    )
    facts = CardFacts(
        contract=read_contract(shipped),
        calibration=calibration,
        real=real,
        agreed=agreed,
        out_of_fold=out_of_fold,
        quality=quality,
        baseline=baseline,
        drawn=drawn,
        held_out=held_out,
        drawn_quality=drawn_quality,
        stages=(stage_1, stage_2),
        parity=parity,
        parity_pictures=len(pixels),
        drawn_only=drawn_only,
        minutes=(time.monotonic() - started) / 60,
        files=(shipped,),
        int8=int8,
    )
    write_card(card_of_bundle(facts), config.output / "MODEL_CARD.md")
    return shipped


def _drawn_strips(
    config: BundleConfig,
    count: int,
    seed: int,
    spec: InputSpec,
    strength: tuple[float, float] = FULL_STRENGTH,
) -> StripSet:
    return load(drawn(count, seed, config.work, strength), spec, config.work / "cache")


def main() -> None:
    """Entry point of `python -m steel_defect_trainer.bundling.bundle`."""
    parser = argparse.ArgumentParser(
        prog="python -m steel_defect_trainer.bundling.bundle",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--real", type=Path, required=True, help="folder of labelled real pictures")
    parser.add_argument("--backbone", type=Path, help="ImageNet weights (default: torchvision's download)")
    parser.add_argument(
        "--work", type=Path, default=Path("runs/bundle"), help="kept between runs (default: %(default)s)"
    )
    parser.add_argument("--output", type=Path, default=BUNDLED, help="default: %(default)s")
    options = parser.parse_args()
    config = BundleConfig(real=options.real, backbone=options.backbone, work=options.work, output=options.output)
    with joined_world() as world:
        path = make_bundle(config, world)
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
