"""Opens labels of any known tool; the files decide which it is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from steel_defect_trainer.data import generic, severstal
from steel_defect_trainer.errors import DataError
from steel_defect_trainer.importing.coco import is_coco, read_coco
from steel_defect_trainer.importing.colour_masks import MASKS, read_colour_masks
from steel_defect_trainer.importing.finding import Finder
from steel_defect_trainer.importing.folders import is_mvtec, read_class_folders, read_mvtec
from steel_defect_trainer.importing.label_studio import is_label_studio, read_label_studio
from steel_defect_trainer.importing.manifests import is_manifest, read_manifest
from steel_defect_trainer.importing.xml_files import read_cvat, read_voc, root_of
from steel_defect_trainer.importing.yolo import class_file, read_yolo

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect_trainer.importing.described import Described

_FORMATS: Final = (
    "COCO, Pascal VOC, YOLO, CVAT (for images 1.1, or masks), Label Studio (JSON), Ground Truth or Lookout for Vision "
    "(manifests), MVTec AD, or a folder for each class"
)
_LINES: Final = frozenset({".manifest", ".jsonl", ".json"})
_MASK_FOLDERS: Final = frozenset({MASKS, "SegmentationObject"})
_COCO: Final = "COCO"
_VOC: Final = "Pascal VOC"
_CVAT: Final = "CVAT"
_LABEL_STUDIO: Final = "Label Studio"
_MANIFEST: Final = "a manifest"


@dataclass(frozen=True)
class Opened:
    """Labels, and the pictures that may be theirs.

    Attributes:
        kind: name of the format.
        described: what is said of each picture that is named.
        finder: of the pictures.
        listed: whether every picture is named, so that there are no others to ask about.
    """

    kind: str
    described: list[Described]
    finder: Finder
    listed: bool = False


def open_labels(source: Path, pictures: Path | None) -> Opened:
    """Read the labels in a file or a folder.

    Args:
        source: of the labels.
        pictures: folder of the pictures; None if they are beside the labels.

    Raises:
        DataError: they are of no known format or of several, or something in them cannot be read.
    """
    folder = source if source.is_dir() else source.parent
    finder = Finder([pictures or folder], without=_MASK_FOLDERS)
    if source.is_dir():
        for table in (generic.TABLE, severstal.TABLE):
            if (source / table).is_file():
                message = f"{source} has a {table}: train, split and eda read it as it is"
                raise DataError(message)
        if is_mvtec(source):
            return Opened("MVTec AD", read_mvtec(source), finder, listed=True)
        classes = class_file(source)
        if classes is not None:
            return Opened("YOLO", read_yolo(source, classes, finder.all()), finder)
    files = _files_of_labels([source] if source.is_file() else sorted(source.rglob("*")))
    if len(files) > 1:
        (one, its), (other, others) = list(files.items())[:2]
        message = f"{source} has labels of {one} ({its[0]}) and of {other} ({others[0]}); name the file of one"
        raise DataError(message)
    if source.is_dir() and (source / MASKS).is_dir():
        boxes = [read_voc(path, root_of(path)) for path in files.get(_VOC, ())]
        return Opened("masks in colours", read_colour_masks(source, boxes), finder)
    for kind, paths in files.items():
        described = [item for path in paths for item in _read(kind, path, Finder([pictures or folder]))]
        return Opened(kind, described, finder, listed=kind == _MANIFEST)
    described = read_class_folders(source) if source.is_dir() else []
    if not described:
        message = f"{source} holds no labels of a known format; these are read: {_FORMATS}"
        raise DataError(message)
    return Opened("a folder for each class", described, finder, listed=True)


def _files_of_labels(paths: list[Path]) -> dict[str, list[Path]]:
    """Name of a format to its files."""
    found: dict[str, list[Path]] = {}
    for path in paths:
        kind = _kind(path) if path.is_file() else None
        if kind is not None:
            found.setdefault(kind, []).append(path)
    return found


def _kind(path: Path) -> str | None:
    if path.suffix == ".xml":
        root = root_of(path)
        return {"annotations": _CVAT, "annotation": _VOC}.get(root.tag)
    if path.suffix in _LINES and is_manifest(path):
        return _MANIFEST
    if path.suffix == ".json":
        content = _json(path)
        return _COCO if is_coco(content) else _LABEL_STUDIO if is_label_studio(content) else None
    return None


def _read(kind: str, path: Path, finder: Finder) -> list[Described]:
    """The pictures of one file.

    Raises:
        DataError: something in it is not as this format has it.
    """
    try:
        if kind == _MANIFEST:
            return read_manifest(path, finder)
        if kind == _CVAT:
            return read_cvat(path, root_of(path))
        if kind == _VOC:
            return [read_voc(path, root_of(path))]
        return read_coco(path, _json(path)) if kind == _COCO else read_label_studio(path, _json(path))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"{path} cannot be read as {kind}: {error!r}"
        raise DataError(message) from error


def _json(path: Path) -> Any:  # noqa: ANN401 - whatever is in a file
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        message = f"{path} cannot be read: {error}"
        raise DataError(message) from error
