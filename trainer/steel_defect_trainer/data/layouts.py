"""Opens a folder of labelled pictures, whichever layout it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steel_defect_trainer.data import generic, severstal
from steel_defect_trainer.data.label_words import CLEAN, DEFECT
from steel_defect_trainer.data.labelled_folders import has_labelled_folders, open_folders
from steel_defect_trainer.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect_trainer.data.dataset import DataSet


def open_data(folder: Path, *, tables_only: bool = False) -> DataSet:
    """Read the labels of a folder; the files in it decide the layout.

    - `train.csv` and `train_images/`: Severstal, as Kaggle has it (`steel_defect_trainer.data.severstal`);
    - `labels.csv`: a table of files and labels (`steel_defect_trainer.data.generic.open_table`);
    - `defect/` and `clean/`, or `clean/` alone: pictures in folders
      (`steel_defect_trainer.data.labelled_folders.open_folders`).

    Args:
        folder: of the data.
        tables_only: accept `train.csv` without `train_images/`.

    Raises:
        DataError: it has none of these layouts, cannot be used as it is, or holds no picture.
    """
    if (folder / severstal.TABLE).exists():
        pictures = folder / severstal.PICTURES
        if not pictures.is_dir() and not tables_only:
            message = f"{folder} has {severstal.TABLE} but no folder {severstal.PICTURES}/ with the pictures"
            raise DataError(message)
        dataset = severstal.open_severstal(folder, tables_only=not pictures.is_dir())
    elif (folder / generic.TABLE).exists():
        dataset = generic.open_table(folder / generic.TABLE)
    elif has_labelled_folders(folder):
        dataset = open_folders(folder)
    else:
        message = (
            f"{folder} has none of the known layouts: {severstal.TABLE} and {severstal.PICTURES}/, "
            f"{generic.TABLE}, or {DEFECT}/ and {CLEAN}/"
        )
        raise DataError(message)
    if not dataset.pictures:
        message = f"{folder} holds no picture"
        raise DataError(message)
    return dataset
