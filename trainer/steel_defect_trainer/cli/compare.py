"""`steel-defect compare`: the table of experiments, for any runs."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from steel_defect.cli.options import one_output
from steel_defect.cli.printing import csv_writer
from steel_defect_trainer.errors import TrainerError
from steel_defect_trainer.reporting.markdown import table

if TYPE_CHECKING:
    from steel_defect_trainer.evaluation.compare import Comparison, Difference

_COUNTS: Final = {
    "TN": "true_negatives",
    "FP": "false_positives",
    "FN": "false_negatives",
    "TP": "true_positives",
}


@click.command("compare")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--part", type=click.Choice(["validation", "test"]), default="validation", show_default=True)
@one_output(
    markdown="Tables for a README.",
    csv="Comma-separated values with a header.",
    json="One JSON object, with the intervals.",
)
def command(runs: tuple[str, ...], part: str, output: str | None) -> None:
    """Compare training runs: loss, accuracy, precision, recall, F1, ROC-AUC and confusion matrix of each.

    Not calibrated, at the threshold 0.5. Runs that were judged on the same pictures as the first one are also compared
    with it, picture by picture: the difference in ROC-AUC with its 95 % bootstrap interval.

    \b
        steel-defect compare runs/strip runs/other --part test
    """  # noqa: D301 - click wants the character that it spells
    from steel_defect_trainer.evaluation.compare import compare  # noqa: PLC0415 - help needs none of it
    from steel_defect_trainer.runs.run import read_run  # noqa: PLC0415 - as above

    try:
        comparison = compare([read_run(run) for run in runs], part)
    except TrainerError as error:
        raise click.ClickException(str(error)) from error
    if output == "json":
        click.echo(json.dumps(_json(comparison), allow_nan=False))
    elif output == "csv":
        writer = csv_writer()
        writer.writerow(["experiment", *_figure_names(comparison), *_COUNTS])
        writer.writerows(_cells(comparison))
    elif output == "markdown":
        click.echo(_markdown(comparison))
    else:
        _print(comparison)
    for warning in comparison.warnings:
        click.secho(f"warning: {warning}", err=True, fg="yellow")


def _figure_names(comparison: Comparison) -> list[str]:
    prefix = "val" if comparison.part == "validation" else "test"
    return [f"{prefix}_{name}" for name in comparison.rows[0].figures]


def _cells(comparison: Comparison) -> list[list[str]]:
    rows = []
    for row in comparison.rows:
        counts = asdict(row.confusion)
        figures = ["" if math.isnan(value) else f"{value:.6f}" for value in row.figures.values()]
        rows.append([row.name, *figures, *(str(counts[field]) for field in _COUNTS.values())])
    return rows


def _json(comparison: Comparison) -> dict[str, object]:
    return {
        "part": comparison.part,
        "runs": [
            {
                "name": row.name,
                "pictures": row.pictures,
                **{name: None if math.isnan(value) else value for name, value in row.figures.items()},
                "confusion_matrix": asdict(row.confusion),
            }
            for row in comparison.rows
        ],
        "differences": [
            {
                "name": difference.name,
                "against": difference.against,
                "rocauc": None if difference.auc is None else asdict(difference.auc.difference),
                "why_not": difference.why_not or None,
            }
            for difference in comparison.differences
        ],
    }


def _markdown(comparison: Comparison) -> str:
    head = ["Experiment", *_figure_names(comparison), *_COUNTS]
    differences = [f"- {_text(difference)}" for difference in comparison.differences]
    return "\n".join([table(head, _cells(comparison), right=len(head)), "", *differences]).rstrip()


def _print(comparison: Comparison) -> None:
    from rich.table import Table  # noqa: PLC0415 - as above

    from steel_defect.cli.console import table_console  # noqa: PLC0415 - as above

    console = table_console()
    shown = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    shown.add_column("Experiment", no_wrap=True)
    for name in (*_figure_names(comparison), *_COUNTS):
        shown.add_column(name, justify="right", no_wrap=True)
    for cells in _cells(comparison):
        shown.add_row(*cells)
    # A narrow terminal breaks lines; it shall not cut off digits.
    console.width = max(console.width, console.measure(shown).maximum)
    console.print(shown)
    if comparison.differences:
        console.print()
    for difference in comparison.differences:
        console.print(_text(difference), markup=False, soft_wrap=True)


def _text(difference: Difference) -> str:
    pair = f"{difference.name} against {difference.against}"
    if difference.auc is None:
        return f"{pair}: not compared, {difference.why_not}"
    found = difference.auc.difference
    return f"{pair}: ROC-AUC {found.value:+.4f} (95 % interval {found.low:+.4f} to {found.high:+.4f})"
