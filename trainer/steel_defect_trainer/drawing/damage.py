"""Damage of the four Severstal classes, drawn onto a strip. Each function returns the damaged picture and its mask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from steel_defect_trainer.data.severstal import HEIGHT, WIDTH
from steel_defect_trainer.drawing.fields import blob, blur, line, noise, relief, smoothstep

if TYPE_CHECKING:
    from steel_defect_trainer.drawing.fields import Field, Mask


def _column(rng: np.random.Generator, steel: Field) -> float:
    """A column with steel."""
    weights = steel[0] + 1e-6
    return float(rng.choice(WIDTH, p=weights / weights.sum()))


def _shallow(shape: Field, top: float) -> Mask:
    return np.asarray(shape > top, dtype=np.bool_)


def pits(rng: np.random.Generator, strip: Field, steel: Field) -> tuple[Field, Mask]:
    """Class 1: a handful of small pits, rough inside, with a dark core, a lit rim and often a tail down the strip."""
    count = int(rng.choice([1, 2, 3, 4, 6, 9], p=[0.15, 0.2, 0.2, 0.2, 0.15, 0.1]))
    centre, spread = _column(rng, steel), rng.choice([60.0, 200.0, 600.0])
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    texture = relief(noise(rng, 60, 380) + 0.5 * noise(rng, 120, 800), 1.6)
    for _ in range(count):
        column = centre + rng.normal(0, spread)
        if not 0 <= column < WIDTH:
            continue
        row, height, width = rng.uniform(0, HEIGHT), rng.uniform(16, 62), rng.uniform(12, 28)
        shape = blob(rng, (row, column), (height, width), 0.25)
        core, inside = smoothstep(shape, 0.1, 0.7), smoothstep(shape, -0.05, 0.3)
        strip = strip * (1 - rng.uniform(0.3, 0.75) * core + rng.uniform(0.6, 1.5) * inside * texture)
        if rng.random() < 0.5:
            tail = blob(rng, (row + 0.7 * height, column), (1.2 * height, 0.35 * width), 0.2)
            strip = strip * (1 - rng.uniform(0.2, 0.5) * smoothstep(tail, 0, 0.6))
        mask |= _shallow(shape, -0.2)
    return strip, mask


def cracks(rng: np.random.Generator, strip: Field, steel: Field) -> tuple[Field, Mask]:
    """Class 2: one to three thin, nearly upright cracks, some broken or doubled, often near the strip's edge."""
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    for _ in range(int(rng.integers(1, 4))):
        column, top = _column(rng, steel), rng.uniform(-40, 150)
        length = rng.uniform(80, 256)
        wander = rng.uniform(1, 5) * noise(rng, 5, 20) + 0.7 * noise(rng, 40, 200)
        across, along = line((top, column), (top + length, column + rng.normal(0, 8)), wander)
        inside = smoothstep(along, 0, 0.06) * (1 - smoothstep(along, 0.94, 1))
        dark = np.exp(-((across / rng.uniform(1.3, 3.0)) ** 2)) * smoothstep(noise(rng, 14, 60), -1.3, -0.3)
        rim = np.exp(-(((across - 4) / 2.0) ** 2)) * smoothstep(noise(rng, 30, 200), 0, 1)
        strip = strip * (1 - rng.uniform(0.45, 0.85) * inside * dark + rng.uniform(0.1, 0.8) * inside * rim)
        mask |= (np.abs(across) < rng.uniform(7, 14)) & (along > 0) & (along < 1)
    return strip, mask


def scratches(rng: np.random.Generator, strip: Field, steel: Field) -> tuple[Field, Mask]:
    """Class 3: streaks down the strip, slanting scratches, long gouges, scuffed patches; the widest range of sizes."""
    kinds = (_streaks, _streaks, _slanting, _gouge, _scuffs, _scuffs, _bright_streaks)
    kind = kinds[int(rng.choice(len(kinds), p=[0.2, 0.22, 0.1, 0.05, 0.18, 0.1, 0.15]))]
    return kind(rng, strip, steel)


def _streaks(rng: np.random.Generator, strip: Field, steel: Field) -> tuple[Field, Mask]:
    """Dark sharp lines down the strip, alone or in bundles, many starting at the upper or lower border."""
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    depth = rng.uniform(0.2, 0.8)
    for _ in range(int(rng.integers(1, 9))):
        centre, count = _column(rng, steel), int(rng.choice([1, 1, 2, 4]))
        end = rng.uniform(60, HEIGHT * 1.6)
        start, stop = (-20.0, end) if rng.random() < 0.7 else (HEIGHT - end, HEIGHT + 20.0)
        for _ in range(count):
            column = centre + rng.normal(0, 9) * (count > 1)
            wander = rng.uniform(0.3, 2.0) * noise(rng, 6, 16)
            across, along = line((start, column), (stop, column + rng.normal(0, 4)), wander)
            fade = smoothstep(along, 0, 0.05) * (1 - smoothstep(along, 0.7, 1)) * (along < 1)
            dark = np.exp(-((across / rng.uniform(1.5, 6.0)) ** 2)) * (0.75 + 0.35 * noise(rng, 25, 300))
            strip = strip * np.clip(1 - depth * rng.uniform(0.6, 1.2) * fade * dark, 0.08, None)
            mask |= (np.abs(across) < rng.uniform(8, 13)) & (along > 0) & (along < 0.95)
    return strip, mask


def _bright_streaks(rng: np.random.Generator, strip: Field, steel: Field) -> tuple[Field, Mask]:
    """Narrow bands of torn bright grains down the strip."""
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    torn = smoothstep(noise(rng, 45, 500) + 0.5 * noise(rng, 110, 1000), 0.0, 1.6)
    for _ in range(int(rng.integers(1, 4))):
        column, width = _column(rng, steel), rng.uniform(4, 16)
        start, stop = (-20.0, HEIGHT + 20.0) if rng.random() < 0.6 else (rng.uniform(0, 150), rng.uniform(170, 300))
        across, along = line(
            (start, column), (stop, column + rng.normal(0, 8)), rng.uniform(0.5, 3) * noise(rng, 5, 16)
        )
        inside = (along > 0) & (along < 1)
        band = np.exp(-((across / width) ** 4)) * inside
        strip = strip * (1 + rng.uniform(0.7, 2.2) * band * torn)
        if rng.random() < 0.6:
            strip = strip * (1 - rng.uniform(0.2, 0.6) * inside * np.exp(-(((across - width) / 3) ** 2)))
        mask |= (np.abs(across) < width + 5) & inside
    return strip, mask


def _slanting(rng: np.random.Generator, strip: Field, steel: Field) -> tuple[Field, Mask]:
    """A sheaf of bright and dark scratches that run aslant."""
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    row, column, angle = rng.uniform(20, 236), _column(rng, steel), rng.uniform(-1.2, 1.2)
    for _ in range(int(rng.integers(2, 9))):
        length = rng.uniform(40, 230)
        y, x = row + rng.normal(0, 45), column + rng.normal(0, 70)
        turn = angle + rng.normal(0, 0.12)
        end = (y + length * np.sin(turn), x + length * np.cos(turn))
        width = rng.uniform(1.5, 5.5)
        across, along = line((y, x), end, rng.uniform(0, 2) * noise(rng, 8, 40))
        inside = smoothstep(along, 0, 0.3) * (1 - smoothstep(along, 0.8, 1))
        mark = np.exp(-((across / width) ** 2)) * inside * (0.8 + 0.4 * noise(rng, 40, 250))
        strip = strip * (1 + (rng.uniform(1, 3.5) if rng.random() < 0.75 else -0.7) * np.clip(mark, 0, 1.3))
        mask |= (np.abs(across) < width + 5) & (along > 0) & (along < 1)
    return strip, mask


def _gouge(rng: np.random.Generator, strip: Field, steel: Field) -> tuple[Field, Mask]:
    """One broad bundle of grooves along most of the picture."""
    start, stop = rng.uniform(20, 236), rng.uniform(20, 236)
    across, along = line((start, -10), (stop, WIDTH + 10.0), rng.uniform(4, 16) * noise(rng, 1, 3))
    width = rng.uniform(12, 50)
    grooves = np.sin(across * rng.uniform(0.25, 0.7) + noise(rng, 1, 6)) + 0.5 * np.sin(
        across * 1.1 + noise(rng, 1, 10)
    )
    band = np.exp(-((across / width) ** 4)) * (0.7 + 0.4 * noise(rng, 2, 30))
    strip = strip * np.clip(1 + rng.uniform(0.25, 0.7) * band * grooves * steel, 0.1, 3)
    return strip, np.asarray((np.abs(across) < 1.1 * width) & (along > 0) & (along < 1), np.bool_)


def _scuffs(rng: np.random.Generator, strip: Field, steel: Field) -> tuple[Field, Mask]:
    """A few scraped patches: rough inside, edges ragged, dark or glittering."""
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    texture = relief(noise(rng, 50, 300) + 0.7 * noise(rng, 120, 750), rng.uniform(1.2, 2.5))
    for _ in range(int(rng.integers(1, 5))):
        height = float(np.exp(rng.uniform(np.log(25), np.log(170))))
        width = height * rng.uniform(0.3, 1.3) if rng.random() < 0.8 else height * rng.uniform(1.5, 3)
        shape = blob(rng, (rng.uniform(0, HEIGHT), _column(rng, steel)), (height, width), 0.4)
        inside = smoothstep(shape, 0.0, 0.4)
        spots = smoothstep(noise(rng, 50, 300), -0.4, 0.9)
        strip = strip * np.clip(
            1 + rng.uniform(0.5, 1.4) * inside * texture * spots - rng.uniform(-0.3, 0.6) * inside * spots, 0.08, 4
        )
        mask |= _shallow(shape, -0.1)
    return strip, mask


def rolled_in_scale(rng: np.random.Generator, strip: Field, steel: Field) -> tuple[Field, Mask]:
    """Class 4: large flakes pressed into the strip: folded and dark inside, torn edge, shadow, bright rim."""
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    for _ in range(int(rng.choice([1, 2, 3], p=[0.5, 0.3, 0.2]))):
        height, width = rng.uniform(60, 250), float(np.exp(rng.uniform(np.log(80), np.log(420))))
        shape = blob(rng, (rng.uniform(0, HEIGHT), _column(rng, steel)), (height, width), 0.35)
        inside = smoothstep(shape, 0.0, 0.06)
        folds = noise(rng, int(rng.integers(5, 14)), int(rng.integers(15, 50))) + 0.5 * noise(rng, 30, 150)
        folds = folds + 0.25 * noise(rng, 90, 500)
        rough = relief(folds + 3 * np.clip(shape, 0, 0.3), rng.uniform(1.5, 4.5))
        tone = rng.uniform(0.4, 1.05)
        flake = strip * tone * (1 + rng.uniform(0.3, 0.9) * rough) + rng.uniform(0, 12) * np.clip(rough, 0, 1)
        rim = blur(np.exp(-((shape / 0.05) ** 2)), 1.5) * (0.5 + 0.8 * noise(rng, 20, 120))
        strip = strip * (1 - inside) + flake * inside
        strip = strip * np.clip(1 + rng.uniform(-0.8, 0.9) * rim, 0.1, 3)
        if rng.random() < 0.3:
            shine = smoothstep(noise(rng, 12, 60), 1.0, 1.5) * smoothstep(shape, 0.1, 0.3)
            strip = strip * (1 - shine) + rng.uniform(170, 260) * shine
        mask |= _shallow(shape, 0)
    return strip, mask
