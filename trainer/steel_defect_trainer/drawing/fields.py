"""Random fields that the synthetic strips are made of: noise, blobs, relief. Float32 (256, 1600) by default."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from steel_defect_trainer.data.severstal import HEIGHT, WIDTH

Field: TypeAlias = NDArray[np.float32]
Mask: TypeAlias = NDArray[np.bool_]


def noise(rng: np.random.Generator, rows: int, columns: int) -> Field:
    """Smooth noise of about unit variance with `rows` x `columns` bumps over the strip."""
    return stretch(rng.standard_normal((rows + 1, columns + 1), dtype=np.float32)) * np.float32(1.3)


def stretch(small: NDArray[np.float32]) -> Field:
    """Enlarge a small field to the strip."""
    return np.asarray(Image.fromarray(small).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), dtype=np.float32)


def blur(field: Field, radius: float) -> Field:
    """Soften a field whose values are in 0..1, by a Gaussian of this radius in pixels."""
    image = Image.fromarray((np.clip(field, 0, 1) * 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32) / np.float32(255)


def smoothstep(field: Field, low: float, high: float) -> Field:
    """Map a field to 0 below `low`, 1 above `high`, with a soft step between."""
    ramp = np.clip((field - low) / (high - low), 0, 1)
    return np.asarray(ramp * ramp * (3 - 2 * ramp), dtype=np.float32)


def axes() -> tuple[Field, Field]:
    """Row numbers (256, 1) and column numbers (1, 1600), in pixels."""
    return np.arange(HEIGHT, dtype=np.float32)[:, None], np.arange(WIDTH, dtype=np.float32)[None, :]


def blob(rng: np.random.Generator, centre: tuple[float, float], size: tuple[float, float], ragged: float) -> Field:
    """Draw a lump around a (row, column), of about this (height, width): 0..1 inside, negative outside."""
    (row, column), (height, width) = centre, size
    rows, columns = axes()
    distance = np.hypot((rows - row) / (height / 2), (columns - column) / (width / 2))
    bumps = noise(rng, max(2, round(HEIGHT / height * 3)), max(2, round(WIDTH / width * 3)))
    finer = noise(rng, max(2, round(HEIGHT / height * 9)), max(2, round(WIDTH / width * 9)))
    return np.asarray(1 - distance + ragged * bumps + 0.4 * ragged * finer, dtype=np.float32)


def relief(height: Field, strength: float) -> Field:
    """Light from the upper left on a surface of this height: positive on slopes that face it, negative behind."""
    down = np.diff(height, axis=0, prepend=height[:1])
    across = np.diff(height, axis=1, prepend=height[:, :1])
    return np.asarray(np.tanh(strength * (0.9 * down + 0.6 * across)), dtype=np.float32)


def line(start: tuple[float, float], end: tuple[float, float], waviness: Field | None = None) -> tuple[Field, Field]:
    """Distance in pixels to the straight line through two (row, column) points, and the position along it (0..1)."""
    rows, columns = axes()
    direction = np.array([end[0] - start[0], end[1] - start[1]], dtype=np.float32)
    length = float(np.hypot(*direction)) or 1.0
    along = ((rows - start[0]) * direction[0] + (columns - start[1]) * direction[1]) / length**2
    across = ((rows - start[0]) * direction[1] - (columns - start[1]) * direction[0]) / length
    if waviness is not None:
        across = across + waviness
    return np.asarray(across, dtype=np.float32), np.asarray(along, dtype=np.float32)
