"""Which files in a folder are pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})


def pictures_below(folder: Path, *, recursive: bool = True) -> list[Path]:
    """The pictures of a folder, sorted by path; hidden files are passed over."""
    found = folder.rglob("*") if recursive else folder.glob("*")
    return sorted(
        path for path in found if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )
