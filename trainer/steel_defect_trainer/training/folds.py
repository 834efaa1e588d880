"""Parts of a cross-validation that share no group."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def group_folds(groups: tuple[str, ...], folds: int) -> NDArray[np.int64]:
    """Put whole groups into parts of about equal size: the largest first, each into the smallest part so far.

    Returns:
        The part of each strip, int64 (N,).

    Raises:
        ValueError: fewer groups than parts.
    """
    sizes = Counter(groups)
    if len(sizes) < folds:
        message = f"{folds} parts without a shared group need as many groups; there are {len(sizes)}"
        raise ValueError(message)
    filled = [0] * folds
    part_of: dict[str, int] = {}
    for group, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        part_of[group] = filled.index(min(filled))
        filled[part_of[group]] += size
    return np.array([part_of[group] for group in groups], dtype=np.int64)
