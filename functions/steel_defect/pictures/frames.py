"""What the readers of the formats have in common: frames, depth, gray pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

# Of one file; all its pages together have the pixels that one may have.
MAX_PAGES: Final = 64
# Pixels that are converted at a time, so that wide intermediate values take megabytes and not hundreds of them.
_BAND_PIXELS: Final = 1 << 19


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


EIGHT_BITS: Final = Depth(8, "file")


@dataclass(frozen=True)
class Frame:
    """One frame as the file stores it.

    Attributes:
        width: in pixels.
        height: in pixels.
        turn: the Exif orientation that makes it upright, 1 to 8.
    """

    width: int
    height: int
    turn: int = 1


@dataclass(frozen=True)
class Gray:
    """A decoded frame, not turned yet: uint8 of shape (rows, columns), 0 is black."""

    pixels: NDArray[np.uint8]
    depth: Depth = EIGHT_BITS


class Reader(Protocol):
    """One format's way to the pixels of a file whose header was read."""

    @property
    def frames(self) -> tuple[Frame, ...]:
        """All that count."""
        ...

    def decode(self, index: int, at_least: tuple[int, int] | None) -> Gray:
        """One frame, reduced if the format can do that to no less than `at_least` stored (rows, columns).

        Raises:
            SteelDefectError: says which kind is not read, or what is damaged.
            Exception: whatever a decoder raises for damaged bytes.
        """
        ...


def bands(rows: int, columns: int) -> Iterator[slice]:
    """The rows of a picture in bands of a bounded number of pixels."""
    step = max(1, _BAND_PIXELS // max(1, columns))
    for first in range(0, rows, step):
        yield slice(first, min(rows, first + step))
