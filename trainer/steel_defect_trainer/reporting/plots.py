"""Colours, labels and PNG of every plot in a report."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DEFECT: Final = "#b45309"
CLEAN: Final = "#1d4ed8"
QUIET: Final = "#64748b"
_DPI: Final = 130


def label_axes(axes: Axes, title: str, across: str, upwards: str) -> None:
    """Name a plot and its axes; a light grid lies behind it."""
    axes.set_title(title, fontsize=11)
    axes.set_xlabel(across)
    axes.set_ylabel(upwards)
    axes.grid(visible=True, alpha=0.25)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def to_png(figure: Figure) -> bytes:
    """The figure as PNG."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()
