"""Reads the picture of a mask as its tool meant it: levels, colours, a palette, or a shape in the alpha channel."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from steel_defect_trainer.errors import MaskError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

TRANSPARENT: Final = -1
BLACK: Final = 0
WHITE: Final = 0xFFFFFF
_OPAQUE: Final = 255
_ORIENTATION: Final = 0x0112
_LYING: Final = 5
# WebP and JPEG 2000 need not be, but nothing says when they are.
_LOSSY: Final = frozenset({"JPEG", "MPO", "JPEG2000", "WEBP", "AVIF"})


@dataclass(frozen=True)
class MaskPixels:
    """A mask of height x width pixels.

    Attributes:
        levels: int32 (height, width), gray or index of the palette; None if the mask has colours alone.
        colours: int32 (height, width), 0xRRGGBB or `TRANSPARENT`; None if it is gray.
        indexed: whether the levels are those of a palette in colour.
        lossy: whether the format changes levels, so that they cannot be numbers of classes.
    """

    levels: NDArray[np.int32] | None
    colours: NDArray[np.int32] | None
    indexed: bool
    lossy: bool

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width = (self.colours if self.levels is None else self.levels).shape  # type: ignore[union-attr]  # one is there
        return height, width


def brightness_of(colours: NDArray[np.int32]) -> NDArray[np.int32]:
    """The brightest channel of each colour, int32; 0 where transparent."""
    known = np.maximum(colours, 0)
    brightest: NDArray[np.int32] = np.maximum(np.maximum(known >> 16, known >> 8 & 0xFF), known & 0xFF)
    return brightest


def read_mask(path: Path) -> MaskPixels:
    """Read a mask in any format and mode that Pillow reads.

    Raises:
        MaskError: it cannot be read, has several pages or no whole numbers, or what is transparent and what is black
            cannot both be background.
    """
    try:
        with Image.open(path) as image:
            if getattr(image, "n_frames", 1) > 1:
                message = "has several pages; write one file for each class"
                raise MaskError(message)
            return _read(image)
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}"
        raise MaskError(message) from error
    except (SyntaxError, ValueError, Image.DecompressionBombError) as error:
        message = f"cannot be read: {error}"
        raise MaskError(message) from error


def _read(image: Image.Image) -> MaskPixels:
    lossy = image.format in _LOSSY
    if image.has_transparency_data:
        with_alpha = np.asarray(image.convert("RGBA")).astype(np.int32)
        alpha = with_alpha[..., 3]
        if alpha.max() < _OPAQUE / 2 and alpha.min() == alpha.max():
            message = "is transparent all over"
            raise MaskError(message)
        levels = np.asarray(image).astype(np.int32) if image.mode == "P" else None
        return _with_alpha(levels, _packed(with_alpha), alpha > alpha.max() / 2, lossy=lossy)
    if image.mode == "P":
        return _indexed(np.asarray(image).astype(np.int32), _packed(np.asarray(image.convert("RGB")).astype(np.int32)))
    if image.mode == "1":
        return MaskPixels(np.asarray(image).astype(np.int32) * 255, None, indexed=False, lossy=lossy)
    if image.mode.startswith(("L", "I", "F")) and image.mode != "LAB":
        return MaskPixels(_whole(np.asarray(image)), None, indexed=False, lossy=lossy)
    return _coloured(_packed(np.asarray(image.convert("RGB")).astype(np.int32)), lossy=lossy)


def _whole(values: NDArray[np.generic]) -> NDArray[np.int32]:
    numbers = values.astype(np.float64)
    if not np.isfinite(numbers).all() or (numbers != np.floor(numbers)).any() or numbers.min() < 0:
        message = "has levels that are no whole numbers from 0; save it with 8 bits"
        raise MaskError(message)
    return values.astype(np.int32)


def _with_alpha(
    levels: NDArray[np.int32] | None, colours: NDArray[np.int32], opaque: NDArray[np.bool_], *, lossy: bool
) -> MaskPixels:
    """Transparent pixels are background, and where none are, alpha says nothing."""
    if levels is not None and (opaque.all() or np.array_equal(levels != 0, opaque)):
        return _indexed(levels, colours) if opaque.all() else MaskPixels(levels, colours, indexed=True, lossy=lossy)
    return _coloured(colours, lossy=lossy) if opaque.all() else _cut_out(colours, opaque, lossy=lossy)


def _packed(channels: NDArray[np.int32]) -> NDArray[np.int32]:
    packed: NDArray[np.int32] = channels[..., 0] << 16 | channels[..., 1] << 8 | channels[..., 2]
    return packed


def _is_gray(colours: NDArray[np.int32]) -> bool:
    used = np.unique(colours)
    return bool((used >= 0).all() and (used == (used & 0xFF) * 0x010101).all())


def _coloured(colours: NDArray[np.int32], *, lossy: bool) -> MaskPixels:
    if _is_gray(colours):
        return MaskPixels(colours & 0xFF, None, indexed=False, lossy=lossy)
    return MaskPixels(None, colours, indexed=False, lossy=lossy)


def _indexed(levels: NDArray[np.int32], colours: NDArray[np.int32]) -> MaskPixels:
    """A palette: black and white are what they look like, and in a palette in colour 0 is the background.

    Programs that make files small order palettes as they like; whether 0 is black or white gives them away.
    """
    if _is_gray(colours) and len(np.unique(colours)) <= 2:  # noqa: PLR2004 - black and white
        return MaskPixels(colours & 0xFF, None, indexed=False, lossy=False)
    background = np.unique(colours[levels == 0])
    plain = background.size == 1 and int(background[0]) in {BLACK, WHITE}
    return MaskPixels(levels if plain else None, colours, indexed=plain, lossy=False)


def _cut_out(colours: NDArray[np.int32], opaque: NDArray[np.bool_], *, lossy: bool) -> MaskPixels:
    """A mask with transparent pixels, which are its background: one colour is a shape, several are classes."""
    used = np.unique(colours[opaque])
    if used.size == 1:
        return MaskPixels(np.where(opaque, 255, 0).astype(np.int32), None, indexed=False, lossy=lossy)
    if BLACK in used:
        message = (
            "has black pixels and transparent ones, and it is not clear which are background; save it without alpha"
        )
        raise MaskError(message)
    if _is_gray(used):
        return MaskPixels(np.where(opaque, colours & 0xFF, 0).astype(np.int32), None, indexed=False, lossy=lossy)
    return MaskPixels(None, np.where(opaque, colours, TRANSPARENT).astype(np.int32), indexed=False, lossy=lossy)


def picture_size(path: Path) -> tuple[int, int] | None:
    """Height and width of a picture as it is seen upright, without decoding it; None if that needs more."""
    with suppress(OSError, SyntaxError, ValueError, Image.DecompressionBombError), Image.open(path) as image:
        if image.format in {"JPEG", "BMP"}:
            lying = image.getexif().get(_ORIENTATION, 1) >= _LYING
            return (image.width, image.height) if lying else (image.height, image.width)
        if image.format == "PNG" and "exif" not in image.info:
            return image.height, image.width
    return None


def check_size(mask: tuple[int, int], picture: tuple[int, int]) -> None:
    """Make sure that a mask has the height and width of its picture.

    Raises:
        MaskError: it has not.
    """
    if mask != picture:
        message = (
            f"has {mask[1]} x {mask[0]} pixels, its picture {picture[1]} x {picture[0]}; "
            "a mask is as large as its picture"
        )
        raise MaskError(message)
