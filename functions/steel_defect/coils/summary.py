"""All that a coil's report says, as JSON; `report.schema.json` describes it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from steel_defect.coils.acceptance import Acceptance, bin_names
from steel_defect.coils.overlaps import counted
from steel_defect.coils.periods import Period, periods_in
from steel_defect.coils.verdict import Coil, Counts, Verdict, verdict_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steel_defect.coils.tally import Tally

SCHEMA_VERSION: Final = 1
# From this many times the usual distance on, a picture is missing between two.
_A_GAP: Final = 1.5


@dataclass(frozen=True)
class Summary:
    """A coil that was looked through.

    Attributes:
        coil: what is stated of it.
        verdict: what to do with it.
        content: as `report.schema.json` describes it.
        tally: of its pictures.
        pictures: rows of `tally.PICTURE`.
        defects: rows of `tally.DEFECT`.
        counts: which of them count: one that two pictures show does once.
        periodic: which period each is of, from 1; 0 for none.
    """

    coil: Coil
    verdict: Verdict
    content: dict[str, Any]
    tally: Tally
    pictures: NDArray[Any]
    defects: NDArray[Any]
    counts: NDArray[np.bool_]
    periodic: NDArray[np.int_]


def summary_of(coil: Coil, tally: Tally, acceptance: Acceptance | None) -> Summary:
    """Judge a coil whose pictures are all in the tally."""
    pictures, defects = tally.pictures.array(), tally.defects.array()
    counts, one_camera = counted(pictures, defects)
    pitch, gaps = _rhythm(pictures["position"])
    table = acceptance or Acceptance()
    numbers = _count(defects[counts], list(tally.classes), table)
    middle = np.where(counts, defects["start"] + defects["length"] / 2, np.nan)
    across = (defects["across"] + defects["width"] / 2).astype(float)
    periods = periods_in(middle, across, np.nan_to_num(defects["area"]).astype(float), pitch_mm=pitch)
    periodic = np.zeros(len(defects), int)
    for number, period in enumerate(periods, 1):
        periodic[list(period.rows)] = number
    missing = sum(gap["pictures"] for gap in gaps)
    verdict = verdict_of(coil, tally, numbers, acceptance, periods=periods, missing=missing)
    limits = None if acceptance is None else acceptance.limits(coil.grade)
    content = {
        "schema_version": SCHEMA_VERSION,
        "coil": coil.name,
        "grade": coil.grade,
        "decision": verdict.decision.value,
        "reasons": list(verdict.reasons),
        "acceptance": None if limits is None else {name: [_most(n) for n in row] for name, row in limits.items()},
        "area_bins_mm2": list(table.edges),
        "pictures": _of_pictures(coil, tally, gaps, pictures),
        "defects": {
            "counted": int(counts.sum()),
            "seen_twice": int((~counts).sum()),
            "overlaps_joined": one_camera,
            "not_described": tally.unlisted,
            "by_class": [
                {
                    "class": name,
                    "by_area": list(numbers.by_class.get(name, ())),
                    "unsized": numbers.unsized.get(name, 0),
                }
                for name in sorted({*numbers.by_class, *numbers.unsized})
            ],
        },
        "pictures_by_class": dict(sorted(tally.pictures_by_class.items())),
        "periods": [_of_period(period) for period in periods],
        "worst": [{name: value for name, value in asdict(worst).items() if name != "rank"} for worst in tally.worst()],
        "unjudged": [asdict(one) for one in tally.unjudged],
        "models": sorted(tally.models.values(), key=lambda model: model["sha256"]),
    }
    return Summary(coil, verdict, content, tally, pictures, defects, counts, periodic)


def area_names(summary: Summary) -> list[str]:
    """What the bins of area are called."""
    return bin_names(tuple(summary.content["area_bins_mm2"]))


def _count(defects: NDArray[Any], classes: list[str], table: Acceptance) -> Counts:
    by_class: dict[str, list[int]] = {}
    unsized: Counter[str] = Counter()
    bins = np.searchsorted(np.array(table.edges), defects["area"].astype(float), side="right")
    unknown = np.isnan(defects["area"])
    for index, name in enumerate(classes):
        mine = defects["class"] == index
        if (sized := mine & ~unknown).any():
            by_class[name] = np.bincount(bins[sized], minlength=len(table.edges) + 1).tolist()
        if number := int((mine & unknown).sum()):
            unsized[name] = number
    return Counts(by_class, unsized)


def _rhythm(positions: NDArray[Any]) -> tuple[float | None, list[dict[str, Any]]]:
    """The usual distance from picture to picture, and where others are missing between two."""
    known = np.unique(positions[~np.isnan(positions)])
    steps = np.diff(known)
    if not len(steps):
        return None, []
    pitch = float(np.median(steps))
    gaps = [
        {
            "from_mm": float(known[index]),
            "to_mm": float(known[index + 1]),
            "pictures": max(1, round(float(steps[index]) / pitch) - 1),
        }
        for index in np.flatnonzero(steps >= _A_GAP * pitch)
    ]
    return pitch, gaps


def _of_pictures(coil: Coil, tally: Tally, gaps: list[dict[str, Any]], pictures: NDArray[Any]) -> dict[str, Any]:
    located = pictures["position"][~np.isnan(pictures["position"])]
    kinds = ("pass", "review", "reject", "failed", "waiting", "unreadable")
    return {
        "expected": coil.pictures,
        "seen": len(pictures),
        **{kind: tally.decisions[kind] for kind in kinds},
        "without_position": len(pictures) - len(located),
        "first_mm": float(located.min()) if len(located) else None,
        "last_mm": float(located.max()) if len(located) else None,
        "gap_count": len(gaps),
        "gaps": gaps[:1000],
    }


def _of_period(period: Period) -> dict[str, Any]:
    return {
        **{name: value for name, value in asdict(period).items() if name != "rows"},
        "across_mm": list(period.across_mm),
    }


def _most(number: float) -> int | None:
    """A limit as JSON has it: null for any number."""
    return None if number == math.inf else int(number)
