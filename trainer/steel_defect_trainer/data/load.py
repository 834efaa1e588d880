"""Pictures decoded once, into a file that every epoch and every process maps into memory."""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect.errors import SteelDefectError
from steel_defect.image import Picture, decode
from steel_defect_trainer.data.cache import cached
from steel_defect_trainer.data.faults import with_all_faults
from steel_defect_trainer.errors import DataError
from steel_defect_trainer.strips import CELL, FIELD, UNKNOWN, StripSet

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from steel_defect.contract import InputSpec
    from steel_defect_trainer.data.dataset import DataSet, LabelledPicture

# Changes if the cache holds something else for the same files.
_FORMAT: Final = 2


def load(dataset: DataSet, spec: InputSpec, cache: Path) -> StripSet:
    """All pictures of a data set as the model's input, with their labels.

    Decodes in parallel the first time; later, and in other processes, it maps what is in `cache`. A picture, a mask, a
    label or a part of `spec` that changed is noticed by the files' sizes and times, and decoded anew. The pixels are
    mapped copy-on-write, and the masks to read only: the pixels can be changed in memory, and the file does not change.

    Raises:
        DataError: a picture or a mask cannot be used, or the cache cannot be written.
    """
    if not dataset.present:
        message = f"{dataset.folder} has labels but no pictures"
        raise DataError(message)
    folder = cached(cache, _key(dataset, spec), lambda partial: _decode_all(dataset, spec, partial))
    return StripSet(
        np.load(folder / "pixels.npy", mmap_mode="c"),
        _classes(dataset),
        np.load(folder / "cells.npy"),
        np.load(folder / "masks.npy", mmap_mode="r"),
        tuple(picture.name for picture in dataset.pictures),
        tuple(picture.group for picture in dataset.pictures),
        json.loads((folder / "digest.json").read_text()),
    )


def _key(dataset: DataSet, spec: InputSpec) -> str:
    digest = hashlib.sha256(dataset.files_key().encode())
    digest.update(json.dumps([_FORMAT, asdict(spec), dataset.class_names]).encode())
    for picture in dataset.pictures:
        masks = {number: mask.key() for number, mask in sorted(picture.masks.items())}
        digest.update(json.dumps([sorted(picture.classes), masks]).encode())
    return digest.hexdigest()[:32]


def _classes(dataset: DataSet) -> NDArray[np.float32]:
    classes = np.zeros((len(dataset), len(dataset.class_names)), np.float32)
    for row, picture in enumerate(dataset.pictures):
        classes[row, list(picture.classes)] = 1
    return classes


def _decode_all(dataset: DataSet, spec: InputSpec, folder: Path) -> None:
    """Write all arrays row by row. Not through a map: if the disk is full, a map ends the whole process."""
    count, classes = len(dataset), len(dataset.class_names)
    digest = hashlib.sha256()

    def one(picture: LabelledPicture) -> tuple[NDArray[np.uint8], NDArray[np.int8], NDArray[np.int8], bytes]:
        data, decoded = read_picture(dataset, picture, spec)
        label = json.dumps(sorted(picture.classes)).encode()
        its_cells, its_masks = _cells(dataset, picture, decoded, spec), _masks(dataset, picture, decoded, spec)
        return decoded.pixels, its_cells, its_masks, hashlib.sha256(data + label).digest()

    with ExitStack() as files:
        pixels = files.enter_context((folder / "pixels.npy").open("wb"))
        cells = files.enter_context((folder / "cells.npy").open("wb"))
        masks = files.enter_context((folder / "masks.npy").open("wb"))
        _header(pixels, np.uint8, (count, spec.height, spec.width))
        _header(cells, np.int8, (count, classes, spec.height // CELL, spec.width // CELL))
        _header(masks, np.int8, (count, classes, spec.height // FIELD, spec.width // FIELD))
        for its_pixels, its_cells, its_masks, its_digest in with_all_faults("decoding", dataset.pictures, one):
            pixels.write(its_pixels.tobytes())
            cells.write(its_cells.tobytes())
            masks.write(its_masks.tobytes())
            digest.update(its_digest)
    (folder / "digest.json").write_text(json.dumps(digest.hexdigest()))


def _header(file: BinaryIO, dtype: type[np.generic], shape: tuple[int, ...]) -> None:
    description = np.lib.format.dtype_to_descr(np.dtype(dtype))
    np.lib.format.write_array_header_1_0(file, {"descr": description, "fortran_order": False, "shape": shape})


def read_picture(dataset: DataSet, picture: LabelledPicture, spec: InputSpec) -> tuple[bytes, Picture]:
    """The bytes of one picture, and what they decode to.

    Raises:
        DataError: it cannot be read or decoded, or has another size than the data set's pictures have.
    """
    path = dataset.folder / picture.name
    try:
        data = path.read_bytes()
        decoded = decode(data, spec)
    except OSError as error:
        message = f"picture {path} cannot be read: {error.strerror or error}"
        raise DataError(message) from error
    except SteelDefectError as error:
        message = f"picture {path}: {error}"
        raise DataError(message) from error
    if dataset.size is not None and (decoded.height, decoded.width) != dataset.size:
        message = (
            f"picture {path} has {decoded.width} x {decoded.height} pixels; "
            f"those of this data set have {dataset.size[1]} x {dataset.size[0]}"
        )
        raise DataError(message)
    return data, decoded


def _cells(dataset: DataSet, picture: LabelledPicture, decoded: Picture, spec: InputSpec) -> NDArray[np.int8]:
    shape = (len(dataset.class_names), spec.height // CELL, spec.width // CELL)
    cells = np.zeros(shape, np.int8)
    for number in picture.classes:
        mask = picture.masks.get(number)
        size = decoded.height, decoded.width
        cells[number] = UNKNOWN if mask is None else mask.cells(size, decoded.content, spec)
    return cells


def _masks(dataset: DataSet, picture: LabelledPicture, decoded: Picture, spec: InputSpec) -> NDArray[np.int8]:
    """The fields that the picture fills; the rest is unknown, as nothing can be learned there."""
    masks = np.full((len(dataset.class_names), spec.height // FIELD, spec.width // FIELD), UNKNOWN, np.int8)
    rows, columns = (-(-side // FIELD) for side in decoded.content)
    filled = masks[:, :rows, :columns]
    filled[:] = 0
    size = decoded.height, decoded.width
    for number in picture.classes:
        mask = picture.masks.get(number)
        filled[number] = UNKNOWN if mask is None else mask.fields(size, decoded.content, spec)[:rows, :columns]
    return masks
