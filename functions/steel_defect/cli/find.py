"""The pictures that a command line names: files, folders (searched through) and patterns."""

from __future__ import annotations

from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING

import click

from steel_defect.errors import SteelDefectError

if TYPE_CHECKING:
    from collections.abc import Iterable


class UnreadableFile(SteelDefectError):
    """A file on this machine cannot be read."""

    slug = "unreadable-file"
    title = "Unreadable file"


def find_pictures(arguments: Iterable[str]) -> list[Path]:
    """The files that the arguments name, each once, in the order of the arguments and by name within each.

    Raises:
        click.BadParameter: an argument names no file.
    """
    found: dict[Path, None] = {}
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            matches = _pictures_below(path)
        elif path.exists() or not has_magic(argument):
            matches = [path]
        else:
            hits = [Path(hit) for hit in sorted(glob(argument, recursive=True))]  # noqa: PTH207 - absolute patterns too
            matches = [file for hit in hits for file in (_pictures_below(hit) if hit.is_dir() else [hit])]
        if not matches:
            reason = "has no pictures in it" if path.is_dir() else "matches no file"
            message = f"{argument} {reason}"
            raise click.BadParameter(message)
        if not path.exists() and matches == [path]:
            message = f"{argument} does not exist"
            raise click.BadParameter(message)
        found.update(dict.fromkeys(matches))
    return list(found)


def read_picture(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        UnreadableFile: says why.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"the file cannot be read: {error.strerror or error}"
        raise UnreadableFile(message) from error


def _pictures_below(folder: Path) -> list[Path]:
    """The files whose names end as those of pictures; a file that is named by itself is tried whatever its name."""
    from steel_defect.pictures.formats import PICTURE_SUFFIXES

    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file())
