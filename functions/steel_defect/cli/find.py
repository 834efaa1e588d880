"""The pictures that a command line names: files, folders (searched through) and patterns."""

from __future__ import annotations

from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from steel_defect.errors import SteelDefectError
from steel_defect.pictures.formats import PICTURE_SUFFIXES, SIGNATURE_BYTES, format_of

if TYPE_CHECKING:
    from collections.abc import Iterable


# Of files that are passed over, so many are named.
_NAMED: Final = 10


class UnreadableFile(SteelDefectError):
    """A file on this machine cannot be read."""

    slug = "unreadable-file"
    title = "Unreadable file"


def find_pictures(arguments: Iterable[str]) -> list[Path]:
    """The files that the arguments name, each once, in the order of the arguments and by name within each.

    What is passed over in folders is named on stderr.

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
    """The files whose content or name is that of a picture; others are named on stderr, hidden ones are counted.

    A file that is named by itself is tried whatever it is. One whose name alone is that of a picture is tried, too: it
    may be a damaged one, which nobody should miss.
    """
    there = sorted(path for path in folder.rglob("*") if path.is_file())
    files = [path for path in there if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    found = [path for path in files if path.suffix.lower() in PICTURE_SUFFIXES or _is_picture(path)]
    chosen = set(found)
    passed_over = [str(path.relative_to(folder)) for path in files if path not in chosen]
    if passed_over:
        names = passed_over[:_NAMED] + [f"{len(passed_over) - _NAMED} more"] * (len(passed_over) > _NAMED)
        count = "1 file" if len(passed_over) == 1 else f"{len(passed_over)} files"
        click.echo(f"{folder}: {count} passed over, no pictures by content or name: {', '.join(names)}", err=True)
    hidden = sum(path.suffix.lower() in PICTURE_SUFFIXES or _is_picture(path) for path in set(there) - set(files))
    if hidden:
        click.echo(f"{folder}: {hidden} hidden picture{'s' if hidden > 1 else ''} passed over", err=True)
    return found


def _is_picture(path: Path) -> bool:
    """Tell it by the first bytes; a file that cannot be read is not known to be one."""
    try:
        with path.open("rb") as file:
            return format_of(file.read(SIGNATURE_BYTES)) is not None
    except OSError:
        return False
