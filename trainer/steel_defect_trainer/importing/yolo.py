"""YOLO: a text file for each picture, with a line for each box or polygon in shares of the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import yaml

from steel_defect_trainer.data.sizes import upright_size
from steel_defect_trainer.errors import DataError
from steel_defect_trainer.importing.areas import polygon
from steel_defect_trainer.importing.described import Box, Described, Mark

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from steel_defect_trainer.importing.described import Area

_NO_LABELS: Final = frozenset({"classes", "obj", "train", "val", "valid", "test", "labels", "readme", "requirements"})
_BOX_NUMBERS: Final = 4


def class_file(folder: Path) -> Path | None:
    """The file that names the classes: `data.yaml`, `obj.names` or `classes.txt`; None if there is none."""
    yamls = [path for path in sorted(folder.glob("*.y*ml")) if "names" in _yaml(path)]
    names = [*yamls, *sorted(folder.glob("*.names")), *folder.glob("classes.txt"), *folder.glob("labels/classes.txt")]
    return names[0] if names else None


def read_yolo(folder: Path, classes: Path, pictures: Sequence[Path]) -> list[Described]:
    """The labels of all pictures. An empty file says that a picture is clean; none says nothing.

    Args:
        folder: of the labels.
        classes: see `class_file`.
        pictures: in it, or elsewhere.

    Raises:
        DataError: a line cannot be read, or labels are of no picture.
    """
    names = _names(classes)
    files = {
        path: path.relative_to(folder).with_suffix("").parts
        for path in sorted(folder.rglob("*.txt"))
        if path.stem.lower() not in _NO_LABELS and not path.name.lower().startswith("readme")
    }
    by_stem: dict[str, list[Path]] = {}
    for path in files:
        by_stem.setdefault(path.stem, []).append(path)
    described, used = [], set()
    for picture in pictures:
        label = _label_file(picture, by_stem.get(picture.stem, []))
        if label is not None:
            used.add(label)
            described.append(_read(label, picture, names))
    alone = [path for path in files if path not in used]
    if alone:
        message = (
            f"{alone[0]} has labels of no picture in {folder} ({len(alone)} such files); name the folder of the "
            "pictures with --pictures"
        )
        raise DataError(message)
    return described


def _label_file(picture: Path, candidates: list[Path]) -> Path | None:
    """The file whose path is most like the picture's, with labels/ in place of images/."""
    wanted = tuple("labels" if part == "images" else part for part in picture.with_suffix("").parts)

    def alike(path: Path) -> tuple[bool, int]:
        parts = path.with_suffix("").parts
        same = 0
        while same < min(len(parts), len(wanted)) and parts[-1 - same] == wanted[-1 - same]:
            same += 1
        return path.parent == picture.parent, same

    return max(candidates, key=alike, default=None)


def _read(path: Path, picture: Path, names: dict[int, str]) -> Described:
    size = upright_size(picture)
    marks = []
    for row, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        where = f"{path}, row {row}"
        try:
            number, *numbers = (float(word) for word in line.split())
        except ValueError as error:
            message = f"{where}: expected a class and numbers, found {line!r}"
            raise DataError(message) from error
        if number not in names:
            message = f"{where}: there is no class {number:g}; the classes are {_listed(names)}"
            raise DataError(message)
        if len(numbers) != _BOX_NUMBERS and (len(numbers) < 6 or len(numbers) % 2):  # noqa: PLR2004 - three corners
            message = (
                f"{where}: a line has a class and four numbers of a box, or x and y of at least three corners; found "
                f"{len(numbers)} numbers (with a sixth value it is what a network predicted, not a label)"
            )
            raise DataError(message)
        if any(not -0.01 <= value <= 1.01 for value in numbers):  # noqa: PLR2004 - a little outside, by rounding
            message = f"{where}: numbers are shares of the picture from 0 to 1; found {line!r}"
            raise DataError(message)
        place = _place(numbers, size)
        marks.append(Mark(names[int(number)], place, partial=place is None))
    return Described(str(picture), str(path), size, tuple(marks), says_clean=not marks)


def _place(numbers: list[float], size: tuple[int, int]) -> Area | Box | None:
    height, width = size
    if len(numbers) == _BOX_NUMBERS:
        x, y, across, down = numbers
        return Box((x - across / 2) * width, (y - down / 2) * height, (x + across / 2) * width, (y + down / 2) * height)
    return polygon([value * (height if index % 2 else width) for index, value in enumerate(numbers)])


def _names(path: Path) -> dict[int, str]:
    if path.suffix in {".yaml", ".yml"}:
        names = _yaml(path)["names"]
        return (
            dict(enumerate(names)) if isinstance(names, list) else {int(key): str(name) for key, name in names.items()}
        )
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    return {number: line.strip() for number, line in enumerate(lines) if line.strip()}


def _yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read: {error}"
        raise DataError(message) from error
    return content if isinstance(content, dict) else {}


def _listed(names: dict[int, str]) -> str:
    return ", ".join(f"{number} {name}" for number, name in names.items())
