"""The acceptance table: how many defects of which class and area a coil of a grade may have."""

from __future__ import annotations

import math
import tomllib
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# The row for every class that has none of its own.
ANY_CLASS: Final = "*"
USUAL_EDGES: Final = (20.0, 40.0, 60.0, 80.0, 100.0)


class AcceptanceError(ValueError):
    """The table cannot be read."""


@dataclass(frozen=True)
class Acceptance:
    """Limits of all grades.

    Attributes:
        edges: between the bins of area, in square millimetres, ascending; one bin more than edges.
        grades: grade -> class -> the most that are allowed in each bin; `math.inf` for any number.
    """

    edges: tuple[float, ...] = USUAL_EDGES
    grades: Mapping[str, Mapping[str, tuple[float, ...]]] = field(default_factory=dict)

    def bin_of(self, area_mm2: float) -> int:
        """The bin of an area; an edge belongs to the bin above it."""
        return bisect_right(self.edges, area_mm2)

    def limits(self, grade: str | None) -> Mapping[str, tuple[float, ...]] | None:
        """The limits of a grade, or those of the only one if none is named; None if there are none."""
        if grade is None and len(self.grades) == 1:
            return next(iter(self.grades.values()))
        return self.grades.get(grade or "")


def bin_names(edges: tuple[float, ...]) -> list[str]:
    """What the bins are called."""
    lows = (0.0, *edges)
    return [*(f"{low:g} to {high:g}" for low, high in zip(lows, edges, strict=False)), f"over {lows[-1]:g}"]


def read_acceptance(data: bytes) -> Acceptance:
    """Read the TOML of a table.

    Raises:
        AcceptanceError: says what is wrong.
    """
    try:
        content = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"the acceptance table is not TOML: {error}"
        raise AcceptanceError(message) from error
    if set(content) != {"area_bins_mm2", "grade"} or not isinstance(content["grade"], dict):
        message = "the acceptance table has area_bins_mm2 = [...] and a table [grade.NAME] for each grade, and no more"
        raise AcceptanceError(message)
    edges = tuple(_numbers(content["area_bins_mm2"], "area_bins_mm2"))
    if list(edges) != sorted(set(edges)) or (edges and edges[0] <= 0) or math.inf in edges:
        message = f"area_bins_mm2 are the edges between bins, ascending from above 0, not {list(edges)}"
        raise AcceptanceError(message)
    grades = {grade: _rows(grade, rows, len(edges) + 1) for grade, rows in content["grade"].items()}
    return Acceptance(edges, grades)


def _rows(grade: str, rows: object, bins: int) -> dict[str, tuple[float, ...]]:
    if not isinstance(rows, dict) or not rows:
        message = f"grade {grade!r} has no rows; write one for each class, or '*' for any"
        raise AcceptanceError(message)
    read = {name: tuple(_numbers(row, f"grade {grade!r}, class {name!r}")) for name, row in rows.items()}
    for name, row in read.items():
        if len(row) != bins or any(most < 0 or (most != math.inf and not most.is_integer()) for most in row):
            message = (
                f"grade {grade!r}, class {name!r} needs {bins} whole numbers, one for each bin, inf for any number, "
                f"not {list(row)}"
            )
            raise AcceptanceError(message)
    return read


def _numbers(values: object, where: str) -> list[float]:
    if not isinstance(values, list) or any(isinstance(v, bool) or not isinstance(v, int | float) for v in values):
        message = f"{where} is a list of numbers, not {str(values)[:100]}"
        raise AcceptanceError(message)
    if any(math.isnan(value) for value in values):
        message = f"{where} has a value that is no number"
        raise AcceptanceError(message)
    return [float(value) for value in values]
