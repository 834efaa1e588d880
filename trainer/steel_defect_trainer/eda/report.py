"""The report of an analysis: one HTML file that needs no other, and its tables as CSV."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Final

from steel_defect_trainer.eda.sections import Section, sections
from steel_defect_trainer.eda.survey import survey
from steel_defect_trainer.files import replacing
from steel_defect_trainer.reporting.html import html_environment

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect_trainer.data.dataset import DataSet
    from steel_defect_trainer.eda.tables import Table

FILE: Final = "report.html"
TABLES: Final = "tables"


def write_report(dataset: DataSet, title: str, folder: Path) -> Path:
    """Analyse a data set, write `report.html` and `tables/*.csv` into a folder, and return the report's path.

    Raises:
        DataError: a picture or a mask cannot be used.
        OSError: the folder cannot be written.
    """
    parts = sections(dataset, list(survey(dataset)))
    for part in parts:
        for caption, table in part.tables.items():
            with replacing(folder / TABLES / f"{slug(caption)}.csv") as file:
                file.write(_csv(table))
    path = folder / FILE
    with replacing(path) as file:
        file.write(_render(dataset, title, parts).encode())
    return path


def slug(caption: str) -> str:
    """A caption as the name of a file."""
    return re.sub(r"[^a-z0-9]+", "-", caption.lower()).strip("-")


def _render(dataset: DataSet, title: str, parts: list[Section]) -> str:
    environment = html_environment("steel_defect_trainer.eda")
    environment.filters["slug"] = slug
    environment.filters["cell"] = _cell
    return environment.get_template("report.html.jinja").render(
        dataset=dataset, title=title, parts=parts, is_number=_is_number
    )


def _is_number(table: Table, column: str) -> bool:
    return all(isinstance(value, int | float) for value in table.column(column))


def _csv(table: Table) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return text.getvalue().encode()


def _cell(value: object) -> str:
    """A value as it is printed: whole numbers with commas, others with two decimals, names as they are."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.2f}" if isinstance(value, float) else str(value)
