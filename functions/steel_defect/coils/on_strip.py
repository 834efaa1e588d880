"""From a picture's pixels to the strip."""

from __future__ import annotations

import math
from typing import Any


def known(value: float | None) -> float:
    """The number, NaN for none."""
    return math.nan if value is None else value


def on_strip(result: dict[str, Any], position: float | None) -> tuple[list[tuple[Any, ...]], float, float]:
    """The defects of a picture, and its size, along and across the strip in millimetres; NaN is not known.

    Args:
        result: of the picture.
        position: where along the strip it begins; None if nobody says.

    Returns:
        Class, probability, start, length, across, width and area of each defect; the picture's length and breadth.

    Raises:
        KeyError, TypeError, ValueError: the result is not as result.schema.json says.
    """
    found = result.get("defects") or []
    scales = [_scale(defect) for defect in found]
    # A page of several is somewhere along the strip.
    begins = math.nan if result.get("view", {}).get("pages", 1) > 1 else known(position)
    along_x = _runs_along_x(found, result)
    rows = []
    for defect, scale in zip(found, scales, strict=True):
        box = defect["box"]
        left, top, width, height = (float(box[name]) * scale for name in ("x", "y", "width", "height"))
        start, length, across, breadth = (left, width, top, height) if along_x else (top, height, left, width)
        # Without a scale, the picture is known and where in it is not.
        area = float(defect["mm"]["area"]) if "mm" in defect else math.nan
        begin = begins if math.isnan(scale) else begins + start
        name, prob = str(defect["class"]), float(defect["prob"])
        rows.append((name, prob, begin, length, across, breadth, area))
    scale = scales[0] if scales else math.nan
    width, height = (float(result["image"][side]) * scale for side in ("width", "height"))
    return (rows, width, height) if along_x else (rows, height, width)


def _runs_along_x(found: list[dict[str, Any]], result: dict[str, Any]) -> bool:
    """Whether the strip runs from left to right: `length_px` is along it."""
    as_width, as_height = (
        sum(abs(float(one["length_px"]) - float(one["box"][side])) for one in found) for side in ("width", "height")
    )
    upright = result.get("view", {}).get("turned", 0) == 0
    return upright if as_width == as_height else as_width < as_height


def _scale(defect: dict[str, Any]) -> float:
    """Millimetres a pixel; NaN if nobody stated them."""
    if "mm" not in defect:
        return math.nan
    if defect["length_px"] > 0:
        return float(defect["mm"]["length"]) / float(defect["length_px"])
    return math.sqrt(float(defect["mm"]["area"]) / float(defect["area_px"]))
