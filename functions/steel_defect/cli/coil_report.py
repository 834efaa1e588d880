"""`steel-defect report`: a coil from the results of its pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from steel_defect.cli.options import store_uri
from steel_defect.coils.acceptance import Acceptance, AcceptanceError, read_acceptance
from steel_defect.coils.files import report_files, stored_acceptance, write_report
from steel_defect.coils.reading import Source, read_coil
from steel_defect.coils.summary import summary_of
from steel_defect.coils.verdict import Coil
from steel_defect.decision import Decision
from steel_defect.location import Location, LocationError
from steel_defect.settings import SettingsError, load_settings
from steel_defect.storage import StorageError, open_store

if TYPE_CHECKING:
    from steel_defect.coils.summary import Summary
    from steel_defect.coils.tally import Tally
    from steel_defect.storage import Store

_REACHED: Final = 3


@click.command("report")
@click.argument("results", metavar="RESULTS")
@click.option("--coil", required=True, metavar="ID", help="The coil.")
@click.option("--grade", metavar="NAME", help="Grade of its steel, as the acceptance table names it.")
@click.option("--pictures", type=click.IntRange(1), metavar="N", help="How many pictures it has: fewer are missing.")
@click.option(
    "--prefix", default="", metavar="KEYS", help="Look only at uploads whose keys begin so, which is quicker."
)
@click.option("--uploads", metavar="URI", help="Where the pictures are: one without a result shows, too.")
@click.option(
    "--acceptance",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE.toml",
    help="Acceptance table; default coils/acceptance.toml of RESULTS, if it is there.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write the report into this folder instead of coils/ID/ of RESULTS.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--fail-on", type=click.Choice(["review", "reject"]), help="Exit with 3 on this verdict, or a worse one.")
def command(  # noqa: PLR0913 - one parameter an option
    results: str,
    *,
    coil: str,
    grade: str | None,
    pictures: int | None,
    prefix: str,
    uploads: str | None,
    acceptance: Path | None,
    output: Path | None,
    as_json: bool,
    fail_on: str | None,
) -> None:
    """Report on a coil: where its defects are, which come again with a roll, and whether it is accepted.

    RESULTS is the store that the upload function, or a folder that is watched, writes to: s3://bucket[/prefix], gs://...,
    file:///folder, or a folder with scores/ in it. The report is report.html, report.csv and report.json.

    \b
        steel-defect report s3://my-results --coil 4711 --grade 304

    \b
    Exit status:
      0  the report is written
      1  there is no picture of this coil, or a store cannot be read
      2  the command line is wrong
      3  the verdict is that of --fail-on, or a worse one
    """  # noqa: D301 - click wants the character that it spells
    try:
        settings = load_settings()
        store = open_store(store_uri(results))
        pictures_of = None if uploads is None else open_store(Location.parse(store_uri(uploads)).root)
        source = Source(store, settings.coil_pattern, prefix, pictures_of, settings.ignored_suffixes)
        table = _table(acceptance, store)
        summary = summary_of(Coil(coil, grade, pictures), _read(source, coil, quiet=as_json), table)
        if not summary.tally.keys:
            message = (
                f"{results} has no result of a picture of coil {coil!r}. If its pictures have other keys than "
                ".../COIL/NAME, set COIL_PATTERN as the deployment has it"
            )
            raise click.ClickException(message)
        written = _write(summary, store, store_uri(results), output)
    except (SettingsError, StorageError, LocationError, AcceptanceError) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(summary.content))
    else:
        _show(summary, written)
    severity = list(Decision)
    if fail_on and severity.index(summary.verdict.decision) >= severity.index(Decision(fail_on)):
        raise SystemExit(_REACHED)


def _table(path: Path | None, store: Store) -> Acceptance | None:
    return stored_acceptance(store) if path is None else read_acceptance(path.read_bytes())


def _read(source: Source, coil: str, *, quiet: bool) -> Tally:
    columns = (SpinnerColumn(), TextColumn("reading results"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task("reading", total=None)
        return read_coil(source, coil, lambda: progress.advance(task))


def _write(summary: Summary, store: Store, uri: str, output: Path | None) -> str:
    if output is None:
        return str(Location.parse(uri).below(write_report(store, summary)))
    output.mkdir(parents=True, exist_ok=True)
    for kind, data in report_files(summary):
        (output / f"report.{kind}").write_bytes(data)
    return str(output / "report.html")


def _show(summary: Summary, written: str) -> None:
    click.echo(f"coil {summary.coil.name!r}: {summary.verdict.decision.value.upper()}")
    for reason in summary.verdict.reasons:
        click.echo(f"  {reason}")
    found = summary.content["defects"]
    click.echo(f"{len(summary.tally.keys):,} pictures, {found['counted']:,} defects")
    for period in summary.content["periods"]:
        roll = f"roll of {period['roll_diameter_mm']:,.0f} mm"
        click.echo(f"every {period['period_mm']:,.1f} mm: {period['marks']:,} marks, {roll}")
    click.echo(written)
