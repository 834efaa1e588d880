"""Distributions then and now as one SVG file, which every browser shows; nothing has to be installed for it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steel_defect.drift import Drift

_WIDTH, _HEIGHT = 480, 260
_LEFT, _TOP, _BOTTOM = 44, 46, 58
_COLOUR: Final = {"stable": "#2e7d32", "moderate": "#b26a00", "large": "#c62828"}
_WORDS: Final = {
    "mean": "mean gray",
    "contrast": "contrast",
    "dark_share": "dark share",
    "defect_prob": "defect probability",
}
_STYLE: Final = (
    "text{font:12px system-ui,sans-serif;fill:#222}.title{font-size:15px;font-weight:600}.small{font-size:11px;"
    "fill:#555}.then{fill:#b0bec5}.now{fill:#1565c0}.line{stroke:#ddd}"
)


def bin_name(edges: Sequence[float], place: int) -> str:
    """What is in the bin."""
    if not edges:
        return "all"
    if place == 0:
        return f"below {edges[0]:.4g}"
    if place == len(edges):
        return f"from {edges[-1]:.4g}"
    return f"{edges[place - 1]:.4g} to {edges[place]:.4g}"


def svg(found: Sequence[Drift], title: str) -> str:
    """The file: a panel for each statistic, two in a row."""
    rows = -(-len(found) // 2)
    width, height = 2 * _WIDTH, 64 + rows * _HEIGHT
    panels = "".join(
        f'<g transform="translate({index % 2 * _WIDTH},{64 + index // 2 * _HEIGHT})">{_panel(drift)}</g>'
        for index, drift in enumerate(found)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title)}"><style>{_STYLE}</style><rect width="100%" height="100%" fill="#fff"/>'
        f'<text class="title" x="{_LEFT}" y="26">{escape(title)}</text>'
        f'<rect class="then" x="{_LEFT}" y="39" width="12" height="12"/><text x="{_LEFT + 18}" y="50">reference</text>'
        f'<rect class="now" x="{_LEFT + 100}" y="39" width="12" height="12"/>'
        f'<text x="{_LEFT + 118}" y="50">now</text>{panels}</svg>\n'
    )


def _panel(drift: Drift) -> str:
    """One statistic: a pair of bars for each bin, as high as its shares; the bins' edges below."""
    inside, tall = _WIDTH - _LEFT - 16, _HEIGHT - _TOP - _BOTTOM
    top = max(*drift.then, *drift.now, 0.2)
    step = inside / len(drift.now)
    parts = [
        f'<text class="title" x="{_LEFT}" y="20">{escape(_WORDS.get(drift.name, drift.name))}</text>',
        f'<text x="{_LEFT}" y="37" style="fill:{_COLOUR[drift.level]}">{drift.level}: PSI {drift.psi:.3f}</text>',
        f'<text class="small" x="{_WIDTH - 16}" y="37" text-anchor="end">by chance below {drift.chance:.3f}</text>',
    ]
    for share in (0, top / 2, top):
        y = _TOP + tall * (1 - share / top)
        parts.append(
            f'<line class="line" x1="{_LEFT}" x2="{_WIDTH - 16}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="small" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{share:.0%}</text>'
        )
    for place, (then, now) in enumerate(zip(drift.then, drift.now, strict=True)):
        for name, share, shift in (("then", then, 0.12), ("now", now, 0.5)):
            high = tall * share / top
            parts.append(
                f'<rect class="{name}" x="{_LEFT + step * (place + shift):.1f}" y="{_TOP + tall - high:.1f}" '
                f'width="{0.38 * step:.1f}" height="{high:.1f}"><title>{escape(bin_name(drift.edges, place))}: '
                f"{share:.1%}</title></rect>"
            )
    for place, edge in enumerate(drift.edges):
        x, y = _LEFT + step * (place + 1), _TOP + tall + 14
        parts.append(
            f'<text class="small" transform="translate({x:.1f},{y})rotate(-35)" text-anchor="end">{edge:.3g}</text>'
        )
    return "".join(parts)
