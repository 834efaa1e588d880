"""`steel-defect import`: labels of other tools to a folder that can be trained on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from steel_defect_trainer.errors import DataError, TrainerError

if TYPE_CHECKING:
    from steel_defect_trainer.importing.run import Imported


@click.command("import")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option(
    "--pictures",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the pictures, and of masks that the labels name (beside the labels).",
)
@click.option(
    "--clean",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of further pictures, all without a defect; may be given again.",
)
@click.option(
    "--unlabelled",
    type=click.Choice(["clean", "leave-out"]),
    help="What pictures are of which the labels say nothing (asked for if there are some).",
)
def command(source: Path, output: Path, pictures: Path | None, clean: tuple[Path, ...], unlabelled: str | None) -> None:
    """Bring the labels of another tool, in the file or folder SOURCE, into the layout of a table labels.csv.

    Reads COCO, Pascal VOC, YOLO (boxes and polygons), CVAT (for images 1.1, and masks), Label Studio (JSON), manifests
    of SageMaker Ground Truth and Lookout for Vision, MVTec AD, and a folder for each class. The new folder has the
    pictures, linked where the disk allows and else copied, and a mask for each class of a picture.

    \b
        steel-defect import annotations.json --pictures photographs --unlabelled clean -o my-pictures
    """  # noqa: D301 - click wants the character that it spells
    from steel_defect_trainer.data.layouts import open_data  # noqa: PLC0415 - heavy, and --help does without
    from steel_defect_trainer.importing.run import ImportRequest, import_labels  # noqa: PLC0415 - as above

    try:
        imported = import_labels(ImportRequest(source, pictures, clean, unlabelled, output))
    except TrainerError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.FileError(str(error.filename or output), error.strerror) from error
    _report(imported)
    try:
        open_data(output)
    except DataError as error:
        message = f"{output} is written, and has to be corrected there before it can be used: {error}"
        raise click.ClickException(message) from error
    recipe = "strip" if any(label != "clean" for label, _ in imported.counts) else "clean"
    click.echo(f"{output} written; next: steel-defect eda {output}, steel-defect train {recipe} {output}")


def _report(imported: Imported) -> None:
    from rich.table import Table  # noqa: PLC0415 - as above

    from steel_defect.cli.console import table_console  # noqa: PLC0415 - as above

    ways = ("mask", "boxes", "no place")
    table = Table("label", "pictures", *ways, box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    labels = sorted({label for label, _ in imported.counts}, key=lambda label: (label == "clean", label))
    for label in labels:
        counts = [imported.counts[label, way] for way in ways]
        shown = ["", "", ""] if label == "clean" else [f"{count:,}" for count in counts]
        table.add_row(label, f"{sum(counts):,}", *shown)
    left_out = f", {imported.left_out:,} left out" if imported.left_out else ""
    click.echo(f"{imported.kind}: {imported.pictures:,} pictures{left_out}")
    table_console().print(table)
