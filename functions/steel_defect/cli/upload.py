"""`steel-defect upload`: pictures into the uploads bucket, and their results as `score` shows them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import click

from steel_defect.cli.find import UnreadableFile, read_picture
from steel_defect.cli.keys import keys_of
from steel_defect.cli.options import one_output
from steel_defect.cli.report import Row
from steel_defect.cli.show import INTERRUPTED, NOT_SCORED, SEVERITY, hides_progress, progress_bar, report_for, show
from steel_defect.cli.waiting import wait
from steel_defect.client.uploads import Sent, Uploads
from steel_defect.errors import ResultNotReady, UploadsUnavailable
from steel_defect.location import Location, LocationError
from steel_defect.parallel import in_order
from steel_defect.storage import StorageError, StorageUnavailable

if TYPE_CHECKING:
    from pathlib import Path

_PARALLEL: Final = 8
_NAMED: Final = 10


@click.command("upload")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--to", "target", required=True, metavar="URI", help="s3://bucket[/prefix], gs://bucket[/prefix] or file:///folder."
)
@click.option("--results", metavar="URI", help="Where the upload function puts results: s3://bucket or gs://bucket.")
@one_output(json="One JSON object a line.", csv="Comma-separated values with a header.")
@click.option("--fail-on", type=click.Choice(SEVERITY[1:]), help="Exit with 3 on this decision, or a worse one.")
@click.option("--no-wait", is_flag=True, help="Upload the pictures without waiting for results.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=300,
    show_default=True,
    metavar="SECONDS",
    help="Stop waiting when no further result has come for that long.",
)
@click.option(
    "--parallel", type=click.IntRange(1, 256), default=_PARALLEL, show_default=True, help="Uploads at the same time."
)
def command(  # noqa: PLR0913 - one parameter an option
    paths: tuple[str, ...],
    target: str,
    results: str | None,
    output: str | None,
    *,
    fail_on: str | None,
    no_wait: bool,
    timeout: float,
    parallel: int,
) -> None:
    """Put pictures into the bucket of uploads, and show their results when they are scored.

    An object is named by its path below the folder that all PATHs have in common; an object that has that name
    already gets a newer version. If the command is stopped while it waits, the results come all the same.

    \b
        steel-defect upload line-3 --to s3://my-uploads/line-3 --results s3://my-results

    \b
    Exit status:
      0    every picture was scored (with --no-wait: is there)
      1    at least one was not, or not in time
      2    the command line is wrong
      3    a picture has the decision of --fail-on, or a worse one
      130  stopped by Ctrl-C; what was still waiting is named
    """  # noqa: D301 - click wants the character that it spells
    if no_wait and (output == "csv" or fail_on is not None):
        message = "--csv and --fail-on show results, which --no-wait does not wait for"
        raise click.UsageError(message)
    if not no_wait and results is None:
        message = "say with --results where results go, or --no-wait"
        raise click.UsageError(message)
    keys = keys_of(paths)
    hidden = hides_progress(len(keys), output)
    try:
        waits_for = None if no_wait or results is None else Location.parse(results)
        uploads = Uploads(Location.parse(target), waits_for)
        sent = _send(uploads, keys, parallel, hidden=hidden)
        if no_wait:
            _list(sent, output)
            return
        waiting = {path: found for path, found in sent.items() if isinstance(found, Sent)}
        rows = {path: found for path, found in sent.items() if isinstance(found, Row)}
        with progress_bar(hidden=hidden) as progress:
            stopped = wait(uploads, waiting, rows, progress, parallel=parallel, timeout=timeout)
    except (StorageError, LocationError) as error:
        raise click.ClickException(str(error)) from error
    late = {path: found for path, found in waiting.items() if path not in rows}
    _name(late, results)
    rows |= {path: _late(path, stopped=stopped, timeout=timeout) for path in late}
    classes = dict.fromkeys(name for row in rows.values() for name in (row.answer or {}).get("class_prob", ()))
    status = show(
        (rows[path] for path in sent), report_for(output, list(classes)), fail_on, count=len(rows), hidden=True
    )
    if stopped or status:
        raise SystemExit(INTERRUPTED if stopped else status)


def _send(uploads: Uploads, keys: dict[Path, str], parallel: int, *, hidden: bool) -> dict[Path, Sent | Row]:
    """Each path with what was sent, or with a row that says why not."""

    def send(item: tuple[Path, str]) -> Sent | Row:
        path, key = item
        try:
            return uploads.send(key, read_picture(path))
        except UnreadableFile as error:
            return Row(str(path), problem=error.problem())
        except StorageUnavailable as error:
            return Row(str(path), problem=UploadsUnavailable(f"it was not sent: {error}").problem())

    done = {}
    with progress_bar(hidden=hidden) as progress:
        task = progress.add_task("sending", total=len(keys))
        for path, sent in zip(keys, in_order(send, keys.items(), parallel), strict=True):
            done[path] = sent
            progress.advance(task)
    return done


def _list(sent: dict[Path, Sent | Row], output: str | None) -> None:
    """Print where each picture is now; exit with 1 if one was not sent."""
    for path, found in sent.items():
        if output == "json":
            content = {"uri": found.uri} if isinstance(found, Sent) else {"problem": found.problem}
            click.echo(json.dumps({"path": str(path), **content}))
        elif isinstance(found, Sent):
            click.echo(f"{path}  {found.uri}")
        else:
            click.echo(f"{path}: {(found.problem or {})['detail']}", err=True)
    if any(isinstance(found, Row) for found in sent.values()):
        raise SystemExit(NOT_SCORED)


def _name(late: dict[Path, Sent], results: str | None) -> None:
    """Print which results are still expected, and where they will be."""
    if not late:
        return
    click.echo(f"still waiting for {len(late)} of the results, which will come to {results}:", err=True)
    for path, sent in list(late.items())[:_NAMED]:
        click.echo(f"  {path}: {sent.result_key}", err=True)
    if len(late) > _NAMED:
        click.echo(f"  and {len(late) - _NAMED} more", err=True)


def _late(path: Path, *, stopped: bool, timeout: float) -> Row:
    reason = "stopped" if stopped else f"no further result came for {timeout:g} s"
    return Row(str(path), problem=ResultNotReady(f"{reason} before its result was there").problem())
