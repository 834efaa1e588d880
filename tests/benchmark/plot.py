"""The ratios as bars beside their targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.benchmark.report import Ratio


def plot(rows: Sequence[Ratio], path: Path) -> None:
    """Write an SVG or PNG: each ratio with its spread; of rates the inverse, so that shorter is always better."""
    mpl.use("agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the back end is chosen

    figure, axes = plt.subplots(figsize=(9, 0.42 * len(rows) + 1.2), layout="constrained")
    for place, row in enumerate(reversed(rows)):
        low, value, high = row.low, row.value, row.high
        if row.rate:
            low, value, high = 1 / high, 1 / value, 1 / low
        colour = {"held": "#2a7f3f", "missed": "#c0392b", "": "#6b7b8c"}[row.verdict]
        axes.barh(place, value, color=colour, height=0.62)
        axes.plot([low, high], [place, place], color="black", linewidth=1.2)
        right = high
        if row.target is not None:
            target = 1 / row.target if row.rate else row.target
            axes.plot([target, target], [place - 0.42, place + 0.42], color="black", linewidth=1.6)
            right = max(high, target)
        axes.text(right + 0.015, place, f"{value:.2f}", va="center", fontsize=8)
    axes.axvline(1, color="#999999", linewidth=0.8)
    labels = [f"{row.what}{' (inverse)' if row.rate else ''}" for row in reversed(rows)]
    axes.set_yticks(range(len(rows)), labels, fontsize=8)
    axes.set_xlabel("ratio to the FastAPI service; shorter is better (line: target)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlim(0, max(1.1, *(1 / row.low if row.rate else row.high for row in rows)) + 0.12)
    figure.savefig(path)
    plt.close(figure)
