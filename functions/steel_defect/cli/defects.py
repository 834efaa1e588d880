"""`score --defects`: one row a defect, as a table or as CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from steel_defect.cli.console import table_console
from steel_defect.cli.printing import csv_writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from steel_defect.cli.report import Row

_COLUMNS: Final = ("class", "prob", "x", "y", "width", "height", "area_px", "length_px", "page")


class DefectTable:
    """A table and a line of totals, printed at the end."""

    def __init__(self) -> None:
        """Start an empty table."""
        self._table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
        self._table.add_column("picture", overflow="fold")
        self._table.add_column("class", no_wrap=True)
        for name in ("prob", "x", "y", "width", "height", "area", "length", "page"):
            self._table.add_column(name, justify="right", no_wrap=True)
        self._pictures = self._defects = 0
        self._problems: list[str] = []

    def add(self, row: Row) -> None:
        """Keep the defects of one picture."""
        self._pictures += 1
        if row.answer is None:
            self._problems.append(f"{row.path}: {(row.problem or {})['detail']}")
            return
        self._defects += row.answer.get("defect_count", 0)
        for name, prob, *sizes in _values(row.answer):
            self._table.add_row(Text(row.path), Text(name), f"{prob:.2f}", *(f"{size:g}" for size in sizes))

    def close(self) -> None:
        """Print the table, what went wrong, and the totals."""
        console = table_console()
        console.print(self._table)
        for problem in self._problems:
            console.print(Text(problem, style="magenta"), soft_wrap=True)
        words = [f"{count} {word}{'s' if count != 1 else ''}" for count, word in (
            (self._pictures, "picture"), (self._defects, "defect"))]  # fmt: skip
        console.print(f"\n{words[0]}: {words[1]}")


class DefectCsv:
    """One line a defect, with a header. A picture that could not be scored has its reason in the last column."""

    def __init__(self) -> None:
        """Print the header."""
        self._writer = csv_writer()
        self._writer.writerow(["path", *_COLUMNS, "error"])

    def add(self, row: Row) -> None:
        """Print the defects of one picture at once."""
        if row.answer is None:
            self._writer.writerow([row.path, *[""] * len(_COLUMNS), (row.problem or {}).get("detail", "")])
            return
        self._writer.writerows([row.path, *values, ""] for values in _values(row.answer))

    def close(self) -> None:
        """Nothing is kept."""


def _values(answer: Mapping[str, Any]) -> Iterator[list[Any]]:
    """What `_COLUMNS` name, of each defect; a deployment of an earlier version gives none."""
    for defect in answer.get("defects", ()):
        flat = {**defect, **defect["box"]}
        yield [flat[name] for name in _COLUMNS]
