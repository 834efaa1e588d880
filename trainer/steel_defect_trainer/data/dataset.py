"""The content of a labelled folder in any layout: pictures, classes, masks, groups."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from steel_defect_trainer.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from steel_defect.contract import InputSpec


class MaskSource(Protocol):
    """Where one class is on one picture; read only when asked for."""

    def cells(self, size: tuple[int, int], content: tuple[int, int], spec: InputSpec) -> NDArray[np.int8]:
        """What is known of each cell of the class, int8 (rows, columns), as `strips.cells_of_mask` gives it.

        Args:
            size: height and width of the picture, in its own pixels.
            content: rows and columns of the model's input that the picture fills (`steel_defect.image.Picture`).
            spec: of the model's input.

        Raises:
            DataError: there is no mask, or none of a picture of this size.
        """
        ...

    def fields(self, size: tuple[int, int], content: tuple[int, int], spec: InputSpec) -> NDArray[np.int8]:
        """What is known of each field of the class, int8 (height/4, width/4): percent, -1 unknown.

        Arguments and errors are those of `cells`.
        """
        ...

    def key(self) -> str:
        """A text that changes when the mask does, without reading it."""
        ...


@dataclass(frozen=True)
class LabelledPicture:
    """One picture and its label.

    Attributes:
        name: path of the file relative to the folder of the data set, with "/".
        classes: numbers of its classes, from 0; empty for a clean picture.
        masks: class to its mask. The place of a class without an entry is unknown.
        group: pictures of one group stay in one part when data is split.
    """

    name: str
    classes: frozenset[int]
    masks: Mapping[int, MaskSource]
    group: str


@dataclass(frozen=True)
class DataSet:
    """Labelled pictures in a folder.

    Attributes:
        folder: that the names are relative to.
        class_names: by number of the class.
        pictures: sorted by name.
        size: height and width that each picture must have; None if they may differ.
        present: whether the pictures are there; False where only the label table was read.
    """

    folder: Path
    class_names: tuple[str, ...]
    pictures: tuple[LabelledPicture, ...]
    size: tuple[int, int] | None = None
    present: bool = True

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.pictures)

    def regrouped(self, groups: Iterable[str]) -> DataSet:
        """The same pictures with other groups, one for each picture."""
        pictures = tuple(replace(picture, group=group) for picture, group in zip(self.pictures, groups, strict=True))
        return replace(self, pictures=pictures)

    def files_key(self) -> str:
        """Sha256 over names, sizes and times of the files: changes when a picture does, without reading any.

        Raises:
            DataError: a picture is missing.
        """
        digest = hashlib.sha256()
        for picture in self.pictures:
            try:
                state = (self.folder / picture.name).stat()
            except OSError as error:
                message = f"picture {self.folder / picture.name} cannot be read: {error.strerror or error}"
                raise DataError(message) from error
            digest.update(f"{picture.name}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
        return digest.hexdigest()
