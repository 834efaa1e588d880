"""Synthetic steel strips in the Severstal layout, drawn from nothing but a seed.

A folder of them has `train_images/*.jpg` (1600 x 256) and `train.csv` (`ImageId,ClassId,EncodedPixels`, defects
only), as Kaggle's has. Half are clean, and many of the clean ones carry what an inspection must not take for damage.

    python -m steel_defect_trainer.drawing.strip FOLDER --count 2000
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from steel_defect_trainer.data import rle
from steel_defect_trainer.data.severstal import CLASSES, HEIGHT, WIDTH
from steel_defect_trainer.drawing import damage, surface

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from steel_defect_trainer.drawing.fields import Field, Mask

# How often each combination of classes occurs among the 6,666 defect pictures of the Severstal training set.
COMBINATIONS: Final[Mapping[tuple[int, ...], int]] = {
    (3,): 4759,
    (1,): 769,
    (4,): 516,
    (3, 4): 284,
    (2,): 195,
    (1, 3): 91,
    (1, 2): 35,
    (2, 3): 14,
}
DRAW: Final[Mapping[int, Callable[[np.random.Generator, Field, Field], tuple[Field, Mask]]]] = dict(
    zip(CLASSES, (damage.pits, damage.cracks, damage.scratches, damage.rolled_in_scale), strict=True)
)
# A mask smaller than this is not seen in the picture, and smaller than nearly all of Severstal's: drawn again.
_LEAST_AREA: Final = 400
FULL_STRENGTH: Final = (1.0, 1.0)
# Faint enough to show differences between recipes: at full strength nearly every one is perfect.
HARD_STRENGTH: Final = (0.1, 0.5)


@dataclass(frozen=True)
class SyntheticStrip:
    """One drawn strip.

    Attributes:
        pixels: uint8 of shape (256, 1600), gray.
        masks: defect class (1 to 4) to bool of shape (256, 1600); empty for a clean strip.
        marks: what else is on it, by name.
    """

    pixels: NDArray[np.uint8]
    masks: Mapping[int, NDArray[np.bool_]]
    marks: tuple[str, ...]


def draw_strip(
    seed: int,
    index: int,
    *,
    classes: tuple[int, ...] | None = None,
    mark: str = "",
    strength: tuple[float, float] = FULL_STRENGTH,
) -> SyntheticStrip:
    """Draw strip number `index` of the set `seed`: the same numbers give the same pixels.

    Args:
        seed: of the whole set.
        index: of this strip in it.
        classes: the defect classes to draw, () for clean; None lets the seed decide, half of them clean.
        mark: one confusing thing to put on in any case: "paint", "tread", "rough", "water", "edge" or "" for none.
        strength: how much of each damage shows, 0 nothing to 1 all: drawn evenly between these two.
    """
    rng = np.random.default_rng((seed, index))
    drawn = _classes(rng)
    classes = drawn if classes is None else classes
    strip, steel, marks = _clean(rng, clean=not classes, mark=mark)
    masks: dict[int, NDArray[np.bool_]] = {}
    for number in classes:
        shown = 1.0 if strength == FULL_STRENGTH else rng.uniform(*strength)
        for _ in range(20):
            damaged, mask = DRAW[number](rng, strip, steel)
            mask &= steel > 0.5  # half way through the strip's soft edge
            if mask.sum() >= _LEAST_AREA:
                masks[number], strip = mask, strip + shown * (damaged - strip)
                break
    off_strip = rng.uniform(0, 6)
    noisy = strip * steel + off_strip * (1 - steel) + rng.normal(0, 1.2, strip.shape)
    return SyntheticStrip(np.clip(np.rint(noisy), 0, 255).astype(np.uint8), masks, marks)


def _classes(rng: np.random.Generator) -> tuple[int, ...]:
    choices = list(COMBINATIONS)
    weights = np.array([COMBINATIONS[choice] for choice in choices], dtype=np.float64)
    chosen = choices[int(rng.choice(len(choices), p=weights / weights.sum()))]
    return () if rng.random() < 0.5 else chosen  # half are clean


def _clean(rng: np.random.Generator, *, clean: bool, mark: str) -> tuple[Field, Field, tuple[str, ...]]:
    """An undamaged strip, a field that is 1 on steel and 0 elsewhere, and the names of its marks."""
    strip, steel = surface.rolled_steel(rng), np.ones((HEIGHT, WIDTH), np.float32)
    marks: list[str] = []
    # Chances on a damaged strip, and on a clean one. What covers a whole picture is only ever judged clean.
    chances: tuple[tuple[str, float, float, Callable[[np.random.Generator, Field], Field]], ...] = (
        ("ripples", 0.3, 0.3, surface.ripples),
        ("flames", 0.5, 0.5, surface.flame_stains),
        ("bright", 0.3, 0.35, surface.bright_grain),
        ("bands", 0.35, 0.4, surface.soft_bands),
        ("water", 0.3, 0.35, surface.water_stains),
        ("dirt", 0.2, 0.25, surface.dirt),
        ("flecks", 0.1, 0.2, surface.flecks),
        ("rough", 0.0, 0.06, surface.rough_skin),
        ("tread", 0.0, 0.06, surface.tread_plate),
        ("paint", 0.03, 0.22, surface.paint_marks),
    )
    for name, if_damaged, if_clean, draw in chances:
        if rng.random() < (if_clean if clean else if_damaged) or name == mark:
            strip = draw(rng, strip)
            marks.append(name)
    if rng.random() < 0.25 or mark == "edge":  # about as often as in the real pictures
        strip, steel = surface.dark_edge(rng, strip)
        marks.append("edge")
    if rng.random() < 0.06:  # now and then the light is nearly out
        strip = np.asarray(strip * rng.uniform(0.25, 0.5), np.float32)
        marks.append("dim")
    return strip, steel, tuple(marks)


def to_jpeg(pixels: NDArray[np.uint8], quality: int = 90) -> bytes:
    """JPEG bytes of a gray picture."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _drawn(job: tuple[int, int, tuple[float, float]]) -> tuple[str, bytes, list[tuple[int, str]]]:
    seed, index, strength = job
    strip = draw_strip(seed, index, strength=strength)
    rows = [(number, rle.encode(mask)) for number, mask in sorted(strip.masks.items())]
    return f"synthetic-{seed}-{index:05d}.jpg", to_jpeg(strip.pixels), rows


def write_folder(
    folder: Path, *, count: int, seed: int, processes: int, strength: tuple[float, float] = FULL_STRENGTH
) -> None:
    """Write a set of `count` strips in the Severstal layout, with progress on stderr."""
    pictures = folder / "train_images"
    pictures.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with ProcessPoolExecutor(processes) as pool, (folder / "train.csv").open("w", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(("ImageId", "ClassId", "EncodedPixels"))
        jobs = [(seed, index, strength) for index in range(count)]
        for done, (name, data, rows) in enumerate(pool.map(_drawn, jobs, chunksize=4), 1):
            (pictures / name).write_bytes(data)
            writer.writerows((name, number, mask) for number, mask in rows)
            if done % 200 == 0 or done == count:
                rate = done / (time.monotonic() - started)
                sys.stderr.write(f"drew {done} of {count} strips, {rate:.0f}/s, {(count - done) / rate:.0f} s left\n")


def main() -> None:
    """Entry point of `python -m steel_defect_trainer.drawing.strip`."""
    parser = argparse.ArgumentParser(prog="python -m steel_defect_trainer.drawing.strip", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--hard", action="store_true", help="faint damage, to compare recipes")
    options = parser.parse_args()
    write_folder(
        options.folder,
        count=options.count,
        seed=options.seed,
        processes=options.processes,
        strength=HARD_STRENGTH if options.hard else FULL_STRENGTH,
    )


if __name__ == "__main__":
    main()
