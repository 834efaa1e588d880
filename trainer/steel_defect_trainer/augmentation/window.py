"""A part of a strip, mirrored until it is as long as the strip: more views of few pictures, above all sound ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steel_defect_trainer.augmentation.augment import Strip

# Shares of the strip's length, of its damaged versions, and of the pixels of a part that must not be dark.
_SHORTEST: Final = 0.25
_SOUND: Final = 0.5
_LIT: Final = 0.25
_DARK: Final = 20


def mirror_window(
    pixels: NDArray[np.uint8], classes: NDArray[np.float32], places: NDArray[np.int8], rng: np.random.Generator
) -> Strip:
    """Fill a strip with a part of itself, with the classes that this part shows.

    Clean and damaged pictures often come from different places. Sound parts of the damaged ones show a network that it
    is the damage that counts, and mirroring every second strip shows it that mirroring does not.

    A strip stays as it is if it is not known whether it has a class, or where, and so does one that would become dark.
    """
    if (classes < 0).any() or not np.array_equal((places > 0).any(axis=(1, 2)), classes > 0):
        return pixels, classes, places
    side = pixels.shape[1] // places.shape[2]
    filled = int((places >= 0).any(axis=(0, 1)).sum())
    shortest = max(1, round(_SHORTEST * filled))
    parts = _sound_parts(places, shortest) if classes.any() and rng.random() < _SOUND else []
    if parts:
        start, stop = parts[rng.integers(len(parts))]
    else:
        width = int(rng.integers(shortest, filled + 1))
        start = int(rng.integers(0, filled - width + 1))
        stop = start + width
    if np.mean(pixels[:, start * side : stop * side] > _DARK) < _LIT:
        return pixels, classes, places
    phase = int(rng.integers(0, 2 * (stop - start)))
    pixels, places = pixels.copy(), places.copy()
    pixels[:, : filled * side] = pixels[:, _mirrored(start * side, stop * side, phase * side, filled * side)]
    places[:, :, :filled] = places[:, :, _mirrored(start, stop, phase, filled)]
    return pixels, np.asarray((places > 0).any(axis=(1, 2)), np.float32), places


def _sound_parts(places: NDArray[np.int8], shortest: int) -> list[tuple[int, int]]:
    """Runs of columns without damage, from and up to, at least so long."""
    sound = (places <= 0).all(axis=(0, 1)) & (places == 0).any(axis=(0, 1))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], sound.astype(np.int8), [0]])))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2) if stop - start >= shortest]


def _mirrored(start: int, stop: int, phase: int, count: int) -> NDArray[np.int64]:
    """`count` columns that go from `start` up to `stop` and back, again and again, beginning `phase` columns later."""
    width = stop - start
    steps = (np.arange(count) + phase) % (2 * width)
    return start + np.where(steps < width, steps, 2 * width - 1 - steps)
