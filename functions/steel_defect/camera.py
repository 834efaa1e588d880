"""What a deployment, or a request, states about the camera that took a picture."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# A line-scan camera resolves hundredths of a millimetre, a view of a whole hall centimetres.
_MM_PER_PIXEL: Final = (0.001, 100.0)
_BIT_DEPTH: Final = (8, 16)
# The names under which it is stated, in a query and, in capitals, in the environment.
STATED: Final = ("mm_per_pixel", "bit_depth", "orientation")


class CameraError(ValueError):
    """A statement about the camera that cannot be true."""


class Orientation(StrEnum):
    """How the strip runs in the pictures as they are sent, Exif orientation applied."""

    AUTO = "auto"
    HORIZONTAL = "horizontal"
    VERTICAL = "vertical"


@dataclass(frozen=True)
class Camera:
    """What is stated; the rest is taken from the file, or from the model.

    Attributes:
        mm_per_pixel: millimetres of strip that a pixel covers; None if nobody says.
        bit_depth: bits a sample has, whatever the file's container has; None if nobody says.
        orientation: how the strip runs; auto takes a picture that is higher than wide for a strip that runs down it.
    """

    mm_per_pixel: float | None = None
    bit_depth: int | None = None
    orientation: Orientation = Orientation.AUTO

    def stated(self) -> dict[str, str]:
        """What is stated, as the query of a request."""
        stated = {"mm_per_pixel": self.mm_per_pixel, "bit_depth": self.bit_depth}
        query = {name: f"{value:g}" for name, value in stated.items() if value is not None}
        return query if self.orientation is Orientation.AUTO else {**query, "orientation": self.orientation.value}


def stated_camera(stated: Mapping[str, str], otherwise: Camera) -> Camera:
    """Read a camera from text: environment variables, query parameters, options.

    Args:
        stated: any of `STATED`; an empty value states nothing.
        otherwise: gives what is not stated.

    Raises:
        CameraError: names the value and what is accepted.
    """
    mm_per_pixel, bit_depth, orientation = (stated.get(name) for name in STATED)
    return Camera(
        _mm_per_pixel(mm_per_pixel) if mm_per_pixel else otherwise.mm_per_pixel,
        _bit_depth(bit_depth) if bit_depth else otherwise.bit_depth,
        _orientation(orientation) if orientation else otherwise.orientation,
    )


def _mm_per_pixel(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    low, high = _MM_PER_PIXEL
    if not low <= value <= high:  # NaN is not between anything
        message = f"mm_per_pixel is a number from {low:g} to {high:g}, not {text[:40]!r}"
        raise CameraError(message)
    return value


def _bit_depth(text: str) -> int:
    low, high = _BIT_DEPTH
    if not (text.isascii() and text.isdigit() and low <= int(text[:4]) <= high):
        message = f"bit_depth is a whole number from {low} to {high}, not {text[:40]!r}"
        raise CameraError(message)
    return int(text)


def _orientation(text: str) -> Orientation:
    try:
        return Orientation(text.lower())
    except ValueError as error:
        message = f"orientation is {', '.join(Orientation)}, not {text[:40]!r}"
        raise CameraError(message) from error
