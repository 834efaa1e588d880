"""How far inspectors agree with each other, and a model with them, where nobody knows the truth.

VDI/VDE/VDMA 2632-4.2 accepts the inspection of surfaces by samples that several inspectors have judged. A model can
agree with them no better than they do among themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect_trainer.errors import DataError
from steel_defect_trainer.evaluation.resampling import Interval, interval, resample_weights
from steel_defect_trainer.evaluation.shares import share_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

MODEL: Final = "model"
_LEAST_PICTURES: Final = 2


@dataclass(frozen=True)
class Pair:
    """Two that judged the same pictures.

    Attributes:
        one: name of an inspector.
        other: another, or `MODEL`.
        pictures: that both judged.
        agreement: share on which they say the same, with its exact interval.
        kappa: Cohen's, with a bootstrap interval: 1 for the same verdicts, 0 for what chance gives; NaN if both say
            one thing only.
    """

    one: str
    other: str
    pictures: int
    agreement: Interval
    kappa: Interval


@dataclass(frozen=True)
class Rates:
    """One against the majority of the other inspectors, with exact intervals.

    Pictures with as many for as against are left out.

    Attributes:
        name: of an inspector, or `MODEL`.
        defects: pictures that the majority calls defects.
        clean: those that it calls clean.
        found: share of the defects that are called so.
        false_alarms: share of the clean ones that are called defects.
    """

    name: str
    defects: int
    clean: int
    found: Interval
    false_alarms: Interval


@dataclass(frozen=True)
class Agreement:
    """What a table of verdicts shows.

    Attributes:
        pictures: of the table that are in the judged part.
        left_out: of the table that are not.
        pairs: of inspectors, and of each with the model.
        fleiss: kappa of all inspectors by Fleiss (1971), on the pictures that all of them judged; None of two.
        rates: of each inspector and the model.
        passed: share of the majority's defects that the model passes, so that nobody looks at them.
    """

    pictures: int
    left_out: int
    pairs: tuple[Pair, ...]
    fleiss: Interval | None
    rates: tuple[Rates, ...]
    passed: Interval


@dataclass(frozen=True)
class Judged:
    """The model's verdicts on N pictures: a defect or not, passed or not, bool (N,); and the pictures' groups."""

    defect: NDArray[np.bool_]
    passed: NDArray[np.bool_]
    groups: Sequence[str] | None = None


def agree(inspectors: Sequence[str], said: NDArray[np.int8], model: Judged, left_out: int = 0) -> Agreement:
    """Compare I inspectors with each other, and the model with them, on N pictures.

    Args:
        inspectors: names.
        said: int8 (N, I): 1 a defect, 0 clean, -1 not seen.
        model: its verdicts on the same pictures.
        left_out: pictures of the table that are not among these.

    Raises:
        DataError: two inspectors, or one and the model, have fewer than two pictures in common.
    """
    columns = {name: said[:, number] for number, name in enumerate(inspectors)} | {MODEL: model.defect.astype(np.int8)}
    numbers = None if model.groups is None else np.unique(np.asarray(model.groups), return_inverse=True)[1]
    pairs = tuple(_pair(one, other, columns, numbers) for one, other in combinations(columns, 2))
    by_all: NDArray[np.bool_] = np.asarray((said >= 0).all(axis=1), np.bool_)
    fleiss = None
    if len(inspectors) > 2 and by_all.sum() >= _LEAST_PICTURES:  # noqa: PLR2004 - Cohen's is for two
        fleiss = _with_interval(lambda weights: fleiss_kappa(said[by_all], weights), by_all, numbers)
    rates = [
        _rates(name, columns[name], np.delete(said, number, axis=1), numbers) for number, name in enumerate(inspectors)
    ]
    return Agreement(
        len(said),
        left_out,
        pairs,
        fleiss,
        (*rates, _rates(MODEL, columns[MODEL], said, numbers)),
        share_interval(model.passed, _majority(said) == 1, numbers),
    )


def cohen_kappa(one: NDArray[np.int8], other: NDArray[np.int8], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kappa of two (N,) with weights (R, N) of pictures, (R,); NaN where both say one thing only."""
    total = weights.sum(axis=1)
    same, first, second = ((weights @ values.astype(np.float64)) / total for values in (one == other, one, other))
    return _beyond_chance(same, first * second + (1 - first) * (1 - second))


def fleiss_kappa(said: NDArray[np.int8], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kappa of all columns of (N, I), each 0 or 1, with weights (R, N) of pictures, (R,); NaN as above."""
    count, total = said.shape[1], weights.sum(axis=1)
    defects = said.sum(axis=1).astype(np.float64)
    alike = (defects**2 + (count - defects) ** 2 - count) / (count * (count - 1))
    share = weights @ defects / (count * total)
    return _beyond_chance(weights @ alike / total, share**2 + (1 - share) ** 2)


def _beyond_chance(same: NDArray[np.float64], chance: NDArray[np.float64]) -> NDArray[np.float64]:
    room = 1 - chance
    return np.where(room > 1e-12, (same - chance) / np.where(room > 1e-12, room, 1), np.nan)  # noqa: PLR2004 - rounding


def _pair(one: str, other: str, columns: dict[str, NDArray[np.int8]], groups: NDArray[np.int64] | None) -> Pair:
    both = (columns[one] >= 0) & (columns[other] >= 0)
    if both.sum() < _LEAST_PICTURES:
        message = f"{one} and {other} judged {int(both.sum())} pictures of this part in common; at least two are needed"
        raise DataError(message)
    first, second = columns[one][both], columns[other][both]
    kappa = _with_interval(lambda weights: cohen_kappa(first, second, weights), both, groups)
    same = share_interval(columns[one] == columns[other], both, groups)
    return Pair(one, other, int(both.sum()), same, kappa)


def _with_interval(
    kappa: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    chosen: NDArray[np.bool_],
    groups: NDArray[np.int64] | None,
) -> Interval:
    count = int(chosen.sum())
    own = None if groups is None else groups[chosen]
    resampled = np.concatenate([kappa(weights) for weights in resample_weights(count, own)])
    return interval(float(kappa(np.ones((1, count)))[0]), resampled)


def _rates(name: str, own: NDArray[np.int8], others: NDArray[np.int8], groups: NDArray[np.int64] | None) -> Rates:
    majority = np.where(own >= 0, _majority(others), -1)
    defects, clean = majority == 1, majority == 0
    found, false_alarms = (share_interval(own == 1, counted, groups) for counted in (defects, clean))
    return Rates(name, int(defects.sum()), int(clean.sum()), found, false_alarms)


def _majority(said: NDArray[np.int8]) -> NDArray[np.int8]:
    """What most of those who saw each picture say, (N,); -1 where as many say one as the other."""
    balance = (said == 1).sum(axis=1) - (said == 0).sum(axis=1)
    return np.where(balance == 0, -1, balance > 0).astype(np.int8)
