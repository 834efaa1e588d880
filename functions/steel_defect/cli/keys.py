"""Under which keys files go into a bucket: their paths below the folder that all that was named has in common."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from steel_defect.cli.find import find_pictures

if TYPE_CHECKING:
    from collections.abc import Iterable


def keys_of(arguments: Iterable[str]) -> dict[Path, str]:
    """Each picture that the arguments mean, in order, and its key. Two files never have the same key.

    A folder `line-3` gives `a.jpg`; the folders `line-3` and `line-4` give `line-3/a.jpg` and `line-4/a.jpg`; a file
    gives its name.

    Raises:
        click.BadParameter: as `find_pictures`.
    """
    roots: set[Path] = set()
    absolute: dict[Path, Path] = {}
    for argument in arguments:
        found = {path: _absolute(path) for path in find_pictures([argument])}
        folder = Path(argument)
        roots.update([_absolute(folder)] if folder.is_dir() else (path.parent for path in found.values()))
        absolute.update(found)
    top = os.path.commonpath(roots)
    keys: dict[Path, str] = {}
    known: set[Path] = set()
    for path, whole in absolute.items():
        if whole not in known:  # Named in two ways.
            keys[path] = whole.relative_to(top).as_posix()
            known.add(whole)
    return keys


def _absolute(path: Path) -> Path:
    """Whole and without `..`, but through links: the user sees their names."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute keeps `..`, and Path.resolve follows links
