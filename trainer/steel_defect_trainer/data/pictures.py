"""Which files in a folder are pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steel_defect.image import PICTURE_SUFFIXES

if TYPE_CHECKING:
    from pathlib import Path


def pictures_below(folder: Path, *, recursive: bool = True) -> list[Path]:
    """The pictures of a folder, sorted by path; hidden files are passed over."""
    found = folder.rglob("*") if recursive else folder.glob("*")
    return sorted(
        path
        for path in found
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".") and path.is_file()
    )
