"""`steel-defect drift`: the results of a period against the reference inside the model file."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from steel_defect.cli.console import table_console
from steel_defect.cli.drift_plot import bin_name, svg
from steel_defect.cli.options import store_uri
from steel_defect.drift import LEAST, drift_of
from steel_defect.errors import ModelUnavailable
from steel_defect.loading import load_model
from steel_defect.model_uri import parse_model_uri
from steel_defect.override import Override
from steel_defect.settings import SettingsError, load_settings
from steel_defect.storage import StorageError, open_store
from steel_defect.uploads.history import Period, read_results, statistics_in

if TYPE_CHECKING:
    from steel_defect.drift import Drift
    from steel_defect.scorer import Scorer

_DRIFTED: Final = 3
_LEVELS: Final = ("stable", "moderate", "large")
_STYLE: Final = {"stable": "green", "moderate": "yellow", "large": "bold red"}
# They wait for the network.
_WORKERS: Final = 16
_MOMENT: Final = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])


@click.command("drift")
@click.argument("results", metavar="RESULTS")
@click.option(
    "--model",
    metavar="FILE|URI",
    help="Model whose reference is compared with; default MODEL_URI, or the bundled model.",
)
@click.option("--since", type=_MOMENT, help="Only results written from this time on, UTC.")
@click.option("--until", type=_MOMENT, help="Only results written before this time, UTC.")
@click.option("--json", "as_json", is_flag=True, help="JSON for programs instead of a table for people.")
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.svg",
    help="Draw the distributions into this file.",
)
@click.option("--fail-on", type=click.Choice(_LEVELS[1:]), help="Exit with 3 if a statistic drifted this much or more.")
def command(  # noqa: PLR0913 - one parameter an option
    results: str,
    model: str | None,
    since: datetime | None,
    until: datetime | None,
    *,
    as_json: bool,
    plot: Path | None,
    fail_on: str | None,
) -> None:
    """Check whether pictures and their scores still look as they did when the model was evaluated.

    RESULTS is the store that the upload function writes to: s3://bucket[/prefix], gs://..., file:///folder, or a folder
    with scores/ in it. Results of other models are left out. The index is the population stability index. The
    value that it would reach by chance, with as many pictures and no change, is shown beside it.

    \b
        steel-defect drift s3://my-results --since 2026-03-01 --fail-on large

    \b
    Exit status:
      0  no drift that --fail-on asks for
      1  no comparison is possible: no results, too few, or a model file without a reference
      2  the command line is wrong
      3  a statistic drifted as much as --fail-on says, or more
    """  # noqa: D301 - click wants the character that it spells
    scorer = _scorer(model)
    reference = scorer.contract.reference
    if reference is None:
        message = (
            f"the model file of {scorer.contract.name} {scorer.contract.version} has no reference to compare with: it "
            "was exported by an earlier version; export it again"
        )
        raise click.ClickException(message)
    period = Period(*(moment and moment.replace(tzinfo=UTC) for moment in (since, until)))
    rows, left_out = _read(store_uri(results), period, scorer, quiet=as_json)
    if len(rows) < LEAST:
        raise click.ClickException(_too_few(results, len(rows), left_out))
    found = drift_of(reference, {name: [row[name] for row in rows] for name in reference.statistics})
    if plot is not None:
        who = f"{scorer.contract.name} {scorer.contract.version}"
        title = f"{who}: {len(rows):,} pictures, reference of {reference.pictures:,}"
        plot.write_text(svg(found, title), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(_content(found, scorer, len(rows), left_out)))
    else:
        _show(found, len(rows), reference.pictures, left_out)
    if fail_on and any(_LEVELS.index(drift.level) >= _LEVELS.index(fail_on) for drift in found):
        raise SystemExit(_DRIFTED)


def _scorer(model: str | None) -> Scorer:
    try:
        settings = load_settings()
        source = settings.model if model is None else parse_model_uri(model)
        return load_model(source, Override(), threads=settings.threads)  # Nothing is decided here.
    except ValueError as error:  # A SettingsError is one, too.
        if isinstance(error, SettingsError):
            raise click.ClickException(str(error)) from error
        raise click.BadParameter(str(error), param_hint="--model") from error
    except ModelUnavailable as error:
        raise click.ClickException(str(error)) from error


def _read(uri: str, period: Period, scorer: Scorer, *, quiet: bool) -> tuple[list[dict[str, float]], Counter[str]]:
    """The statistics of each result of this model, and why how many others were left out."""
    rows: list[dict[str, float]] = []
    left_out: Counter[str] = Counter()
    columns = (SpinnerColumn(), TextColumn("reading results"), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:
            task = progress.add_task("reading", total=None)
            for result in read_results(open_store(uri), period, _WORKERS):
                progress.advance(task)
                reason = _reason_to_leave_out(result, scorer)
                statistics = None if result is None or reason else statistics_in(result)
                if statistics is None:
                    left_out[reason or "without statistics, written by an earlier version"] += 1
                else:
                    rows.append(statistics)
    except StorageError as error:
        raise click.ClickException(str(error)) from error
    return rows, left_out


def _reason_to_leave_out(result: dict[str, Any] | None, scorer: Scorer) -> str | None:
    if result is None:
        return "no results"
    if result["model"]["sha256"] != scorer.sha256:
        return f"of another model: {result['model']['name']} {result['model']['version']}"
    return "of what could not be scored" if result["status"] != "scored" else None


def _too_few(results: str, count: int, left_out: Counter[str]) -> str:
    others = "; ".join(f"{number:,} {reason}" for reason, number in left_out.most_common())
    of_others = f" Left out: {others}." if others else ""
    if not count:
        return f"{results} has no results of this model in that period.{of_others}"
    return (
        f"{results} has {count} results of this model in that period; with fewer than {LEAST}, the index says more of "
        f"chance than of pictures. Take a longer period.{of_others}"
    )


def _content(found: list[Drift], scorer: Scorer, count: int, left_out: Counter[str]) -> dict[str, Any]:
    contract = scorer.contract
    assert contract.reference is not None  # noqa: S101 - it has been compared with
    return {
        "model": scorer.identity,
        "reference_pictures": contract.reference.pictures,
        "pictures": count,
        "left_out": dict(left_out),
        "drift": [asdict(drift) for drift in found],
    }


def _show(found: list[Drift], count: int, pictures: int, left_out: Counter[str]) -> None:
    console = table_console()
    table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name, where in (("statistic", "left"), ("PSI", "right"), ("by chance", "right"), ("drift", "left")):
        table.add_column(name, justify="right" if where == "right" else "left", no_wrap=True)
    table.add_column("largest change")
    for drift in found:
        level = Text(drift.level, style=_STYLE[drift.level])
        table.add_row(drift.name, f"{drift.psi:.3f}", f"< {drift.chance:.3f}", level, _largest_change(drift))
    console.print(table)
    console.print(f"\n{count:,} pictures, against {pictures:,} of the reference")
    for reason, number in left_out.most_common():
        console.print(f"left out: {number:,} {reason}")


def _largest_change(drift: Drift) -> str:
    place = max(range(len(drift.now)), key=lambda index: abs(drift.now[index] - drift.then[index]))
    return f"{bin_name(drift.edges, place)}: {drift.then[place]:.0%} then, {drift.now[place]:.0%} now"
