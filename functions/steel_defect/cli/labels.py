"""`steel-defect labels`: what people said, and the pictures, as a folder to train on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from steel_defect.cli.options import store_uri
from steel_defect.location import Location, LocationError
from steel_defect.settings import SettingsError, load_settings
from steel_defect.storage import StorageError, open_store
from steel_defect.uploads.capture import captured
from steel_defect.verdicts import kept
from steel_defect.verdicts.agreed import agreed
from steel_defect.verdicts.exported import read_export
from steel_defect.verdicts.labels import LEFT_OUT, TABLE, UNNAMED, Places, write_labels
from steel_defect.verdicts.verdict import VerdictError

if TYPE_CHECKING:
    from steel_defect.storage import Store
    from steel_defect.verdicts.labels import Labelled
    from steel_defect.verdicts.verdict import Verdict


@click.command("labels")
@click.argument("results", metavar="RESULTS")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write the pictures and their labels into this folder.",
)
@click.option("--uploads", metavar="URI", help="Where the pictures are; default UPLOADS_URI.")
def command(results: str, *, output: Path, uploads: str | None) -> None:
    """Join what people said of pictures with the pictures, to train on.

    RESULTS is the store that POST /verdicts writes to: s3://bucket[/prefix], gs://..., file:///folder, or a folder with
    verdicts/ in it; or the JSON that the page exports, with --uploads for the folder of its pictures. The last word of
    each person counts. A picture that people differ on is not learnt from, nor one that was replaced after they looked
    at it: left-out.csv has them.

    \b
        steel-defect labels s3://my-results --uploads s3://my-uploads -o said
        steel-defect labels shift.json --uploads line-3 -o said

    \b
    Exit status:
      0  the folder is written
      1  nobody said anything that can be learnt from, or a store cannot be read
      2  the command line is wrong
    """  # noqa: D301 - click wants the character that it spells
    if (output / TABLE).exists():
        message = f"{output} has a {TABLE} already; name another folder"
        raise click.BadParameter(message, param_hint="--output")
    try:
        settings = load_settings()
        place = Location.parse(store_uri(uploads)) if uploads else settings.require_buckets().uploads
        verdicts, store = _said(results)
        found = agreed(verdict for verdict in verdicts if verdict is not None)
        columns = (SpinnerColumn(), TextColumn("reading pictures"), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("reading", total=len(found))
            pictures = open_store(place.root)
            places = Places(pictures, store or pictures, captured(store) if store else {})
            written = write_labels(found, places, output, settings.coil_pattern, lambda: progress.advance(task))
    except SettingsError as error:
        message = f"{error}; or state --uploads"
        raise click.ClickException(message) from error
    except (StorageError, LocationError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        message = f"{output} cannot be written: {error.strerror or error}"
        raise click.ClickException(message) from error
    _show(written, output, verdicts.count(None))


def _said(results: str) -> tuple[list[Verdict | None], Store | None]:
    """What people said, and the store that has it: none for what the page has exported."""
    if Path(results).is_file():
        try:
            return [*read_export(Path(results))], None
        except (VerdictError, OSError) as error:
            raise click.ClickException(str(error)) from error
    store = open_store(store_uri(results))
    return list(kept.read(store)), store


def _show(written: Labelled, output: Path, unreadable: int) -> None:
    for label, count in sorted(written.labels.items()):
        click.echo(f"{count:,} {label}")
    if UNNAMED in written.labels:
        click.echo(f"{UNNAMED!r} is what was rejected without a class")
    if written.left_out:
        click.echo(f"left out: {len(written.left_out):,} pictures; {output / LEFT_OUT} says why")
    if unreadable:
        click.echo(f"{unreadable:,} objects below {kept.FOLDER} are no verdicts")
    if not written.labels:
        message = "nobody said anything that can be learnt from"
        raise click.ClickException(message)
    click.echo(str(output / TABLE))
