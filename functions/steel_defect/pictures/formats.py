"""The formats that are read, told apart by a file's first bytes. Loads neither NumPy nor Pillow."""

from __future__ import annotations

from typing import Final

FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
# What the names of files in these formats end in.
PICTURE_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
# How many of the first bytes tell the format.
SIGNATURE_BYTES: Final = 16
_STARTS: Final = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),  # BigTIFF
    (b"MM\x00+", "TIFF"),
)


def format_of(start: bytes) -> str | None:
    """One of `FORMATS`, by the first `SIGNATURE_BYTES` of a file; None if it is none of them."""
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    return next((name for signature, name in _STARTS if start.startswith(signature)), None)
