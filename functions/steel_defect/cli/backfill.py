"""`steel-defect score s3://bucket/prefix --results s3://results`: a bucket, from this machine."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from steel_defect.cli.model import model_source
from steel_defect.cli.show import INTERRUPTED
from steel_defect.errors import ModelUnavailable
from steel_defect.location import Buckets, Location, LocationError
from steel_defect.settings import load_settings
from steel_defect.storage import StorageError
from steel_defect.uploads.backfill import Backfill, Backfilled
from steel_defect.uploads.processor import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect.camera import Camera
    from steel_defect.scorer import Scorer

_NOT_SCORED: Final = 1
# The processors wait for the network most of the time.
_WORKERS_PER_PROCESSOR: Final = 4
_WORDS: Final = {
    Outcome.SCORED: "scored",
    Outcome.FAILED: "no picture that can be scored (the results say why)",
    Outcome.DUPLICATE: "had a result of this model",
    Outcome.SUPERSEDED: "changed meanwhile",
    Outcome.IGNORED: "ignored: folder markers, no bytes, or names that are no picture's",
    None: "failed",
}


def backfill(  # noqa: PLR0913 - one parameter an option
    paths: tuple[str, ...],
    results: str | None,
    output: str | None,
    fail_on: str | None,
    *,
    model: Path | None,
    camera: Camera,
) -> None:
    """Score one bucket; a line for each object with `--json`, else the failures and the totals."""
    if len(paths) != 1 or results is None:
        message = "a bucket is scored alone and with --results URI"
        raise click.UsageError(message)
    if output == "csv" or fail_on is not None:
        message = "--csv and --fail-on do not go with a bucket: its results have everything"
        raise click.UsageError(message)
    counts: Counter[Outcome | None] = Counter()
    stopped = False
    columns = (SpinnerColumn(), TextColumn("scoring"), MofNCompleteColumn(), TimeElapsedColumn())
    hidden = output is not None and sys.stdout.isatty()
    try:
        models = model_source(model)
        models.confirmed()  # Never the bundled model in place of one that cannot be loaded.
        buckets = Buckets(Location.parse(paths[0]), Location.parse(results))
        settings = load_settings()
        work = Backfill(
            models,
            buckets,
            camera=camera,
            ignored_suffixes=settings.ignored_suffixes,
            coil_pattern=settings.coil_pattern,
        )
        with Progress(*columns, console=Console(stderr=True), transient=True, disable=hidden) as progress:
            task = progress.add_task("scoring", total=None)
            try:
                for done in work.run(_WORKERS_PER_PROCESSOR * (os.cpu_count() or 1)):
                    counts[done.outcome] += 1
                    progress.advance(task)
                    _show(done, output)
            except KeyboardInterrupt:
                stopped = True
        scorer = models.registered()  # A promotion meanwhile is followed.
    except (StorageError, LocationError, ModelUnavailable) as error:
        raise click.ClickException(str(error)) from error
    if output is None:
        _show_totals(counts, scorer)
    if stopped:
        click.echo("stopped; the same command goes on from here", err=True)
        raise SystemExit(INTERRUPTED)
    if counts[None] or counts[Outcome.FAILED]:
        raise SystemExit(_NOT_SCORED)


def _show_totals(counts: Counter[Outcome | None], scorer: Scorer) -> None:
    for outcome, words in _WORDS.items():
        if counts[outcome]:
            click.echo(f"{counts[outcome]:>8,} {words}")
    model_name = f"{scorer.contract.name} {scorer.contract.version} ({scorer.sha256[:12]})"
    click.echo(f"{counts.total():>8,} objects, by {model_name}")


def _show(done: Backfilled, output: str | None) -> None:
    if output == "json":
        content = {"uri": done.uri, "outcome": done.outcome and done.outcome.value, "error": done.error}
        click.echo(json.dumps(content))
    elif done.error:
        click.echo(f"{done.uri}: {done.error}", err=True)
