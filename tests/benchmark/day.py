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
_PAGES: Final = 10
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
    """Fill a folder with pages of a line camera: strips of `clean_line` end to end, all as wide as the first."""
    _emptied(folder)
    found = sorted(strips.iterdir())
    for page in range(_PAGES):
        # The last of all does not pass, so one of ten pages does not.
        chosen = [found[-1 - (page * _STRIPS + number) % len(found)] for number in range(_STRIPS)]
        grays = [_gray(path) for path in chosen]
        whole = np.hstack([np.asarray(gray.resize(grays[0].size)) for gray in grays])
        Image.fromarray(whole).save(folder / f"{page:03d}.jpg", quality=92)
    return folder


def _gray(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("L")


def _emptied(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
