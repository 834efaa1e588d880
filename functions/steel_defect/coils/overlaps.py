"""A defect that two overlapping pictures show is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Of the smaller one, as much has to be seen by both.
_SHARED: Final = 0.5
# Positions along the strip are as exact as its encoder.
_TOLERANCE_MM: Final = 3.0
# From this mean number of pictures over each place on, several cameras see different parts of the strip's width, or
# both of its sides, and nothing tells which: what looks the same need not be.
_SEVERAL: Final = 1.5


def counted(pictures: NDArray[Any], defects: NDArray[Any]) -> tuple[NDArray[np.bool_], bool]:
    """Which defects count, and whether the pictures were taken for those of one camera.

    Of two that are one, the larger counts: the other is cut by its picture's edge. Two are one only if they have the
    same class, are in two pictures that overlap by less than half, and share half of the smaller one's box. In doubt a
    defect counts twice.

    Args:
        pictures: rows of `tally.PICTURE`.
        defects: rows of `tally.DEFECT`, in the order of the pictures.
    """
    counts = np.ones(len(defects), bool)
    known = np.flatnonzero(~np.isnan(pictures["position"]))
    order = known[np.argsort(pictures["position"][known], kind="stable")]
    if len(order) < 2 or np.isnan(pictures["length"]).all():  # noqa: PLR2004 - a pair
        return counts, True
    starts, lengths = pictures["position"][order], pictures["length"][order].astype(float)
    lengths = np.where(np.isnan(lengths), np.nanmedian(pictures["length"]), lengths)
    if lengths.sum() / max(1.0, (starts + lengths).max() - starts[0]) >= _SEVERAL:
        return counts, False
    first = np.searchsorted(defects["picture"], np.arange(len(pictures) + 1))
    overlap = starts[:-1] + lengths[:-1] - starts[1:]
    shorter = np.minimum(lengths[:-1], lengths[1:])
    for pair in np.flatnonzero((overlap > 0) & (overlap < shorter / 2)):
        here, there = (slice(first[order[index]], first[order[index] + 1]) for index in (pair, pair + 1))
        for one, other in _same(defects[here], defects[there]):
            smaller = min(here.start + one, there.start + other, key=lambda row: defects["area"][row])
            counts[smaller] = False
    return counts, True


def _same(here: NDArray[Any], there: NDArray[Any]) -> list[tuple[int, int]]:
    """Pairs of rows that are one defect; no row is in two."""
    if not len(here) or not len(there):
        return []
    along = _common(here["start"], here["length"], there["start"], there["length"], _TOLERANCE_MM)
    across = _common(here["across"], here["width"], there["across"], there["width"], 0.0)
    # NaN, where nobody knows, is never enough.
    shared = np.where(here["class"][:, None] == there["class"][None], np.minimum(along, across), 0.0)
    pairs: list[tuple[int, int]] = []
    for flat in np.argsort(-np.nan_to_num(shared), axis=None, kind="stable"):
        one, other = divmod(int(flat), len(there))
        if not shared[one, other] >= _SHARED:
            break
        if all(one != known and other != also for known, also in pairs):
            pairs.append((one, other))
    return pairs


def _common(
    start: NDArray[Any], length: NDArray[Any], other: NDArray[Any], its: NDArray[Any], tolerance: float
) -> NDArray[Any]:
    """The share of the shorter of two stretches that both have, for each pair."""
    ends = np.minimum((start + length)[:, None], (other + its)[None])
    common = ends - np.maximum(start[:, None], other[None]) + tolerance
    return np.asarray(np.clip(common, 0, None) / np.maximum(np.minimum(length[:, None], its[None]), 1e-9))
