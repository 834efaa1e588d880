"""Make the model that ships: draw, cross-validate, fit on all, calibrate, export, prove, describe.

    python -m steel_defect_trainer.bundling.bundle --real FOLDER [--backbone FILE]

`--real` is a folder of labelled real pictures in the layout that `data.loose.open_loose_pictures` reads. Drawn strips,
networks and what they say of held-out pictures are kept in `--work` and used again by the next run.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

import steel_defect
from steel_defect.contract import ModelContract
from steel_defect_trainer.bundling.card import CardFacts, card_of_bundle
from steel_defect_trainer.bundling.fits import Fits
from steel_defect_trainer.bundling.severstal_share import calibrate_as_severstal
from steel_defect_trainer.bundling.shown import measure_shown
from steel_defect_trainer.data.load import load
from steel_defect_trainer.data.loose import open_loose_pictures, open_unlabelled_pictures
from steel_defect_trainer.data.severstal import CLASSES, HEIGHT, WIDTH
from steel_defect_trainer.drawing.dataset import drawn
from steel_defect_trainer.errors import ExportError
from steel_defect_trainer.evaluation.paired import paired_auc_difference
from steel_defect_trainer.exporting.card import write_card
from steel_defect_trainer.exporting.guard import Familiar, write_guard
from steel_defect_trainer.exporting.int8 import write_int8
from steel_defect_trainer.exporting.mask_terms import write_mask_terms
from steel_defect_trainer.exporting.metadata import read_contract
from steel_defect_trainer.exporting.onnx_file import export
from steel_defect_trainer.exporting.parity import TOLERANCE, largest_difference, run_onnx, run_torch
from steel_defect_trainer.exporting.reference import reference_of_pixels, write_reference
from steel_defect_trainer.exporting.sure_damage import hold_sure_damage
from steel_defect_trainer.networks.deployed import DeployedUnifiedNet
from steel_defect_trainer.networks.unified import UnifiedNet
from steel_defect_trainer.provenance import git_commit
from steel_defect_trainer.recipe import read_recipe
from steel_defect_trainer.strips import UNKNOWN, join
from steel_defect_trainer.training.baseline import baseline_of_folds
from steel_defect_trainer.training.distributed import World, joined_world
from steel_defect_trainer.training.folds import group_folds

if TYPE_CHECKING:
    from steel_defect_trainer.strips import StripSet

MODEL_NAME: Final = "strip-mobilenetv2"
MODEL_VERSION: Final = "0.3.0"
LICENCE: Final = (
    "weights: MIT, as the project; trained on drawn strips and on pictures of the Severstal data set (owner PAO "
    "Severstal), from an ImageNet backbone under MIT; see MODEL_CARD.md"
)
BUNDLED: Final = Path(steel_defect.__file__).parent / "bundled"
PARTS: Final = 5


@dataclass(frozen=True)
class BundleConfig:
    """Everything that decides what comes out.

    Attributes:
        real: folder of the labelled real pictures.
        backbone: ImageNet weights with torchvision's key names; None lets torchvision download its own.
        work: where drawn strips and checkpoints are kept.
        output: folder of `model.onnx`, the int8 file, and `MODEL_CARD.md`; the float file stays in `work`.
        strips: number of drawn strips that masks are learned from.
        changes: of the recipe `unified`.
    """

    real: Path
    backbone: Path | None = None
    work: Path = Path("runs/bundle")
    output: Path = BUNDLED
    strips: int = 150
    changes: tuple[str, ...] = ()


def make_bundle(config: BundleConfig, world: World) -> Path:
    """Run everything and return the path of the model file.

    Raises:
        ExportError: the exported file does not compute what the network does.
    """
    started = time.monotonic()
    recipe = read_recipe("unified", config.changes)
    spec = recipe.input
    cache = config.work / "cache"
    real = load(open_loose_pictures(config.real), spec, cache)
    drawn_strips = _of_unknown_class(load(drawn(config.strips, 1, config.work), spec, cache))
    unlabelled = _of_unknown_class(load(open_unlabelled_pictures(config.real), spec, cache))
    parts = group_folds(real.groups, PARTS)
    fits = Fits(recipe, real, parts, drawn_strips, config.backbone, config.work / "fits")
    out_of_fold = fits.held_out(world)
    calibration = calibrate_as_severstal(out_of_fold.defect, real.defect)
    baseline = baseline_of_folds(real, parts, config.backbone, world.device)
    against = paired_auc_difference(out_of_fold.defect, baseline.defect_logits, real.defect)
    shown = measure_shown(real, out_of_fold, calibration)
    sys.stderr.write(
        f"cross-validation: ROC-AUC {against.auc_a} on {len(real)} real pictures, frozen features {against.auc_b}, "
        f"difference {against.difference}; Dice of any damage {shown.masks.dice}, Kaggle's {shown.masks.kaggle_dice}\n"
    )

    network = fits.final(world)
    assert isinstance(network, UnifiedNet)  # noqa: S101 - that is what the recipe makes
    contract = ModelContract(
        name=MODEL_NAME,
        version=MODEL_VERSION,
        class_names=tuple(CLASSES.values()),
        threshold=round(calibration.threshold, 4),
        review_low=calibration.review_low,
        review_high=calibration.review_high,
        training_data_digest=hashlib.sha256((drawn_strips.digest + real.digest).encode()).hexdigest(),
        git_commit=git_commit(),
        licence=LICENCE,
        input=spec,
        metrics={
            "cross_validation_roc_auc": against.auc_a.rounded(),
            "cross_validation_dice": shown.masks.dice.rounded(),
            "cross_validation_pictures": len(real),
        },
    )
    path, shipped = config.work / "model-float.onnx", config.output / "model.onnx"
    deployed = DeployedUnifiedNet(network, calibration.scale, calibration.offset)
    export(deployed, contract, path)
    pixels = np.concatenate([real.pixels, unlabelled.pixels])
    parity = largest_difference(run_torch(deployed, pixels), run_onnx(path, pixels))
    if not parity < TOLERANCE:
        message = f"{path} differs from the network by {parity:.2e} in probability; {TOLERANCE:.0e} is allowed"
        raise ExportError(message)
    write_reference(path, reference_of_pixels(path, real.pixels))
    write_mask_terms(path, shown.masks.rule, (WIDTH, HEIGHT))
    what = f"pictures: the real ones, and {len(unlabelled)} of Kaggle's test part, whose labels nobody knows"
    int8 = write_int8(path, shipped, real, join(real, unlabelled), what)
    familiar = Familiar(real.pixels, real.groups, [(WIDTH, HEIGHT)] * len(real))
    write_guard(shipped, familiar, spec)
    hold_sure_damage(shipped)
    facts = CardFacts(
        contract=read_contract(shipped),
        calibration=calibration,
        real=real,
        parts=parts,
        out_of_fold=out_of_fold,
        against=against,
        shown=shown,
        drawn=drawn_strips,
        recipe=recipe,
        parity=parity,
        parity_pictures=len(pixels),
        minutes=(time.monotonic() - started) / 60,
        files=(shipped,),
        int8=int8,
    )
    write_card(card_of_bundle(facts), config.output / "MODEL_CARD.md")
    return shipped


def _of_unknown_class(strips: StripSet) -> StripSet:
    return replace(strips, classes=np.full_like(strips.classes, UNKNOWN))


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
