"""`steel-defect quality`: precision and recall of a period, by what people said of its pictures."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from steel_defect.cli.console import table_console
from steel_defect.cli.options import store_uri
from steel_defect.decision import Decision
from steel_defect.storage import StorageError, open_store
from steel_defect.uploads.history import Period
from steel_defect.verdicts import kept
from steel_defect.verdicts.agreed import agreed
from steel_defect.verdicts.quality import ERROR, quality_of

if TYPE_CHECKING:
    from steel_defect.verdicts.intervals import Bounds
    from steel_defect.verdicts.quality import Quality

_MOMENT: Final = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])


@click.command("quality")
@click.argument("results", metavar="RESULTS")
@click.option("--since", type=_MOMENT, help="Only results written from this time on, UTC.")
@click.option("--until", type=_MOMENT, help="Only results written before this time, UTC.")
@click.option(
    "--random",
    type=click.FloatRange(0, 1),
    default=0.0,
    envvar="CAPTURE_RANDOM",
    metavar="SHARE",
    help="The share of pictures that a lot drew for people to look at; default CAPTURE_RANDOM, or none.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON for programs instead of a table for people.")
def command(results: str, *, since: datetime | None, until: datetime | None, random: float, as_json: bool) -> None:
    """Precision and recall of a period, by what people said of its pictures.

    RESULTS is the store of results and verdicts: s3://bucket[/prefix], gs://..., file:///folder, or a folder with
    scores/ and verdicts/ in it. The bounds hold with 95 % and assume nothing of pictures that nobody looked at; those
    that --random draws say something of the others.

    \b
        steel-defect quality s3://my-results --since 2026-03-01

    \b
    Exit status:
      0  printed
      1  there is no result in the period, or the store cannot be read
      2  the command line is wrong
    """  # noqa: D301 - click wants the character that it spells
    period = Period(*(moment and moment.replace(tzinfo=UTC) for moment in (since, until)))
    columns = (SpinnerColumn(), TextColumn("reading results"), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        store = open_store(store_uri(results))
        found = agreed(verdict for verdict in kept.read(store) if verdict is not None)
        with Progress(*columns, console=Console(stderr=True), transient=True, disable=as_json) as progress:
            task = progress.add_task("reading", total=None)
            quality = quality_of(store, period, found, random, lambda: progress.advance(task))
    except StorageError as error:
        raise click.ClickException(str(error)) from error
    if not quality.models:
        message = f"{results} has no result in that period"
        raise click.ClickException(message)
    if as_json:
        click.echo(json.dumps(_content(quality)))
    else:
        _show(quality)


def _content(quality: Quality) -> dict[str, Any]:
    precision, recall = quality.precision(), quality.recall()
    return {
        "confidence": 1 - ERROR,
        "precision": None if precision is None else asdict(precision),
        "recall": None if recall is None else asdict(recall),
        "decisions": {decision.value: asdict(quality.part(decision)) for decision in Decision},
        "people_differ": quality.differ,
        "failed": quality.failed,
        "models": dict(quality.models),
    }


def _show(quality: Quality) -> None:
    console = table_console()
    table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("decision")
    for name in ("pictures", "looked at", "with a defect", "drawn", "of these looked at", "defects among all"):
        table.add_column(name, justify="right", no_wrap=True)
    for decision in Decision:
        part = quality.part(decision)
        bounds = part.all_defects(ERROR)
        counts = (part.pictures, part.looked, part.defects, part.drawn, part.drawn_looked)
        among = f"{bounds.low:,.0f} to {bounds.high:,.0f}"
        table.add_row(decision.value, *(f"{count:,}" for count in counts), among)
    console.print(table)
    console.print()
    console.print(_line("precision", quality.precision(), "of what was rejected has a defect", "nothing was rejected"))
    console.print(_line("recall", quality.recall(), "of what has a defect was not passed", "no picture has a defect"))
    if not quality.part(Decision.PASS).looked:
        console.print("nobody looked at a picture that was passed, so nothing is known of what was missed")
    if quality.differ:
        console.print(f"people differ on {quality.differ:,} pictures, which count as not looked at")
    if quality.failed:
        console.print(f"{quality.failed:,} pictures could not be scored, and are in none of these")
    console.print(f"models: {', '.join(f'{name} ({count:,})' for name, count in quality.models.most_common())}")


def _line(name: str, bounds: Bounds | None, meaning: str, otherwise: str) -> str:
    if bounds is None:
        return f"{name}: {otherwise}"
    likely = "" if bounds.likely is None else f"{bounds.likely:.1%}, "
    return f"{name}: {likely}between {bounds.low:.1%} and {bounds.high:.1%} {meaning}"
