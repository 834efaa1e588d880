"""Three ways to show results: a table for people, lines of JSON or CSV for programs."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import click
from rich.table import Table
from rich.text import Text

from steel_defect.cli.console import table_console
from steel_defect.cli.printing import csv_writer

if TYPE_CHECKING:
    from collections.abc import Sequence

_STYLE: Final = {"pass": "green", "review": "yellow", "reject": "bold red", "not scored": "magenta"}
_BAR_WIDTH: Final = 10
# What is full, and what is empty.
_BAR: Final = "█░"
_ASCII_BAR: Final = "#."


@dataclass(frozen=True)
class Row:
    """What came of one picture: the answer as JSON, or the problem as JSON."""

    path: str
    answer: dict[str, Any] | None = None
    problem: dict[str, Any] | None = None


class Report(Protocol):
    """Takes the rows as they come."""

    def add(self, row: Row) -> None:
        """Show or keep one row."""

    def close(self) -> None:
        """Show what was kept."""


class JsonReport:
    """One JSON object a line: `path` and the answer, or `path` and `problem`."""

    def add(self, row: Row) -> None:
        """Print one row at once."""
        content = row.answer if row.answer is not None else {"problem": row.problem}
        click.echo(json.dumps({"path": row.path, **content}))

    def close(self) -> None:
        """Nothing is kept."""


class CsvReport:
    """One line a picture, with a header. A picture that could not be scored has its reason in the last column."""

    def __init__(self, class_names: Sequence[str]) -> None:
        """Print the header."""
        self._class_names = class_names
        self._writer = csv_writer()
        columns = ["path", "decision", "defect_prob", "defect_status", "threshold"]
        self._writer.writerow(
            [*columns, *(f"prob_{name}" for name in class_names), "width", "height", "error", "reasons"]
        )

    def add(self, row: Row) -> None:
        """Print one row at once."""
        found = row.answer
        if found is None:
            blank = [""] * (6 + len(self._class_names))
            self._writer.writerow([row.path, *blank, (row.problem or {}).get("detail", ""), ""])
            return
        verdict = [found[name] for name in ("decision", "defect_prob", "defect_status", "threshold")]
        classes = [found["class_prob"].get(name, "") for name in self._class_names]
        size = found["image"]["width"], found["image"]["height"]
        self._writer.writerow([row.path, *verdict, *classes, *size, "", " ".join(found.get("reasons", ()))])

    def close(self) -> None:
        """Nothing is kept."""


class TableReport:
    """A table and a line of totals, printed at the end."""

    def __init__(self) -> None:
        """Start an empty table."""
        self._rows: list[Row] = []

    def add(self, row: Row) -> None:
        """Keep one row."""
        self._rows.append(row)

    def close(self) -> None:
        """Print the table, what went wrong, and the totals."""
        console = table_console()
        table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("picture", overflow="fold")
        table.add_column("decision", no_wrap=True)
        table.add_column("defect probability", no_wrap=True)
        table.add_column("most likely class", no_wrap=True)
        table.add_column("size", justify="right", no_wrap=True)
        table.add_column("ms", justify="right", no_wrap=True)
        bar = _ASCII_BAR if console.options.ascii_only else _BAR
        for row in self._rows:
            table.add_row(*_cells(row, bar))
        console.print(table)
        for row in self._rows:
            if row.problem is not None:
                console.print(Text(f"{row.path}: {row.problem['detail']}", style=_STYLE["not scored"]), soft_wrap=True)
        counts = Counter(_verdict(row) for row in self._rows)
        totals = ", ".join(f"{counts[name]} {name}" for name in _STYLE if counts[name])
        console.print(f"\n{len(self._rows)} picture{'s' if len(self._rows) != 1 else ''}: {totals}")


def _verdict(row: Row) -> str:
    return "not scored" if row.answer is None else str(row.answer["decision"])


def _cells(row: Row, bar: str) -> list[Text]:
    verdict = _verdict(row)
    style = _STYLE[verdict]
    found = row.answer
    if found is None:
        return [Text(row.path), Text(verdict, style=style)]
    probability = found["defect_prob"]
    filled = round(probability * _BAR_WIDTH)
    likely = max(found["class_prob"].items(), key=lambda item: item[1], default=None)
    image = found["image"]
    reasons = found.get("reasons")  # an older deployment gives none
    return [
        Text(row.path),
        Text.assemble((verdict.upper(), style), (f" ({', '.join(reasons)})" if reasons else "", "dim")),
        Text.assemble((bar[0] * filled, style), (bar[1] * (_BAR_WIDTH - filled), "dim"), f" {probability:.4f}"),
        Text(f"{likely[0]} {likely[1]:.2f}" if likely and found["defect_status"] else "-"),
        Text(f"{image['width']} x {image['height']}"),
        # The result of an upload has no times.
        Text(f"{sum(found['timings_ms'].values()):.1f}" if "timings_ms" in found else "-"),
    ]
