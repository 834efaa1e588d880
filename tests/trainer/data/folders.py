"""Small labelled folders for tests."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from steel_defect_trainer.data import rle
from steel_defect_trainer.data.severstal import HEIGHT, WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


def noise_picture(seed: int, height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.uint8]:
    """A picture that is like no other: uint8 (height, width)."""
    coarse = np.random.default_rng(seed).integers(30, 220, (height // 8 + 1, width // 8 + 1), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def write_picture(path: Path, pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
    """Write a picture in the format of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def box_runs(top: int, left: int, bottom: int, right: int) -> str:
    """The run-length mask of a box in a Severstal picture."""
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[top:bottom, left:right] = True
    return rle.encode(mask)


def write_severstal(folder: Path, labels: Sequence[Sequence[int]]) -> Path:
    """A Severstal folder of `0.jpg`, `1.jpg`, ... with these classes (1 to 4), each with a box of its own."""
    rows = []
    for place, numbers in enumerate(labels):
        write_picture(folder / "train_images" / f"{place}.jpg", noise_picture(place))
        rows += [(f"{place}.jpg", number, box_runs(64, 128 * number, 128, 128 * number + 64)) for number in numbers]
    write_table(folder / "train.csv", ("ImageId", "ClassId", "EncodedPixels"), rows)
    return folder
