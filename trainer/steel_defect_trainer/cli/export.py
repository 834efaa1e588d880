"""`steel-defect export`: a finished run as model files and a model card."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from steel_defect.model_uri import NAME
from steel_defect_trainer.cli.options import cache_option
from steel_defect_trainer.errors import TrainerError

if TYPE_CHECKING:
    from steel_defect_trainer.exporting.card import Int8


def _registrable(_context: click.Context, _option: click.Parameter, name: str | None) -> str | None:
    """The name, if a registry takes it: better refused here than when the finished model is published."""
    if name is not None and not re.fullmatch(NAME, name):
        message = f"{name!r} cannot be a name in a registry: at most 63 of a-z, 0-9, '.', '_' and '-'"
        raise click.BadParameter(message)
    return name


@click.command("export")
@click.argument("run", metavar="RUN")
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="Folder for the files (the run's own)."
)
@click.option("--name", callback=_registrable, help="Name of the model, also in a registry (the recipe's name).")
@click.option("--version", default="0.1.0", show_default=True, help="Version of the model.")
@click.option("--licence", default="not stated", show_default=True, help="Terms of use, as the file states them.")
@click.option("--int8/--no-int8", default=True, show_default=True, help="Whether to write an int8 file too.")
@cache_option
def command(  # noqa: PLR0913, PLR0917 - the command's own options
    run: str,
    output: Path | None,
    name: str | None,
    version: str,
    licence: str,
    int8: bool,  # noqa: FBT001 - a flag of the command
    cache: Path,
) -> None:
    """Export a training run, a folder or its name under runs/, that 'steel-defect evaluate' has judged.

    Writes model.onnx, model-int8.onnx and MODEL_CARD.md. The first is compared with the network on the bytes of real
    pictures; the agreement of the second with the first is printed, and is in the card.

    \b
        steel-defect export runs/strip --name my-line --version 1.0.0
    """  # noqa: D301 - click wants the character that it spells
    from steel_defect_trainer.exporting.run import ExportRequest, export_run  # noqa: PLC0415 - heavy, and --help does without
    from steel_defect_trainer.runs.run import read_run  # noqa: PLC0415 - as above

    try:
        read = read_run(run)
        exported = export_run(
            ExportRequest(
                run=read,
                output=output or read.folder,
                name=name or str(read.recipe["name"]),
                version=version,
                licence=licence,
                int8=int8,
                cache=cache,
            )
        )
    except (TrainerError, OSError) as error:
        raise click.ClickException(str(error)) from error
    if exported.int8 is not None:
        _print(exported.int8)
    for path in exported.files:
        click.echo(path)


def _print(int8: Int8) -> None:
    from rich.table import Table  # noqa: PLC0415 - as above

    from steel_defect.cli.console import table_console  # noqa: PLC0415 - as above

    found, (whole, small) = int8.agreement, int8.costs
    table = Table("", "float", "int8", header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("size", f"{whole.size_bytes / 1e6:.2f} MB", f"{small.size_bytes / 1e6:.2f} MB")
    table.add_row("a picture, one thread, least", f"{whole.least_ms:.1f} ms", f"{small.least_ms:.1f} ms")
    table.add_row("a picture, one thread, median", f"{whole.median_ms:.1f} ms", f"{small.median_ms:.1f} ms")
    if not math.isnan(found.roc_auc[0]):
        table.add_row("ROC-AUC", *(f"{value:.4f}" for value in found.roc_auc))
    console = table_console()
    console.print(table)
    console.print(
        f"\non {found.pictures:,} {int8.pictures}: {found.equal_decisions:.1%} of the decisions equal, "
        f"defect_prob differs by {found.largest_difference:.3f} at most, by {found.mean_difference:.4f} on average",
        soft_wrap=True,
    )
    if not found.holds:
        click.secho("the int8 file does not keep its bounds: serve the float one", err=True, fg="yellow")
