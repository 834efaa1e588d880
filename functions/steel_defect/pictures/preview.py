"""A page of a picture as a small JPEG, for who cannot show the file itself: browsers show no TIFF."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO
from math import sqrt
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from steel_defect.pictures.views import resized

if TYPE_CHECKING:
    from steel_defect.pictures.source import PictureSource

# A strip of 2,500 x 400 is shown to its pixel; what is larger is scaled down.
MAX_PIXELS: Final = 1_000_000
_QUALITY: Final = 85


@dataclass(frozen=True)
class Preview:
    """A small picture of one page.

    Attributes:
        jpeg: bytes of a gray JPEG, upright.
        width: in its own pixels; with `height` at most `MAX_PIXELS`.
        height: the same.
    """

    jpeg: bytes
    width: int
    height: int

    def as_json(self) -> dict[str, Any]:
        """As `Answer.preview` in openapi.json describes it."""
        return {"jpeg": b64encode(self.jpeg).decode("ascii"), "width": self.width, "height": self.height}


def preview_of(source: PictureSource, index: int) -> Preview:
    """The whole of a page, which is read once more for it.

    Args:
        source: an open picture.
        index: of its page, from 0.

    Raises:
        DamagedImage: the page cannot be decoded to its end.
    """
    page = source.pages[index]
    scale = min(1.0, sqrt(MAX_PIXELS / (page.width * page.height)))
    width, height = max(1, int(page.width * scale)), max(1, int(page.height * scale))
    gray = resized(source.read(index, (height, width)), height, width)
    buffer = BytesIO()
    Image.fromarray(gray).save(buffer, "JPEG", quality=_QUALITY)
    return Preview(buffer.getvalue(), width, height)
