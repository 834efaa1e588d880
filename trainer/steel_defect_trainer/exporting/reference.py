"""The reference inside a model file: how the pictures it was judged on, and its answers to them, are distributed.

The scorer makes it from the model file, because later figures to compare with it come from the scorer too.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect.contract import Distribution, Reference
from steel_defect.scorer import Scorer
from steel_defect.statistics import histogram, statistics_of
from steel_defect_trainer.exporting.metadata import change_contract
from steel_defect_trainer.strips import spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect.statistics import Statistics

BINS: Final = 10
# More pictures hardly move a tenth, and take time to score.
MOST: Final = 2000


def write_reference(path: Path, reference: Reference) -> None:
    """Put the reference into a model file.

    Raises:
        OSError: the file cannot be written.
    """
    change_contract(path, lambda contract: replace(contract, reference=reference))


def reference_of_files(path: Path, files: Sequence[Path]) -> Reference:
    """The reference from pictures on the disk; if there are more than `MOST`, `MOST` spread over them are read.

    Raises:
        SteelDefectError: a picture cannot be scored.
        OSError: a file cannot be read.
    """
    scorer = Scorer(path)
    predictions = (scorer.score(files[index].read_bytes()) for index in spread(len(files), MOST))
    return reference_of((one.statistics, one.defect_prob) for one in predictions)


def reference_of_pixels(path: Path, pixels: NDArray[np.uint8]) -> Reference:
    """The reference from decoded pictures, uint8 (N, height, width), that leave no padding.

    Padding looks like a dark picture: pictures that leave some have to come as files.
    """
    scorer = Scorer(path)
    chosen = (np.asarray(pixels[index]) for index in spread(len(pixels), MOST))
    return reference_of(
        (statistics_of(histogram(one)), float(scorer.predict(one[None])["defect_prob"][0])) for one in chosen
    )


def reference_of(answers: Iterable[tuple[Statistics, float]]) -> Reference:
    """The distribution of each statistic, and of the probability.

    Raises:
        ValueError: there are no answers.
    """
    rows = [{**asdict(statistics), "defect_prob": round(probability, 6)} for statistics, probability in answers]
    if not rows:
        message = "there are no pictures to make a reference of"
        raise ValueError(message)
    return Reference(len(rows), {name: distribution(np.array([row[name] for row in rows])) for name in rows[0]})


def distribution(values: NDArray[np.float64]) -> Distribution:
    """Values (N,) in `BINS` bins of equal shares, or fewer where values are equal, but never less than two.

    An edge is a value, and belongs to the bin above it. Where the least value fills more than a bin, the next larger
    value bounds it: a share of nothing but zeros, say, has one bin for zero and one for more.
    """
    distinct = np.unique(values)
    edges = np.quantile(values, np.arange(1, BINS) / BINS, method="higher")
    above = distinct[1] if len(distinct) > 1 else np.nextafter(distinct[0], np.inf)
    edges = np.unique(np.where(edges > distinct[0], edges, above))
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    return Distribution(tuple(map(float, edges)), tuple(float(count) / len(values) for count in counts))
