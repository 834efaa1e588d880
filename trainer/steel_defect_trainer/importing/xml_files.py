"""XML of labelling tools: Pascal VOC's file for each picture, and CVAT's file for all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from steel_defect_trainer.errors import DataError
from steel_defect_trainer.importing.areas import RowRuns, ellipse, polygon, turned_box
from steel_defect_trainer.importing.described import Box, Described, Mark

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from steel_defect_trainer.importing.described import Area

_SHAPES: Final = ("box", "polygon", "mask", "ellipse", "polyline", "points", "cuboid", "skeleton", "tag")


def root_of(path: Path) -> Element:
    """The outermost element of a file.

    Raises:
        DataError: it is no XML.
    """
    try:
        return ET.parse(path).getroot()  # noqa: S314 - a user's own files; expat bounds what entities expand to
    except (ET.ParseError, OSError) as error:
        message = f"{path} cannot be read: {error}"
        raise DataError(message) from error


def read_voc(path: Path, root: Element) -> Described:
    """The boxes of one picture. A file without an object says that it is clean."""
    name = root.findtext("filename") or path.stem
    folder = root.findtext("folder")
    size = _whole(root, "size/height"), _whole(root, "size/width")
    marks = []
    for number, item in enumerate(root.iterfind("object"), 1):
        corners = [item.findtext(f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")]
        label = (item.findtext("name") or "").strip()
        if not label:
            message = f"{path}, object {number}: it has no name"
            raise DataError(message)
        place = None if None in corners else Box(*(float(corner) for corner in corners if corner is not None))
        marks.append(Mark(label, place, partial=place is None))
    named = f"{folder}/{name}" if folder and folder not in {"Unknown", "VOC2007", "VOC2012"} else name
    stated = (size[0], size[1]) if size[0] and size[1] else None
    return Described(named, str(path), stated, tuple(marks), not marks, beside=path.parent)


def read_cvat(path: Path, root: Element) -> list[Described]:
    """The pictures of a file. One without a shape is not said to be clean: CVAT lists what nobody looked at too.

    Raises:
        DataError: it is of a video, or has a shape that is not known.
    """
    if root.find("track") is not None:
        message = f"{path} has the tracks of a video; export the task as 'CVAT for images 1.1'"
        raise DataError(message)
    described = []
    for image in root.iterfind("image"):
        where = f"{path}, image {image.get('id', '')} {image.get('name')}"
        marks = tuple(_mark(shape, where) for shape in image)
        size = (int(image.attrib["height"]), int(image.attrib["width"]))
        described.append(Described(image.attrib["name"], where, size, marks))
    return described


def _mark(shape: Element, where: str) -> Mark:
    if shape.tag not in _SHAPES:
        message = f"{where}: the shape {shape.tag!r} is not known; these are: {', '.join(_SHAPES)}"
        raise DataError(message)
    label = shape.attrib["label"]
    if shape.tag == "tag":
        return Mark(label)
    place = _place(shape, where)
    return Mark(label, place, partial=place is None)


def _place(shape: Element, where: str) -> Area | Box | None:
    def number(key: str) -> float:
        return float(shape.attrib[key])

    turned = float(shape.get("rotation", 0))
    if shape.tag == "box":
        box = Box(number("xtl"), number("ytl"), number("xbr"), number("ybr"))
        middle = ((box.left + box.right) / 2, (box.top + box.bottom) / 2)
        return turned_box(box, turned, middle) if turned else box
    if shape.tag == "polygon":
        return polygon([float(word) for point in shape.attrib["points"].split(";") for word in point.split(",")])
    if shape.tag == "ellipse":
        return ellipse(number("cx"), number("cy"), (number("rx"), number("ry")), turned)
    if shape.tag == "mask":
        counts = tuple(int(word) for word in shape.attrib["rle"].split(","))
        left, top, width, height = (int(number(key)) for key in ("left", "top", "width", "height"))
        return RowRuns(left, top, width, height, counts, where)
    return None


def _whole(root: Element, path: str) -> int:
    return int(float(root.findtext(path) or 0))
