"""Rows as they come, with progress; at the end the exit status."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from steel_defect.cli.defects import DefectCsv, DefectTable
from steel_defect.cli.report import CsvReport, JsonReport, Report, Row, TableReport
from steel_defect.decision import Decision

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SEVERITY: Final = tuple(decision.value for decision in Decision)
NOT_SCORED: Final = 1
INTERRUPTED: Final = 130
_FOUND: Final = 3
_PROGRESS_FROM: Final = 20


def report_for(output: str | None, class_names: Sequence[str], *, by_defect: bool = False) -> Report:
    """The report that was asked for: "json", "csv", or a table; a row a picture, or a row a defect."""
    if by_defect:
        return DefectCsv() if output == "csv" else DefectTable()
    if output == "json":
        return JsonReport()
    if output == "csv":
        return CsvReport(class_names)
    return TableReport()


def hides_progress(count: int, output: str | None) -> bool:
    """Whether a progress bar would be in the way: few pictures, or lines that run over the terminal and tear it."""
    return count < _PROGRESS_FROM or (output is not None and sys.stdout.isatty())


def progress_bar(*, hidden: bool) -> Progress:
    """On standard error, and gone at the end."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=hidden)


def show(rows: Iterable[Row], report: Report, fail_on: str | None, *, count: int, hidden: bool) -> int:
    """Report every row; gives the exit status.

    It is 130 if Ctrl-C ended it before, else 3 if a picture has the decision `fail_on` or a worse one, else 1 if a
    picture could not be scored, else 0.
    """
    done, failed, worst, stopped = 0, False, 0, False
    with progress_bar(hidden=hidden) as progress:
        try:
            for row in progress.track(rows, total=count, description="scoring"):
                report.add(row)
                done += 1
                if row.answer is None:
                    failed = True
                else:
                    worst = max(worst, SEVERITY.index(row.answer["decision"]))
        except KeyboardInterrupt:
            stopped = True
    report.close()
    if stopped:
        click.echo(f"stopped: {done:,} of {count:,} pictures are done", err=True)
        return INTERRUPTED
    if fail_on and worst >= SEVERITY.index(fail_on):
        return _FOUND
    return NOT_SCORED if failed else 0
