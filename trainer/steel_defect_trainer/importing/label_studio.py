"""Label Studio: a JSON list of tasks, each with a picture and the annotations of one or more people."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from steel_defect.pictures.formats import PICTURE_SUFFIXES
from steel_defect_trainer.errors import DataError
from steel_defect_trainer.importing.areas import Polygons, ellipse, polygon
from steel_defect_trainer.importing.described import Box, Described, Mark

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect_trainer.importing.described import Area

_CHANNELS: Final = 4
_HALF: Final = 128


@dataclass(frozen=True)
class _Brush:
    """Levels of red, green, blue and alpha in Label Studio's own runs; alpha has the brush."""

    size: tuple[int, int]
    runs: tuple[int, ...]
    where: str

    def mask(self, size: tuple[int, int]) -> NDArray[np.bool_]:
        """See `Area`."""
        values = _decoded(self.runs)
        if self.size != size or values.size != size[0] * size[1] * _CHANNELS:
            message = f"{self.where}: a brush mask has another size than its picture, {size[1]} x {size[0]}"
            raise DataError(message)
        return values.reshape(*size, _CHANNELS)[..., 3] >= _HALF


def is_label_studio(content: object) -> bool:
    """Whether a JSON file is an export of Label Studio."""
    return isinstance(content, list) and bool(content) and isinstance(content[0], dict) and "data" in content[0]


def read_label_studio(path: Path, tasks: list[dict[str, Any]]) -> list[Described]:
    """The pictures of all tasks; what one person found is there, and a picture is clean if a submission is empty.

    Raises:
        DataError: a task has no picture, or a result that is not known.
    """
    described = []
    for task in tasks:
        where = f"{path}, task {task.get('id')}"
        submitted = [item for item in task.get("annotations") or () if not item.get("was_cancelled")]
        results = [result for item in submitted for result in item["result"]]
        marks = tuple(mark for result in results for mark in _marks(result, where))
        size = next((_size(result) for result in results if "original_width" in result), None)
        name = _picture(task["data"], where)
        described.append(Described(name, where, size, marks, says_clean=bool(submitted) and not marks))
    return described


def _picture(data: dict[str, Any], where: str) -> str:
    names = [
        value
        for value in data.values()
        if isinstance(value, str) and PurePosixPath(value.partition("#")[0]).suffix.lower() in PICTURE_SUFFIXES
    ]
    if len(names) != 1:
        message = f"{where}: expected one picture in its data, found {', '.join(names) or 'none'}"
        raise DataError(message)
    return names[0]


def _size(result: dict[str, Any]) -> tuple[int, int]:
    return int(result["original_height"]), int(result["original_width"])


def _marks(result: dict[str, Any], where: str) -> list[Mark]:
    kind, value = str(result.get("type", "")), result.get("value", {})
    if kind in {"choices", "taxonomy"}:
        return [Mark(str(choice)) for choice in value.get(kind, ()) if isinstance(choice, str)]
    if not kind.endswith("labels") and kind not in {"rectangle", "polygon", "brush", "ellipse", "keypoint"}:
        return []  # a text, a rating, a relation: no label
    if result.get("image_rotation"):
        message = f"{where}: the picture was turned in Label Studio, so its places are not those of the file"
        raise DataError(message)
    place = _place(kind, value, _size(result), where)
    # Without labels of its own a shape has them in another result of the same id.
    return [Mark(str(label), place, partial=place is None) for label in value.get(kind, ())]


def _place(kind: str, value: dict[str, Any], size: tuple[int, int], where: str) -> Area | Box | None:
    height, width = size
    across, down = width / 100, height / 100
    if kind == "rectanglelabels":
        left, top = value["x"] * across, value["y"] * down
        wide, high = value["width"] * across, value["height"] * down
        by = radians(value.get("rotation", 0))
        xs = [left + x * cos(by) - y * sin(by) for x in (0, wide) for y in (0, high)]
        ys = [top + x * sin(by) + y * cos(by) for x in (0, wide) for y in (0, high)]
        return Box(min(xs), min(ys), max(xs), max(ys))
    if kind == "polygonlabels":
        place = polygon([number for x, y in value["points"] for number in (x * across, y * down)])
        assert place is None or isinstance(place, Box | Polygons)  # noqa: S101 - what it gives
        return place
    if kind == "ellipselabels":
        radii = (value["radiusX"] * across, value["radiusY"] * down)
        return ellipse(value["x"] * across, value["y"] * down, radii, value.get("rotation", 0))
    if kind == "brushlabels":
        if value.get("format") != "rle":
            message = f"{where}: a brush mask has the format {value.get('format')!r}; expected 'rle'"
            raise DataError(message)
        return _Brush(size, tuple(value["rle"]), where)
    return None


def _decoded(runs: tuple[int, ...]) -> NDArray[np.uint8]:
    """Label Studio's runs: a stream of bits, in which a run has one value, or a value for each of its places."""
    bits = np.unpackbits(np.array(runs, np.uint8))
    at = 0

    def read(count: int) -> int:
        nonlocal at
        number = 0
        for bit in bits[at : at + count].tolist():
            number = number << 1 | bit
        at += count
        return number

    values = np.zeros(read(32), np.uint8)
    word = read(5) + 1
    lengths = [read(4) + 1 for _ in range(4)]
    start = 0
    while start < values.size:
        repeats = read(1)
        end = start + 1 + read(lengths[read(2)])
        if repeats:
            values[start:end] = read(word)
        else:
            for place in range(start, end):
                values[place] = read(word)
        start = end
    return values
