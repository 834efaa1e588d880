"""A picture that is opened but not decoded: its format, its pages and their sizes, and a way to read one page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, Self

from steel_defect.errors import EmptyBody, too_many_bytes

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Page:
    """One page of a file as it is seen upright, in its own pixels."""

    width: int
    height: int


@dataclass(frozen=True)
class Depth:
    """How many bits a sample of the camera has, and who says so.

    Attributes:
        bits: the sample 2**bits - 1 is white.
        origin: "stated" by the caller, "file" if the file says it or has no room for another depth, "estimate" if it
            was judged from the samples.
    """

    bits: int
    origin: Literal["stated", "file", "estimate"]


class PictureSource(Protocol):
    """A picture whose header was read and whose limits were checked; nothing is decoded yet. A context manager.

    Attributes:
        format: one of `formats.FORMATS`.
        pages: all pages that count; thumbnails do not.
    """

    @property
    def format(self) -> str: ...  # noqa: D102 - see Attributes

    @property
    def pages(self) -> tuple[Page, ...]: ...  # noqa: D102 - see Attributes

    @property
    def depth(self) -> Depth | None:
        """Of the page that was read last; None before the first."""
        ...

    def read(self, page: int, at_least: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """Decode one page to gray, uint8 of shape (rows, columns), upright; 0 is black.

        Args:
            page: its index in `pages`.
            at_least: rows and columns; the result may be a reduced picture that is no smaller than this in either.

        Raises:
            DamagedImage: the header is good, the rest is not.
        """
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...

    def __enter__(self) -> Self: ...  # noqa: D105 - a context manager

    def __exit__(  # noqa: D105 - a context manager
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_picture(data: bytes, *, max_bytes: int, max_pixels: int, bit_depth: int | None = None) -> PictureSource:
    """Read the header of a picture and check it against the limits.

    Args:
        data: the bytes of one file.
        max_bytes: refuse more.
        max_pixels: refuse more in all pages together.
        bit_depth: of the camera, where it is known; it overrules what the file says.

    Raises:
        EmptyBody: no bytes.
        TooManyBytes: more than `max_bytes`.
        TooManyPixels: the header promises more than `max_pixels`; nothing was decoded.
        NotAnImage: not one of `formats.FORMATS`, judged by content, or of a kind that is not read.
    """
    from steel_defect.pictures.pillow import PillowSource

    if not data:
        message = "there are no bytes to decode: send the picture itself"
        raise EmptyBody(message)
    if len(data) > max_bytes:
        raise too_many_bytes(max_bytes, len(data))
    return PillowSource(data, max_pixels, bit_depth)
