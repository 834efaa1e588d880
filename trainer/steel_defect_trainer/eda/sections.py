"""The seven parts of the analysis: text, tables and figures, and what could not be computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect_trainer.data.input_shape import canvas, fitting_input
from steel_defect_trainer.eda import figures, tables
from steel_defect_trainer.eda.examples import Example, class_examples, clean_examples
from steel_defect_trainer.eda.figures import class_colour
from steel_defect_trainer.recipe import read_recipe
from steel_defect_trainer.reporting.plots import CLEAN, DEFECT, QUIET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from steel_defect_trainer.data.dataset import DataSet
    from steel_defect_trainer.eda.survey import Surveyed

_DARK: Final = 16


@dataclass(frozen=True)
class Section:
    """One part of the report.

    Attributes:
        title: of the part.
        text: paragraphs.
        tables: caption to table.
        figures: description to PNG.
        examples: heading, its colour, and pictures.
    """

    title: str
    text: Sequence[str]
    tables: dict[str, tables.Table] = field(default_factory=dict)
    figures: dict[str, bytes] = field(default_factory=dict)
    examples: Sequence[tuple[str, str, list[Example]]] = ()


def sections(dataset: DataSet, surveyed: Sequence[Surveyed]) -> list[Section]:
    """All parts, in order.

    Raises:
        DataError: an example picture cannot be read.
    """
    return [
        _sizes_and_balance(dataset, surveyed),
        _classes(dataset),
        _mixtures(dataset),
        _areas(dataset, surveyed),
        _colours(dataset, surveyed),
        _locations(dataset, surveyed),
        _examples(dataset, surveyed),
    ]


def _sizes_and_balance(dataset: DataSet, surveyed: Sequence[Surveyed]) -> Section:
    balance = tables.label_balance(dataset)
    defect = sum(bool(picture.classes) for picture in dataset.pictures)
    text = [f"{defect:,} of {len(dataset):,} pictures ({100 * defect / len(dataset):.2f} %) have a defect."]
    shown = {"Pictures with and without a defect": balance}
    if dataset.present:
        shown["Sizes of the pictures"] = tables.picture_sizes(surveyed)
        text += _shapes([picture.size for picture in surveyed if picture.size is not None])
    else:
        text.append("The pictures are absent, so their sizes are not known.")
        if defect == len(dataset):
            text.append(
                "The table names pictures with a defect only; without the pictures, the clean ones cannot be counted."
            )
    return Section(
        "Sizes and label balance",
        text,
        shown,
        {"Pictures with and without a defect": figures.bars(balance, (DEFECT, CLEAN))},
    )


def _shapes(sizes: Sequence[tuple[int, int]]) -> list[str]:
    """What the recipe `strip` makes of pictures of these sizes."""
    lie = canvas(fitting_input(read_recipe("strip").input, sizes), sizes)
    return [
        f"A training fits its input to them. {lie}",
        *([] if lie.warning is None else [f"Warning: {lie.warning}."]),
    ]


def _classes(dataset: DataSet) -> Section:
    table = tables.class_distribution(dataset)
    if not table.rows:
        return Section("Classes", ["No picture has a defect."])
    names, counts, shares = zip(*table.rows, strict=True)
    text = [f"{sum(counts):,} defects: a picture counts for each of its classes."]
    if len(table) > 1:
        text.append(
            f"{names[0]} is {shares[0]:.2f} % of them, {names[-1]} {shares[-1]:.2f} %: "
            f"{counts[0] / counts[-1]:.1f} times as frequent."
        )
    colours = [class_colour(dataset.class_names.index(name)) for name in names]
    return Section(
        "Classes", text, {"Defects of each class": table}, {"Defects of each class": figures.bars(table, colours)}
    )


def _mixtures(dataset: DataSet) -> Section:
    title = "Types of defects on one picture"
    types = tables.types_per_picture(dataset)
    if len(dataset.class_names) < 2:  # noqa: PLR2004 - a mixture needs two
        return Section(title, ["There is one class only."])
    if not types.rows:
        return Section(title, ["No picture has a defect."])
    shown = {"Types on one defect picture": types}
    drawn = {}
    single = next((share for number, _, share in types.rows if number == 1), 0)
    text = [f"{single:.2f} % of the defect pictures have one type of defect, {100 - single:.2f} % several."]
    pairs = tables.pairs(dataset)
    if len(pairs):
        shown["Classes on pictures with several types"] = tables.classes_of_mixed_pictures(dataset)
        shown["Pairs on pictures with two types"] = pairs
        drawn["Pairs on pictures with two types"] = figures.bars(pairs, (QUIET,))
    mixed = tables.most_mixed(dataset)
    if len(mixed):
        shown["Pictures with three types or more"] = mixed
    return Section(title, text, shown, drawn)


def _areas(dataset: DataSet, surveyed: Sequence[Surveyed]) -> Section:
    table = tables.areas(surveyed, dataset.class_names)
    if not table.rows:
        return Section("Area", ["No masks are known, so areas cannot be computed."])
    text = ["Pixels in the mask of one class on one picture; the standard deviation is that of a sample."]
    unknown = sum(defect.area is None for one in surveyed for defect in one.defects)
    if unknown:
        text.append(f"Of {unknown:,} defects the place is not known; they are left out.")
    if all(mean > median for mean, median in zip(table.column("mean"), table.column("50%"), strict=True)):
        text.append("Every mean is above its median: a few very large defects stretch each distribution to the right.")
    drawn = {"Areas of each class": figures.areas(surveyed, dataset.class_names)}
    return Section("Area", text, {"Area of the masks in pixels": table}, drawn)


def _colours(dataset: DataSet, surveyed: Sequence[Surveyed]) -> Section:
    if not dataset.present:
        return Section("Colour", ["The pictures are absent, so colours are not known."])
    defect = np.array([bool(picture.classes) for picture in dataset.pictures])
    counts = np.stack([one.levels for one in surveyed if one.levels is not None])
    levels = np.stack([counts[kind].sum(axis=0) for kind in (~defect, defect)]).astype(np.float64)
    shares: NDArray[np.float64] = levels / np.maximum(levels.sum(axis=2, keepdims=True), 1)
    brightness = counts.mean(axis=1)
    means = brightness @ np.arange(256) / brightness.sum(axis=1)
    coloured = sum(not one.gray for one in surveyed)
    text = [
        "Red, green and blue are equal in every picture: colour says nothing, brightness and texture all."
        if not coloured
        else f"{coloured:,} of {len(surveyed):,} pictures are coloured: red, green and blue differ somewhere.",
        (
            f"The mean level of a picture is {means.mean():.1f} on average, {means.min():.1f} to {means.max():.1f}; "
            f"{100 * counts[:, :, :_DARK].sum() / counts.sum():.1f} % of all pixels are nearly black (below {_DARK})."
        ),
    ]
    drawn = {"Levels of pixels and brightness of pictures": figures.colours(shares, means, defect, gray=not coloured)}
    return Section("Colour", text, {}, drawn)


def _locations(dataset: DataSet, surveyed: Sequence[Surveyed]) -> Section:
    title = "Where defects are"
    sizes = {one.size for one in surveyed if one.size}
    size = next(iter(sizes)) if len(sizes) == 1 else None
    if not figures.region_centres(surveyed, size):
        return Section(title, ["No masks are known, so places cannot be computed."])
    text = [
        (
            "The centre of the bounding box of each connected region of a mask, x = left + (right - left) / 2 and "
            "y = top + (bottom - top) / 2; x runs along the width, y down from the top. Pixels that touch at a side or "
            "a corner are one region."
        ),
    ]
    if size is None:
        text.append("The pictures differ in size, so places are shares of width and height.")
    shown = {"Connected regions": tables.region_counts(surveyed, dataset.class_names)}
    drawn = {"Centres of the regions of each class": figures.locations(surveyed, dataset.class_names, size)}
    return Section(title, text, shown, drawn)


def _examples(dataset: DataSet, surveyed: Sequence[Surveyed]) -> Section:
    if not dataset.present:
        return Section("Examples", ["The pictures are absent, so there is none to show."])
    shown = [("clean", "", clean_examples(dataset))]
    shown += [
        (name, class_colour(number), class_examples(dataset, surveyed, number))
        for number, name in enumerate(dataset.class_names)
    ]
    masks = any(picture.masks for picture in dataset.pictures)
    text = (
        "A small, a usual and a large defect of each class, outlined."
        if masks
        else "Where the defects are is not known."
    )
    return Section("Examples", [text], {}, {}, [(name, colour, found) for name, colour, found in shown if found])
