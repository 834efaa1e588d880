"""The defects of a coil along its strip, as SVG."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steel_defect.coils.summary import Summary

# More are a blot. The largest are drawn; the bars below have all.
MOST_DRAWN: Final = 3_000
_WIDTH: Final = 1_100
_LEFT: Final = 56
_TOP: Final = 14
_STRIP: Final = 200
_BARS: Final = 64
_BAR_COUNT: Final = 110
# Told apart without colours by their shapes, too (Okabe and Ito's colours).
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a7a00", "#000000")
_SHAPES: Final = ("M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z", "M-4-4h8v8h-8z", "M0-5L5 4H-5z", "M0-5L5 0 0 5-5 0z")


def mark(index: int) -> str:
    """The path of a class's mark and its colour, as attributes."""
    return f'd="{_SHAPES[index % len(_SHAPES)]}" fill="{COLOURS[index % len(COLOURS)]}"'


def svg_of(summary: Summary) -> str:
    """The map; no text of others is in it but the names of classes, escaped."""
    located = np.flatnonzero(summary.counts & ~np.isnan(summary.defects["start"]))
    pictures = summary.content["pictures"]
    if pictures["first_mm"] is None:
        return "<p>There is no map: nothing says where along the strip the pictures are.</p>"
    defects = summary.defects[located]
    low = float(pictures["first_mm"])
    ends = (defects["start"] + defects["length"]).max(initial=float(pictures["last_mm"]))
    high = max(float(ends), low + 1.0)
    broad = float(np.nan_to_num(summary.pictures["breadth"]).max(initial=1.0))
    plot = _WIDTH - _LEFT - 24

    def x_of(mm: float) -> float:
        return round(_LEFT + plot * (mm - low) / (high - low), 1)

    parts = [f'<rect x="{_LEFT}" y="{_TOP}" width="{plot}" height="{_STRIP}" class="strip"/>']
    parts += [_gap(x_of(gap["from_mm"]), x_of(gap["to_mm"])) for gap in pictures["gaps"]]
    parts += [_unjudged(x_of(one.position_mm)) for one in summary.tally.unjudged if one.position_mm is not None]
    parts += _marks(summary, located, x_of, broad)
    parts += _bars(defects, low, high, plot)
    parts += _axis(low, high, x_of, broad)
    height = _TOP + _STRIP + _BARS + 50
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="Defects along and across the strip">'
        f"{''.join(parts)}</svg>"
    )


def _marks(summary: Summary, located: NDArray[np.intp], x_of: Any, broad: float) -> list[str]:  # noqa: ANN401 - a function
    area = np.nan_to_num(summary.defects["area"][located])
    drawn = located[np.argsort(-area, kind="stable")[:MOST_DRAWN]]
    names = [escape(name) for name in summary.tally.classes]
    parts = []
    for row in drawn:
        one = summary.defects[row]
        x = x_of(float(one["start"] + one["length"] / 2))
        y = round(_TOP + _STRIP * min(1.0, float(one["across"] + one["width"] / 2) / broad), 1)
        index = int(one["class"])
        ring = '<circle r="7" class="again"/>' if summary.periodic[row] else ""
        title = f"{names[index]}, {one['start'] / 1000:.2f} m, {one['area']:.0f} mm²"
        parts.append(f'<g transform="translate({x} {y})">{ring}<path {mark(index)}><title>{title}</title></path></g>')
    return parts


def _bars(defects: NDArray[Any], low: float, high: float, plot: int) -> list[str]:
    counts, _ = np.histogram(defects["start"], bins=_BAR_COUNT, range=(low, high))
    most = max(1, int(counts.max(initial=0)))
    base, step = _TOP + _STRIP + 8 + _BARS, plot / _BAR_COUNT
    parts = [
        f'<rect x="{_LEFT + index * step:.1f}" y="{base - _BARS * count / most:.1f}" width="{step - 1:.1f}" '
        f'height="{_BARS * count / most:.1f}" class="bar"/>'
        for index, count in enumerate(counts.tolist())
        if count
    ]
    labels = ((base - _BARS + 10, f"{most:,}"), (base, "0"))
    return [*parts, *(f'<text x="{_LEFT - 6}" y="{y}" text-anchor="end">{text}</text>' for y, text in labels)]


def _axis(low: float, high: float, x_of: Any, broad: float) -> list[str]:  # noqa: ANN401 - a function
    base = _TOP + _STRIP + _BARS + 24
    texts = [
        f'<text x="{x_of(mm)}" y="{base}" text-anchor="middle">{mm / 1000:,.1f}</text>'
        for mm in np.linspace(low, high, 9).tolist()
    ]
    across = [
        f'<text x="{_LEFT - 6}" y="{_TOP + 10}" text-anchor="end">0</text>',
        f'<text x="{_LEFT - 6}" y="{_TOP + _STRIP}" text-anchor="end">{broad:,.0f} mm</text>',
    ]
    name = f'<text x="{_WIDTH / 2}" y="{base + 18}" text-anchor="middle">metres along the strip; bars: defects</text>'
    return [*texts, *across, name]


def _gap(left: float, right: float) -> str:
    width = max(2.0, round(right - left, 1))
    return f'<rect x="{left}" y="{_TOP}" width="{width}" height="{_STRIP}" class="gap"><title>no picture</title></rect>'


def _unjudged(x: float) -> str:
    return f'<path d="M{x} {_TOP}v{_STRIP}" class="unjudged"><title>not judged</title></path>'
