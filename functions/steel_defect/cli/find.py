"""Which pictures a command line means: files, folders (searched through) and patterns."""

from __future__ import annotations

from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from steel_defect.errors import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterable

# In a folder, what has another name is passed over; a file that is named outright is always tried.
PICTURE_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})


def find_pictures(arguments: Iterable[str]) -> list[Path]:
    """The files that the arguments mean, each once, in the order of the arguments and by name within each.

    Raises:
        click.BadParameter: an argument means no file at all.
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
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file())
