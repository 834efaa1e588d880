"""Finds the pictures that labels name: tools write paths of other machines, of buckets, or bare names."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from steel_defect_trainer.data.pictures import pictures_below
from steel_defect_trainer.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

# What Label Studio puts before the names of uploaded files.
_UPLOADED: Final = re.compile(r"^[0-9a-f]{8}-(?=.)")


class Finder:
    """The pictures of some folders, found by the end of a path.

    A name fits a file if one of the two paths ends with the other; if none does, a file of this name alone fits if no
    other has it.
    """

    def __init__(self, folders: Iterable[Path], without: frozenset[str] = frozenset()) -> None:
        """List all pictures below the folders, but not those in folders of these names, which hold masks."""
        self._by_name: dict[str, list[tuple[Path, tuple[str, ...]]]] = defaultdict(list)
        self._paths: set[Path] = set()
        self.folders = tuple(dict.fromkeys(folders))
        for folder in self.folders:
            for path in pictures_below(folder):
                own = path.relative_to(folder)
                if without & set(own.parts) or path in self._paths:
                    continue
                self._paths.add(path)
                # Some tools leave out the suffix.
                for named in (own, own.with_suffix("")):
                    self._by_name[named.name].append((path, named.parts))

    def all(self) -> list[Path]:
        """Every picture, sorted."""
        return sorted(self._paths)

    def find(self, name: str, where: str, beside: Path | None = None) -> Path | None:
        """The picture of a name, or None.

        Args:
            name: as labels have it.
            where: for errors.
            beside: folder of the labels; of several pictures that fit, the one nearest to it is meant.

        Raises:
            DataError: several fit equally well.
        """
        for parts in _spellings(name):
            fitting = self._by_name.get(parts[-1], [])
            whole = [(path, own) for path, own in fitting if _ends_with(own, parts) or _ends_with(parts, own)]
            longest = max((min(len(own), len(parts)) for _, own in whole), default=0)
            found = [path for path, own in whole if min(len(own), len(parts)) == longest] or [
                path for path, _ in fitting
            ]
            if beside is not None:
                nearest = max((_shared(path, beside) for path in found), default=0)
                found = [path for path in found if _shared(path, beside) == nearest]
            if len(found) > 1:
                message = (
                    f"{where}: {name} may be {found[0]} or {found[1]}; name the folder of the pictures with "
                    "--pictures, or move what is not meant"
                )
                raise DataError(message)
            if found:
                return found[0]
        return None


def _ends_with(path: tuple[str, ...], end: tuple[str, ...]) -> bool:
    return path[-len(end) :] == end


def _shared(path: Path, folder: Path) -> int:
    """How many folders from the root on are the same."""
    return len(Path(os.path.commonpath([path.absolute(), folder.absolute()])).parts)


def _spellings(name: str) -> list[tuple[str, ...]]:
    """The parts of a path as it is written, decoded, and without what a tool added."""
    path = name.partition("?d=")[2] or name
    spelt = []
    for text in (path, unquote(path)):
        parts = tuple(part for part in text.replace("\\", "/").split("/") if part and part != ".")
        if parts:
            spelt += [parts, (*parts[:-1], _UPLOADED.sub("", parts[-1]))]
    return list(dict.fromkeys(spelt))
