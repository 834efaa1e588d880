"""What to say where a figure rests on few pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

# Below this, intervals are wide whatever is found, and one picture changes a figure by more than three hundredths.
FEW: Final = 30


def few_kinds(truth: NDArray[np.bool_], what: str) -> list[str]:
    """A warning for each kind of which there are few, but some.

    Args:
        truth: (N,), whether there is a defect.
        what: rests on them, such as "the figures of the test part rest".
    """
    kinds = ((int(truth.sum()), "defect"), (int((~truth).sum()), "clean picture"))
    return [f"{what} on {counted(count, kind)} only" for count, kind in kinds if 0 < count < FEW]


def without_defects(truth: NDArray[np.bool_], pictures: str) -> list[str]:
    """A warning if no picture, of those named in words and with the truth (N,), has a defect."""
    return (
        []
        if truth.any()
        else [f"no picture of {pictures} has a defect: nothing is known of how many are found or passed"]
    )


def few_of_classes(names: Sequence[str], classes: NDArray[np.float32]) -> list[str]:
    """A warning that names the classes of which there are few pictures, but some, of classes (N, C)."""
    counts = [int((column > 0).sum()) for column in classes.T]
    few = [f"{name} ({count})" for name, count in zip(names, counts, strict=True) if 0 < count < FEW]
    return [f"the recall of a class rests on few pictures: {', '.join(few)}"] if few else []


def hollow_floor(recall_floor: float | None, defects: int) -> list[str]:
    """A warning if a recall floor leaves no defect out, so that it is decided by the lowest one."""
    if recall_floor is None or (1 - recall_floor) * defects >= 1:
        return []
    return [f"a recall of at least {recall_floor:g} on {counted(defects, 'defect')} means all of them"]


def passes_little(band: Mapping[str, Mapping[str, int]]) -> list[str]:
    """A warning if fewer than half of the clean pictures pass, of how many "defect" and "clean" ones a decision has."""
    clean = sum(kinds["clean"] for kinds in band.values())
    passed = band["pass"]["clean"]
    if not clean or 2 * passed >= clean:
        return []
    why = "some defects look as clean as they do to this network"
    advice = "label more defects, or train the recipe `clean` on clean pictures alone"
    return [f"only {passed:,} of {counted(clean, 'clean picture')} pass, for {why}: {advice}"]


def counted(count: int, noun: str) -> str:
    """The number and the noun, as in "8 defects"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
