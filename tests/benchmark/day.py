"""What a line photographs: nearly all of it clean, and from a line camera in pages of several strips."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from steel_defect import Decision, Model

# One picture in so many does not pass.
_ONE_IN: Final = 50
# As many pixels along the strip as four of the model's pictures have.
_STRIPS: Final = 4


def clean_line(pictures: Path, folder: Path) -> Path:
    """Fill a folder with pictures of which one in fifty does not pass the bundled model, if there are both kinds."""
    model, kinds = Model.load(), {True: list[Path](), False: list[Path]()}
    for picture in sorted(pictures.iterdir()):
        kinds[model.predict(picture).decision is Decision.PASS].append(picture)
    passing = kinds[True] or kinds[False]
    chosen = [passing[number % len(passing)] for number in range(_ONE_IN)]
    chosen[-1] = (kinds[False] or passing)[0]
    _emptied(folder)
    for number, picture in enumerate(chosen):
        shutil.copyfile(picture, folder / f"{number:03d}{picture.suffix}")
    return folder


def camera_pages(strips: Path, folder: Path) -> Path:
    """Fill a folder with a line camera's page of each strip: the strip four times, every other one mirrored.

    So there is no seam, which a strip does not have either.
    """
    _emptied(folder)
    for path in sorted(strips.iterdir()):
        gray = np.asarray(_gray(path))
        page = np.hstack([gray if number % 2 == 0 else gray[:, ::-1] for number in range(_STRIPS)])
        Image.fromarray(page).save(folder / f"{path.stem}.jpg", quality=92)
    return folder


def _gray(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("L")


def _emptied(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
