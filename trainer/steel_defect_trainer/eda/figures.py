"""Figures of the analysis, as PNG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from steel_defect_trainer.eda.survey import centres
from steel_defect_trainer.reporting.plots import CLEAN, DEFECT, QUIET, label_axes, to_png

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from steel_defect_trainer.eda.survey import Surveyed
    from steel_defect_trainer.eda.tables import Table

# Distinct on gray steel and on white paper, for colour-blind eyes too (Okabe and Ito's palette, without black).
CLASS_COLOURS: Final = ("#e69f00", "#56b4e9", "#d55e00", "#009e73", "#cc79a7", "#0072b2", "#f0e442")
_BINS: Final = 40
# So many dots can be seen through each other.
_DOTS: Final = 300


def class_colour(number: int) -> str:
    """The colour of a class in every figure and outline."""
    return CLASS_COLOURS[number % len(CLASS_COLOURS)]


def bars(table: Table, colours: Sequence[str]) -> bytes:
    """The counts of a table with label, count and percentage, as bars from the left."""
    figure = Figure(figsize=(6.4, 0.8 + 0.42 * len(table)), layout="constrained")
    axes = figure.subplots()
    _, what, _ = table.columns
    names, counts, shares = zip(*table.rows, strict=True)
    drawn = axes.barh([str(name) for name in names], counts, color=list(colours), height=0.7)
    axes.bar_label(drawn, [f" {n:,} ({p:.2f} %)" for n, p in zip(counts, shares, strict=True)], fontsize=9)
    axes.invert_yaxis()
    axes.set_xlim(0, max(counts) * 1.3)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    label_axes(axes, "", what, "")
    return to_png(figure)


def areas(surveyed: Sequence[Surveyed], class_names: Sequence[str]) -> bytes:
    """Areas of the masks of each class, as boxes over a logarithmic scale."""
    of_class: dict[int, list[int]] = {}
    for one in surveyed:
        for defect in one.defects:
            if defect.area is not None:
                of_class.setdefault(defect.number, []).append(defect.area)
    numbers = sorted(of_class)
    figure = Figure(figsize=(6.4, 0.9 + 0.55 * len(numbers)), layout="constrained")
    axes = figure.subplots()
    drawn = axes.boxplot(
        [of_class[number] for number in numbers],
        orientation="horizontal",
        tick_labels=[class_names[number] for number in numbers],
        patch_artist=True,
        widths=0.6,
        flierprops={"marker": ".", "markersize": 2, "markeredgecolor": QUIET, "alpha": 0.4},
        medianprops={"color": "black"},
    )
    for number, box in zip(numbers, drawn["boxes"], strict=True):
        box.set_facecolor(class_colour(number))
    axes.set_xscale("log")
    axes.invert_yaxis()
    label_axes(axes, "", "area of the mask in pixels, logarithmic; the box holds the middle half", "")
    return to_png(figure)


def colours(levels: NDArray[np.float64], means: NDArray[np.float64], defect: NDArray[np.bool_], *, gray: bool) -> bytes:
    """Levels of all pixels, and the mean level of each picture.

    Args:
        levels: share of the pixels that have each level, float64 (2, 3, 256): clean and defect pictures, channels.
        means: mean level of each picture, (N,).
        defect: whether it has a defect, (N,).
        gray: whether red, green and blue are the same in all pictures.
    """
    figure = Figure(figsize=(11.0, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    if gray:
        for shares, label, colour in ((levels[0, 0], "clean", CLEAN), (levels[1, 0], "defect", DEFECT)):
            left.plot(100 * shares, color=colour, label=label)
    else:
        for channel, colour in enumerate(("#dc2626", "#16a34a", "#2563eb")):
            for kind, line in ((0, "-"), (1, "--")):
                label = f"{('red', 'green', 'blue')[channel]}, {('clean', 'defect')[kind]}"
                left.plot(100 * levels[kind, channel], line, color=colour, label=label)
    left.set_ylim(bottom=0)
    edges = np.linspace(0, 256, _BINS + 1).tolist()
    for chosen, label, colour in ((~defect, "clean", CLEAN), (defect, "defect", DEFECT)):
        right.hist(means[chosen], edges, alpha=0.55, color=colour, label=label)
    for axes in (left, right):
        axes.set_xlim(0, 255)
        axes.legend()
    right.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    label_axes(left, "Levels of pixels", "level, 0 black to 255 white", "% of the pixels")
    label_axes(right, "Brightness of pictures", "mean level of a picture", "pictures")
    return to_png(figure)


def locations(surveyed: Sequence[Surveyed], class_names: Sequence[str], size: tuple[int, int] | None) -> bytes:
    """Centres of the regions of each class, along the width, along the height, and over the picture.

    If the pictures have no common `size` (height, width), positions are shares of width and height.
    """
    of_class = region_centres(surveyed, size)
    height, width = size or (1, 1)
    figure = Figure(figsize=(11.0, 0.5 + 2.1 * len(of_class)), layout="constrained")
    rows = figure.subplots(len(of_class), 3, squeeze=False, width_ratios=[1, 1, 1.6])
    unit = "pixels" if size else "share"
    for (number, points), (along, down, over) in zip(of_class.items(), rows, strict=True):
        colour = class_colour(number)
        along.hist(points[:, 0], np.linspace(0, width, _BINS + 1).tolist(), color=colour)
        down.hist(points[:, 1], np.linspace(0, height, _BINS + 1).tolist(), color=colour)
        for axes in (along, down):
            axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        name = f"{class_names[number]}: {len(points):,} regions"
        label_axes(along, name, f"centre along the width, {unit}", "regions")
        label_axes(down, "", f"centre along the height, {unit}", "")
        clear = float(np.clip(_DOTS / len(points), 0.05, 0.7))
        over.scatter(points[:, 0], points[:, 1], s=10, color=colour, alpha=clear, edgecolors="none")
        over.set_xlim(0, width)
        over.set_ylim(height, 0)
        label_axes(over, "", f"centres over the picture, {unit}", "")
    return to_png(figure)


def region_centres(surveyed: Sequence[Surveyed], size: tuple[int, int] | None) -> dict[int, NDArray[np.float64]]:
    """Centres of the regions by class: in pixels if the pictures have one size, else as shares of the picture."""
    of_class: dict[int, list[NDArray[np.float64]]] = {}
    for one in surveyed:
        if one.size is None:
            continue
        scale = (1, 1) if size else one.size[::-1]
        for defect in one.defects:
            if len(defect.boxes):
                of_class.setdefault(defect.number, []).append(centres(defect.boxes) / scale)
    return {number: np.concatenate(of_class[number]) for number in sorted(of_class)}
