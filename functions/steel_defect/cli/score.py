"""`steel-defect score`: pictures on this machine, a table for people or lines for programs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console
from rich.progress import track

from steel_defect.answer import answer
from steel_defect.cli.backfill import backfill
from steel_defect.cli.find import find_pictures
from steel_defect.cli.model import load_scorer
from steel_defect.cli.options import model_option
from steel_defect.cli.report import CsvReport, JsonReport, Report, Row, TableReport
from steel_defect.errors import SteelDefectError, UnreadableFile
from steel_defect.http import problem

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect.scorer import Scorer

_NOT_SCORED: Final = 1
_FOUND: Final = 3
_SEVERITY: Final = ("pass", "review", "reject")
_PROGRESS_FROM: Final = 20


@click.command("score")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--json", "output", flag_value="json", help="One JSON object a line, as POST /predict answers.")
@click.option("--csv", "output", flag_value="csv", help="Comma-separated values with a header.")
@click.option("--map", "with_map", is_flag=True, help="With --json: add where on the picture each class is seen.")
@click.option("--fail-on", type=click.Choice(_SEVERITY[1:]), help="Exit with 3 on this decision, or a worse one.")
@click.option("--results", metavar="URI", help="Of a bucket: where results go, s3://bucket[/prefix] or gs://...")
@model_option
def command(  # noqa: PLR0913 - one parameter an option
    paths: tuple[str, ...],
    output: str | None,
    *,
    with_map: bool,
    fail_on: str | None,
    results: str | None,
    model: Path | None,
) -> None:
    r"""Score pictures: files, folders (searched through) or patterns such as 'line-3/**/*.jpg'.

    Or what is in a bucket: 'score s3://uploads/prefix --results s3://results' writes a result for each object that has
    none of this model yet, as the upload function does; stopped, it goes on where it was.

    \b
    Exit status:
      0  every picture was scored
      1  at least one could not be scored; the others were
      2  the command line is wrong
      3  a picture was decided as --fail-on says, or worse
    """
    if with_map and output != "json":
        message = "--map goes with --json"
        raise click.UsageError(message)
    if any(path.startswith(("s3://", "gs://")) for path in paths):
        backfill(paths, results, output, fail_on, model)
        return
    if results is not None:
        message = "--results goes with s3://bucket/prefix or gs://bucket/prefix"
        raise click.UsageError(message)
    files = find_pictures(paths)
    scorer = load_scorer(model)
    report = _report(output, scorer)
    # Lines that run over the terminal would tear a progress bar apart.
    hidden = len(files) < _PROGRESS_FROM or (output is not None and sys.stdout.isatty())
    failed, worst = False, 0
    for path in track(files, "scoring", console=Console(stderr=True), transient=True, disable=hidden):
        row = _score(path, scorer, with_map=with_map)
        report.add(row)
        if row.answer is None:
            failed = True
        else:
            worst = max(worst, _SEVERITY.index(row.answer["decision"]))
    report.close()
    if fail_on and worst >= _SEVERITY.index(fail_on):
        raise SystemExit(_FOUND)
    if failed:
        raise SystemExit(_NOT_SCORED)


def _score(path: Path, scorer: Scorer, *, with_map: bool) -> Row:
    try:
        try:
            data = path.read_bytes()
        except OSError as error:
            message = f"the file cannot be read: {error.strerror or error}"
            raise UnreadableFile(message) from error
        return Row(str(path), answer=answer(scorer.score(data), scorer, with_map=with_map))
    except SteelDefectError as error:
        return Row(str(path), problem=problem(error))


def _report(output: str | None, scorer: Scorer) -> Report:
    if output == "json":
        return JsonReport()
    if output == "csv":
        return CsvReport(scorer.contract.class_names)
    return TableReport()
