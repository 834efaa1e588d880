"""What was measured of this project and of a peer, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Measure:
    """One figure of both.

    Attributes:
        what: was measured.
        unit: of the figures.
        ours, peer: what each round gave.
    """

    what: str
    unit: str
    ours: list[float]
    peer: list[float]

    def rounded(self) -> dict[str, Any]:
        """As JSON, with three decimals, which is more than any of it tells."""
        ours, peer = ([round(value, 3) for value in values] for values in (self.ours, self.peer))
        return {"what": self.what, "unit": self.unit, "ours": ours, "peer": peer}


def table(peer: str, measures: Sequence[Measure]) -> str:
    """In Markdown: medians of the rounds, and ours over the peer's with the least and the largest round."""
    lines = [f"| | this project | {peer} | ratio |", "|---|---:|---:|---:|"]
    for measure in measures:
        each = [one / other for one, other in zip(measure.ours, measure.peer, strict=True)]
        spread = f" ({min(each):.2f} to {max(each):.2f})" if len(each) > 1 else ""
        ours, other = (_figure(median(values), measure.unit) for values in (measure.ours, measure.peer))
        lines.append(f"| {measure.what} | {ours} | {other} | **{median(each):.2f}**{spread} |")
    return "\n".join(lines)


def _figure(value: float, unit: str) -> str:
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{digits}f} {unit}"
