"""Which files in a folder are pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steel_defect.pictures.formats import PICTURE_SUFFIXES

if TYPE_CHECKING:
    from pathlib import Path


def pictures_below(folder: Path) -> list[Path]:
    """The pictures in a folder and all below it, sorted by path; hidden files are left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".") and path.is_file()
    )
