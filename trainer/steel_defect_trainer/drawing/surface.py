"""Undamaged steel as the synthetic strips show it, with all that an inspection must not take for damage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from steel_defect_trainer.data.severstal import HEIGHT, WIDTH
from steel_defect_trainer.drawing.fields import axes, blob, blur, noise, relief, smoothstep, stretch

if TYPE_CHECKING:
    from steel_defect_trainer.drawing.fields import Field


def rolled_steel(rng: np.random.Generator) -> Field:
    """Bare strip under uneven light, gray values about 0..255: streaks down the rolling direction, and grain."""
    rows, columns = axes()
    level = rng.uniform(38, 125)
    light = 1 + rng.uniform(0.05, 0.22) * noise(rng, 1, int(rng.integers(2, 6)))
    light = light + rng.uniform(-0.25, 0.25) * (rows / HEIGHT - 0.5) + rng.uniform(-0.3, 0.3) * (columns / WIDTH - 0.5)
    streaks = rng.uniform(0.01, 0.06) * noise(rng, 1, int(rng.integers(40, 160)))
    streaks = streaks + rng.uniform(0.01, 0.05) * noise(rng, int(rng.integers(4, 12)), 700)
    grain = rng.uniform(0.02, 0.07) * noise(rng, HEIGHT - 1, WIDTH - 1)
    coarse = rng.uniform(0.0, 0.05) * noise(rng, 90, 500)
    return np.asarray(np.clip(level * np.clip(light, 0.45, 1.9) * (1 + streaks + grain + coarse), 2, None), np.float32)


def ripples(rng: np.random.Generator, strip: Field) -> Field:
    """Fine wavy cross lines that the rolls leave."""
    rows, _ = axes()
    phase = 5 * noise(rng, 2, int(rng.integers(3, 10))) + 1.2 * noise(rng, 12, 40)
    wave = np.sin(rows * rng.uniform(0.25, 0.9) + phase) * smoothstep(noise(rng, 3, 8), -0.8, 1.0)
    return np.asarray(strip * (1 + rng.uniform(0.05, 0.22) * wave), np.float32)


def flame_stains(rng: np.random.Generator, strip: Field) -> Field:
    """Ragged patches, stretched down the strip, of darker or brighter skin with the same fine grain below."""
    shape = (
        noise(rng, int(rng.integers(2, 7)), int(rng.integers(50, 130)))
        + 0.6 * noise(rng, 14, 320)
        + 0.3 * noise(rng, 60, 800)
    )
    where = 1.2 * noise(rng, 1, int(rng.integers(3, 9)))
    patches = smoothstep(shape + where, rng.uniform(0.9, 2.0), rng.uniform(2.1, 2.5))
    tone = rng.uniform(-0.4, -0.15) if rng.random() < 0.6 else rng.uniform(0.15, 0.6)
    return np.asarray(strip * (1 + tone * patches), np.float32)


def bright_grain(rng: np.random.Generator, strip: Field) -> Field:
    """Regions where worn skin glitters in short rows of bright grains."""
    where = smoothstep(noise(rng, 2, int(rng.integers(4, 14))), -0.2, 1.0)
    grains = smoothstep(noise(rng, 85, 350) + 0.5 * noise(rng, 200, 900), rng.uniform(1.0, 1.8), 2.6)
    return np.asarray(strip * (1 + rng.uniform(0.3, 1.1) * where * grains), np.float32)


def water_stains(rng: np.random.Generator, strip: Field) -> Field:
    """Dried water and oil: wide soft shapes with a thin rim, and drops."""
    for _ in range(int(rng.integers(1, 4))):
        size = rng.uniform(60, 330)
        shape = blob(rng, (rng.uniform(0, HEIGHT), rng.uniform(0, WIDTH)), (size * rng.uniform(0.5, 1), size), 0.2)
        inside = smoothstep(shape, 0, 0.25)
        rim = np.exp(-((shape / 0.06) ** 2))
        strip = strip * (1 + rng.uniform(-0.22, 0.12) * inside - rng.uniform(0, 0.18) * rim)
    return np.asarray(strip, np.float32)


def flecks(rng: np.random.Generator, strip: Field) -> Field:
    """A few small, smooth, elongated dark flecks and dirt without relief."""
    rows, columns = axes()
    for _ in range(int(rng.integers(1, 8))):
        height, width = rng.uniform(4, 45), rng.uniform(2, 7)
        row, column = rng.uniform(0, HEIGHT), rng.uniform(0, WIDTH)
        distance = np.hypot((rows - row) / height, (columns - column) / width)
        strip = strip * (1 - rng.uniform(0.2, 0.6) * smoothstep(-distance, -1.0, -0.5))
    return np.asarray(strip, np.float32)


def dirt(rng: np.random.Generator, strip: Field) -> Field:
    """Clouds of dark dots."""
    where = smoothstep(noise(rng, 3, int(rng.integers(5, 14))), 0.5, 1.6)
    dots = smoothstep(noise(rng, 70, 420) + 0.4 * noise(rng, 200, 900), 0.9, 1.9)
    return np.asarray(strip * (1 - rng.uniform(0.25, 0.6) * where * dots), np.float32)


def soft_bands(rng: np.random.Generator, strip: Field) -> Field:
    """Wide blurred bands down the whole strip: light that is uneven, or a roll's trace. No edge, hence no damage."""
    _, columns = axes()
    for _ in range(int(rng.integers(1, 5))):
        band = np.exp(-(((columns - rng.uniform(0, WIDTH)) / rng.uniform(10, 45)) ** 2))
        strip = strip * (1 + rng.uniform(-0.25, 0.3) * band * (1 + 0.3 * noise(rng, 3, 100)))
    return np.asarray(strip, np.float32)


def paint_marks(rng: np.random.Generator, strip: Field) -> Field:
    """White figures sprayed on the strip: dots of a coarse letter grid, molten together, splashes around."""
    grid = np.full((HEIGHT, WIDTH), -9, np.float32)
    rows, columns = axes()
    top, left = rng.uniform(-140, 120), rng.uniform(100, WIDTH - 300)
    pitch_y, pitch_x = rng.uniform(28, 60), rng.uniform(26, 62)
    for row in range(7):
        for column in range(int(rng.integers(1, 6))):
            if rng.random() < 0.5:
                y, x = top + row * pitch_y + rng.normal(0, 5), left + column * pitch_x + rng.normal(0, 5)
                height, width = rng.uniform(12, 38), rng.uniform(5, 16)
                grid = np.maximum(grid, 1.2 - np.hypot((rows - y) / height, (columns - x) / width))
    near = blur(smoothstep(grid, -1.0, 0.6), 20)
    splash = smoothstep(noise(rng, 80, 480) + 3.5 * near, 3.2, 3.9)
    ragged = grid + 0.28 * noise(rng, 40, 250) + 0.15 * noise(rng, 100, 600)
    paint = np.maximum(smoothstep(ragged, 0.25, 0.45), splash)
    hole = smoothstep(ragged, 0.9, 1.1) * (rng.random() < 0.5)
    painted = strip * (1 - paint) + paint * rng.uniform(215, 275) * (1 + 0.06 * noise(rng, 60, 400))
    return np.asarray(painted * (1 - 0.75 * hole), np.float32)


def tread_plate(rng: np.random.Generator, strip: Field) -> Field:
    """Raised diamonds: two families of slanting ribs, lit from one side."""
    rows, columns = axes()
    pitch, slope = rng.uniform(70, 170), rng.uniform(0.35, 0.8)
    shift = rng.uniform(0, pitch)
    width = rng.uniform(0.06, 0.13)
    height = np.zeros_like(strip)
    for sign in (-1, 1):
        phase = ((columns + sign * slope * rows + shift) / pitch) % 1
        height = np.maximum(height, 1 - smoothstep(np.abs(phase - 0.5).astype(np.float32), 0.2 * width, width))
    return np.asarray(strip * (1 + rng.uniform(0.5, 0.9) * relief(height * 3, 1.6)), np.float32)


def rough_skin(rng: np.random.Generator, strip: Field) -> Field:
    """A strip that is rough all over - bark or orange peel; judged clean, for nothing in it stands out."""
    height = noise(rng, int(rng.integers(10, 24)), int(rng.integers(25, 60))) + 0.6 * noise(rng, 40, 110)
    height = height + 0.25 * noise(rng, 110, 400)
    return np.asarray(strip * (1 + rng.uniform(0.35, 0.85) * relief(height, rng.uniform(2.0, 4.5))), np.float32)


def dark_edge(rng: np.random.Generator, strip: Field) -> tuple[Field, Field]:
    """The strip ends inside the picture; beyond is black.

    Returns:
        The picture, and a field that is 1 on steel and 0 elsewhere.
    """
    _, columns = axes()
    place = rng.uniform(0.03, 0.6) * WIDTH
    wander = stretch(np.cumsum(rng.normal(0, 2.0, (6, 1)), axis=0).astype(np.float32))
    steel = smoothstep(columns - place - wander, -rng.uniform(1, 8), rng.uniform(1, 10))
    band = np.exp(-np.clip(columns - place, 0, None) / rng.uniform(15, 70)) * rng.uniform(-0.5, 0.7)
    worn = 1 + 0.3 * np.abs(band) * noise(rng, 8, 260)
    picture = strip * (1 + band) * worn
    if rng.random() < 0.5:
        picture, steel = picture[:, ::-1], steel[:, ::-1]
    return np.asarray(picture, np.float32), np.asarray(np.broadcast_to(steel, picture.shape), np.float32)
