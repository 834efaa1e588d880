"""SageMaker Ground Truth's manifests, which Lookout for Vision read too: a line of JSON for each picture."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from steel_defect_trainer.data.label_words import is_clean, is_defect
from steel_defect_trainer.errors import DataError
from steel_defect_trainer.importing.colour_masks import by_colour
from steel_defect_trainer.importing.described import Box, Described, Mark

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect_trainer.importing.finding import Finder

_METADATA: Final = "-metadata"
_KINDS: Final = "groundtruth/"
_BACKGROUND: Final = "background"


def is_manifest(path: Path) -> bool:
    """Whether the first line of a file is that of a manifest."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            first = json.loads(file.readline())
    except (OSError, ValueError):
        return False
    return isinstance(first, dict) and "source-ref" in first


def read_manifest(path: Path, finder: Finder) -> list[Described]:
    """The pictures of a manifest, with the masks that it names.

    Args:
        path: of the manifest.
        finder: of the masks; they are in a bucket, and have to be copied beside.

    Raises:
        DataError: a line cannot be read, a mask is missing, or a class contradicts its mask.
    """
    described = []
    for row, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if line.strip():
            where = f"{path}, row {row}"
            try:
                described.append(_read(json.loads(line), where, finder))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                message = f"{where} cannot be read: {error!r}"
                raise DataError(message) from error
    return described


def _read(entry: dict[str, Any], where: str, finder: Finder) -> Described:
    words: list[str] = []
    marks: list[Mark] = []
    void, size, said = None, None, False
    for key, metadata in entry.items():
        if not key.endswith(_METADATA) or not isinstance(metadata, dict) or "failure-reason" in metadata:
            continue
        kind, value = str(metadata.get("type", "")).removeprefix(_KINDS), entry.get(key.removesuffix(_METADATA))
        if value is None:
            continue
        said = True
        if kind == "image-classification":
            words.append(str(metadata["class-name"]))
        elif kind == "image-classification-multilabel":
            words += [str(metadata["class-map"][str(number)]) for number in value]
        elif kind == "object-detection":
            (of,) = value["image_size"]
            size = (int(of["height"]), int(of["width"]))
            marks += [Mark(str(metadata["class-map"][str(box["class_id"])]), _box(box)) for box in value["annotations"]]
        elif kind == "semantic-segmentation":
            drawn = _mask(str(value), metadata["internal-color-map"], where, finder)
            marks += drawn.marks
            void = drawn.void
        else:
            message = f"{where}: labels of type {metadata.get('type')!r} are not read"
            raise DataError(message)
    clean = [word for word in words if is_clean(word)]
    if clean and marks:
        message = f"{where}: {entry['source-ref']} is {clean[0]}, and its mask or boxes show {marks[0].label}"
        raise DataError(message)
    # "anomaly" says nothing beside the names of what is drawn.
    marks += [Mark(word) for word in words if not is_clean(word) and not (marks and is_defect(word))]
    return Described(str(entry["source-ref"]), where, size, tuple(marks), said and not marks, void)


def _box(box: dict[str, Any]) -> Box:
    left, top = float(box["left"]), float(box["top"])
    return Box(left, top, left + float(box["width"]), top + float(box["height"]))


def _mask(reference: str, colours: dict[str, dict[str, Any]], where: str, finder: Finder) -> Described:
    path = finder.find(reference, where)
    if path is None:
        message = f"{where}: the mask {reference} is not in {' or '.join(map(str, finder.folders))}; copy it there"
        raise DataError(message)
    named = {int(entry["hex-color"].removeprefix("#"), 16): str(entry["class-name"]) for entry in colours.values()}
    ground = {colour for colour, name in named.items() if name.casefold() == _BACKGROUND}
    return by_colour(path, named, void=set(), background=ground or {0xFFFFFF}, table=f"the colour map of {where}")
