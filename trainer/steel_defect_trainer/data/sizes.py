"""The sizes of pictures as they are seen upright, which is how labels are drawn and networks see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steel_defect.contract import InputSpec
from steel_defect.errors import SteelDefectError
from steel_defect.image import decode
from steel_defect_trainer.data.mask_pixels import picture_size
from steel_defect_trainer.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


def upright_size(path: Path) -> tuple[int, int]:
    """Height and width; only some formats have to be decoded for it.

    Raises:
        DataError: the file is no picture.
    """
    size = picture_size(path)
    if size is not None:
        return size
    try:
        decoded = decode(path.read_bytes(), InputSpec())
    except OSError as error:
        message = f"picture {path} cannot be read: {error.strerror or error}"
        raise DataError(message) from error
    except SteelDefectError as error:
        message = f"picture {path}: {error}"
        raise DataError(message) from error
    return decoded.height, decoded.width
