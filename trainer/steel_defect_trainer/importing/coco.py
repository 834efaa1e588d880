"""COCO: one JSON file of pictures, categories, and annotations with boxes, polygons or runs."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from steel_defect_trainer.errors import DataError
from steel_defect_trainer.importing.areas import CocoRuns, Polygons, polygon
from steel_defect_trainer.importing.described import Box, Described, Mark

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect_trainer.importing.described import Area


def is_coco(content: object) -> bool:
    """Whether a JSON file is one of COCO."""
    return isinstance(content, dict) and isinstance(content.get("images"), list) and "annotations" in content


def read_coco(path: Path, content: dict[str, Any]) -> list[Described]:
    """The pictures of a file. One without annotations is not said to be clean: tools list what nobody looked at too.

    Raises:
        DataError: an annotation is of no picture or category of the file, or has no usable place.
    """
    names = {category["id"]: str(category["name"]) for category in content.get("categories", ())}
    marks: dict[object, list[Mark]] = defaultdict(list)
    images = {image["id"]: image for image in content["images"]}
    for number, annotation in enumerate(content["annotations"], 1):
        where = f"{path}, annotation {annotation.get('id', number)}"
        image = annotation.get("image_id")
        if image not in images or annotation.get("category_id") not in names:
            message = (
                f"{where} is of image {image} and category {annotation.get('category_id')}, which the file does not "
                "both have"
            )
            raise DataError(message)
        place = _place(annotation, images[image], where)
        marks[image].append(Mark(names[annotation["category_id"]], place, partial=place is None))
    described = []
    for key, image in images.items():
        size = (int(image["height"]), int(image["width"])) if image.get("height") and image.get("width") else None
        name, where = str(image["file_name"]), f"{path}, image {key}"
        described.append(Described(name, where, size, tuple(marks[key]), beside=path.parent))
    return described


def _place(annotation: dict[str, Any], image: dict[str, Any], where: str) -> Area | Box | None:
    segmentation = annotation.get("segmentation")
    if isinstance(segmentation, dict):
        height, width = segmentation["size"]
        return CocoRuns((int(height), int(width)), segmentation["counts"], where)
    rings = [ring for ring in segmentation or () if polygon(ring) is not None]
    if rings:
        return polygon(rings[0]) if len(rings) == 1 else Polygons(tuple(tuple(map(float, ring)) for ring in rings))
    box = annotation.get("bbox")
    if not box:
        return None
    left, top, width, height = map(float, box)
    if width <= 0 or height <= 0:
        message = f"{where}: its box has the size {width:g} x {height:g} in {image['file_name']}"
        raise DataError(message)
    return Box(left, top, left + width, top + height)
