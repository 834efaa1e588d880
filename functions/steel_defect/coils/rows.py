"""The table of a coil as CSV: a row for each defect that counts, and for each picture that nobody judged."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steel_defect.coils.summary import Summary

_COLUMNS: Final = (
    "coil", "kind", "picture", "along_mm", "across_mm", "class", "area_mm2", "length_mm", "width_mm", "prob",
    "period_mm", "why",
)  # fmt: skip
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_AT_ONCE: Final = 1_000


def csv_of(summary: Summary) -> Iterator[str]:
    """The lines, many at a time, in the order of the strip."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    coil, defects, keys = safe(summary.coil.name), summary.defects, summary.tally.keys
    names = [safe(name) for name in summary.tally.classes]
    periods = ["", *(period["period_mm"] for period in summary.content["periods"])]
    order = np.flatnonzero(summary.counts)
    for count, row in enumerate(order[np.argsort(defects["start"][order], kind="stable")], 1):
        one = defects[row]
        sizes = [_text(one[name]) for name in ("area", "length", "width")]
        place = [safe(keys[one["picture"]]), _text(one["start"]), _text(one["across"])]
        period = periods[summary.periodic[row]]
        writer.writerow([coil, "defect", *place, names[one["class"]], *sizes, f"{one['prob']:.3f}", period, ""])
        if count % _AT_ONCE == 0:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    for unjudged in summary.tally.unjudged:
        position = "" if unjudged.position_mm is None else _text(unjudged.position_mm)
        blank = [""] * 7
        writer.writerow([coil, "not judged", safe(unjudged.key), position, *blank, safe(unjudged.why)])
    yield text.getvalue()


def safe(text: str) -> str:
    """Text that no spreadsheet runs."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _text(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.1f}"
