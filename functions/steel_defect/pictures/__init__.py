"""From the bytes of a file to gray pixels: what `open_picture` refuses and reads is the subject of this package."""

from __future__ import annotations

from steel_defect.pictures.frames import Depth
from steel_defect.pictures.source import Page, PictureSource, open_picture

__all__ = ["Depth", "Page", "PictureSource", "open_picture"]
