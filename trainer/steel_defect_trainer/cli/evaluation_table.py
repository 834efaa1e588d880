"""An evaluation as a table on the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from steel_defect_trainer.evaluation.evaluation import Evaluation


def print_evaluation(evaluation: Evaluation) -> None:
    """Print figures, decision, counts and baseline; warnings go to stderr."""
    from rich.table import Table  # noqa: PLC0415 - heavy, and --help does without

    from steel_defect.cli.console import table_console  # noqa: PLC0415 - heavy, and --help does without
    from steel_defect_trainer.evaluation.report import LABELS  # noqa: PLC0415 - heavy, and --help does without

    console, measures, calibration = table_console(), evaluation.measures, evaluation.calibration
    truth = evaluation.predictions.truth
    grouped = "" if evaluation.groups is None else f", in {evaluation.groups:,} groups"
    console.print(
        f"{evaluation.run.name} on {len(truth):,} pictures of {evaluation.judged_on}, {truth.sum():,} with a defect"
        f"{grouped}\n",
        style="bold",
        markup=False,
    )
    table = Table(
        "", "value", "95 % interval", "pictures", header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    table.columns[-1].justify = "right"
    rows = [(label, measures.figures[name], f"{measures.pictures[name]:,}") for name, (label, _) in LABELS.items()]
    having = (evaluation.predictions.classes > 0).sum(axis=0)
    rows += [
        (f"recall, {name}", recall, f"{count:,}")
        for name, recall, count in zip(evaluation.class_names, measures.class_recalls, having, strict=True)
    ]
    if evaluation.masks is not None:
        masks = evaluation.masks
        named = zip(evaluation.class_names, masks.class_dice, strict=True)
        count = f"{masks.pictures:,}"
        rows += [("mask Dice, any damage", masks.dice, count), ("mask IoU, any damage", masks.iou, count)]
        rows += [(f"mask Dice, {name}", dice, "") for name, dice in named]
        rows += [("Kaggle's mean Dice", masks.kaggle_dice, f"{len(truth):,}")]
    for label, found, count in rows:
        if math.isnan(found.value):
            table.add_row(label, "no value", "", count)
        else:
            spread = f"{found.low:.4f} to {found.high:.4f}" if found.low < found.high else "none"
            table.add_row(label, f"{found.value:.4f}", spread, count)
    console.print(table)
    counts = measures.confusion
    console.print(
        f"\nthreshold {calibration.threshold:.4g} ({evaluation.rule}), review from {calibration.review_low:.4f} to "
        f"{calibration.review_high:.4f}, temperature {1 / calibration.scale:.3f}; all chosen on the "
        f"{evaluation.chosen_in_words}\n"
        f"TN {counts.true_negatives:,}  FP {counts.false_positives:,}  "
        f"FN {counts.false_negatives:,}  TP {counts.true_positives:,}"
    )
    for band, kinds in evaluation.band.items():
        console.print(f"{band:>6}: {kinds['defect']:,} defects, {kinds['clean']:,} clean")
    if evaluation.baseline is not None:
        baseline, found = evaluation.baseline.auc_b, evaluation.baseline.difference
        console.print(
            f"frozen ImageNet network, same pictures: ROC-AUC {baseline}; "
            f"{evaluation.run.name} differs by {found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})",
            soft_wrap=True,
        )
    for warning in evaluation.warnings:
        click.secho(f"warning: {warning}", err=True, fg="yellow")
