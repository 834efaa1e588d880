"""`steel-defect eda`: what a set of labelled pictures holds, as a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from steel_defect_trainer.cli.options import Folder, cache_option, fetched
from steel_defect_trainer.errors import TrainerError

if TYPE_CHECKING:
    from steel_defect.location import Location


@click.command("eda")
@click.argument("folder", required=False, type=Folder(exists=True))
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default="eda",
    show_default=True,
    help="Folder for report.html and tables/*.csv.",
)
@cache_option
def command(folder: Path | Location | None, output: Path, cache: Path) -> None:
    """Explore labelled pictures: one HTML report that needs no other file, and its tables as CSV.

    Sizes and label balance, classes, types of defects on one picture, areas, colours, places, examples. Of a Severstal
    folder train.csv is enough: what needs the pictures is then left out.

    FOLDER is laid out as for 'steel-defect split'. Without one, the strips are drawn that 'steel-defect train' draws.

    \b
        steel-defect eda my-pictures -o runs/eda
    """  # noqa: D301 - click wants the character that it spells
    from steel_defect_trainer.data.layouts import open_data  # noqa: PLC0415 - heavy, and --help does without
    from steel_defect_trainer.drawing.dataset import SEED, STRIPS, drawn  # noqa: PLC0415 - as above
    from steel_defect_trainer.eda.report import write_report  # noqa: PLC0415 - as above

    try:
        if folder is None:
            dataset = drawn(STRIPS, SEED, cache)
            title = f"{len(dataset):,} drawn strips"
        else:
            local = fetched(folder, cache)
            dataset, title = open_data(local, tables_only=True), local.resolve().name
        click.echo(write_report(dataset, title, output))
    except TrainerError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.FileError(str(output), error.strerror) from error
