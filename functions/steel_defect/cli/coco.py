"""`score --coco`: defects as annotations in COCO's format, which labelling tools read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from steel_defect.cli.mask_files import masks_of
from steel_defect.masks import Grid
from steel_defect.pictures.views import Box
from steel_defect.regions import find_regions
from steel_defect.run_lengths import decode, pixels_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect.cli.report import Row
    from steel_defect.regions import Regions


class CocoFile:
    """One image for each picture that was scored, and an annotation for each defect of the page that decided."""

    def __init__(self, path: Path, class_names: Sequence[str]) -> None:
        """Take where to write, at the end."""
        self._path = path
        self._categories = {name: number for number, name in enumerate(class_names, 1)}
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    def add(self, row: Row) -> None:
        """Keep the annotations of one picture."""
        if row.answer is None:
            return
        image = row.answer["image"]
        number = len(self._images) + 1
        self._images.append({"id": number, "file_name": row.path, "width": image["width"], "height": image["height"]})
        for defect, pixels in _instances(row.answer):
            box = defect["box"]
            self._annotations.append(
                {
                    "id": len(self._annotations) + 1,
                    "image_id": number,
                    "category_id": self._categories[defect["class"]],
                    "bbox": [box["x"], box["y"], box["width"], box["height"]],
                    "area": defect["area_px"],
                    "segmentation": {"size": list(pixels.shape), "counts": _counts(pixels)},
                    "score": defect["prob"],
                    "iscrowd": 0,
                }
            )

    def close(self) -> None:
        """Write the file."""
        categories = [{"id": number, "name": name} for name, number in self._categories.items()]
        content = {"images": self._images, "categories": categories, "annotations": self._annotations}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(content), encoding="utf-8")


def _instances(answer: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], NDArray[np.bool_]]]:
    """Each defect of the page that decided, and its pixels: masks tell classes apart, not defects."""
    masks, found = masks_of(answer), []
    rows, columns = masks["rows"], masks["columns"]
    content = Box(**answer["view"]["content"])
    grid = Grid(masks["x"], masks["y"], masks["cell_width"], masks["cell_height"], content)
    regions: dict[str, Regions] = {}
    for defect in answer["defects"]:
        if defect["page"] != answer["view"]["page"]:
            continue
        name = defect["class"]
        if name not in regions:
            cells = decode(masks["runs"][masks["classes"].index(name)], rows, columns)
            regions[name] = find_regions(cells[None].astype(np.float32), (0.5,), *grid.borders(rows, columns))
        damaged = np.zeros((rows, columns), np.bool_)
        runs = regions[name].runs
        runs = runs.of(np.arange(len(regions[name].area)) == _most_alike(regions[name], defect["box"]))
        for row, start, stop in zip(runs.row, runs.start, runs.stop, strict=True):
            damaged[row, start:stop] = True
        found.append((defect, pixels_in(damaged, answer)))
    return found


def _most_alike(regions: Regions, box: Mapping[str, int]) -> int:
    """The region whose box is that of a defect; no two of a class have the same, for they would cross."""
    right, bottom = box["x"] + box["width"], box["y"] + box["height"]
    sides = (regions.left - box["x"], regions.top - box["y"], regions.right - right, regions.bottom - bottom)
    return int(np.argmin(sum(np.abs(side) for side in sides)))


def _counts(pixels: NDArray[np.bool_]) -> list[int]:
    """Lengths of the runs column by column, in turns sound and damaged, the first sound."""
    flat = pixels.ravel(order="F")
    borders = np.flatnonzero(np.diff(flat, prepend=False))
    return [int(length) for length in np.diff(np.concatenate([[0], borders, [flat.size]]))]
