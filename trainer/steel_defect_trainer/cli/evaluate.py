"""`steel-defect evaluate`: how good a run is, and the threshold to take."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from steel_defect_trainer.cli.agreement_table import print_agreement
from steel_defect_trainer.errors import TrainerError

if TYPE_CHECKING:
    from steel_defect_trainer.evaluation.evaluation import Evaluation


@click.command("evaluate")
@click.argument("run", metavar="RUN")
@click.option(
    "--part",
    type=click.Choice(["validation", "test"]),
    help="Part to judge it on (default: test if the run has predictions of it, else validation).",
)
@click.option(
    "--recall-floor",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="R",
    help="Threshold with the best precision that finds at least this share of the defects (default: best F1).",
)
@click.option(
    "--threshold", type=click.FloatRange(0, 1), metavar="T", help="Take this threshold instead of choosing one."
)
@click.option(
    "--decision-from", metavar="RUN", help="Choose threshold and calibration on the validation part of another run."
)
@click.option(
    "--inspectors",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="TABLE",
    help="CSV of file and a column for each inspector, of pictures that two or more have judged.",
)
def command(  # noqa: PLR0913, PLR0917 - the command's own options
    run: str,
    part: str | None,
    recall_floor: float | None,
    threshold: float | None,
    decision_from: str | None,
    inspectors: Path | None,
) -> None:
    """Judge a training run: a folder, or its name under runs/.

    Calibration, threshold and review band are always chosen on validation pictures. Writes evaluation.json, figures/
    and report.html into the run's folder.

    A final model learned from the validation pictures too: name the run that its recipe was tried with.

    \b
        steel-defect evaluate runs/strip --recall-floor 0.98
        steel-defect evaluate runs/strip-final --decision-from runs/strip
    """  # noqa: D301 - click wants the character that it spells
    from steel_defect_trainer.data.inspectors import read_verdicts  # noqa: PLC0415 - heavy, and --help does without
    from steel_defect_trainer.evaluation.evaluation import evaluate  # noqa: PLC0415 - as above
    from steel_defect_trainer.evaluation.evaluation_file import write_json  # noqa: PLC0415 - as above
    from steel_defect_trainer.evaluation.report import write_report  # noqa: PLC0415 - as above
    from steel_defect_trainer.runs.run import read_run  # noqa: PLC0415 - as above

    if threshold is not None and recall_floor is not None:
        message = "--threshold and --recall-floor exclude each other"
        raise click.UsageError(message)
    try:
        judged = read_run(run)
        evaluation = evaluate(
            judged,
            part or ("test" if judged.has("test") else "validation"),
            chosen_by=None if decision_from is None else read_run(decision_from),
            recall_floor=recall_floor,
            threshold=threshold,
        )
        if inspectors is not None:
            verdicts = read_verdicts(inspectors, evaluation.class_names)
            evaluation = evaluation.beside(verdicts.names, verdicts.inspectors, verdicts.said)
        report = write_report(evaluation)
        written = write_json(evaluation)
    except (TrainerError, OSError) as error:
        raise click.ClickException(str(error)) from error
    _print(evaluation)
    if evaluation.agreement is not None:
        print_agreement(evaluation.agreement)
    click.echo(f"\n{written}\n{report}")


def _print(evaluation: Evaluation) -> None:
    from rich.table import Table  # noqa: PLC0415 - as above

    from steel_defect.cli.console import table_console  # noqa: PLC0415 - as above
    from steel_defect_trainer.evaluation.report import LABELS  # noqa: PLC0415 - as above

    console, measures, calibration = table_console(), evaluation.measures, evaluation.calibration
    truth = evaluation.predictions.truth
    grouped = "" if evaluation.groups is None else f", in {evaluation.groups:,} groups"
    console.print(
        f"{evaluation.run.name} on {len(truth):,} {evaluation.part} pictures, {truth.sum():,} with a defect{grouped}\n",
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
        f"{calibration.review_high:.4f}, temperature {1 / calibration.scale:.3f}; all chosen on the validation part of "
        f"{evaluation.chosen_on}\n"
        f"TN {counts.true_negatives:,}  FP {counts.false_positives:,}  "
        f"FN {counts.false_negatives:,}  TP {counts.true_positives:,}"
    )
    for band, kinds in evaluation.band.items():
        console.print(f"{band:>6}: {kinds['defect']:,} defects, {kinds['clean']:,} clean")
    for warning in evaluation.warnings:
        click.secho(f"warning: {warning}", err=True, fg="yellow")
