"""What a coil is, by the acceptance table and by what nobody has judged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steel_defect.coils.acceptance import ANY_CLASS, bin_names
from steel_defect.decision import Decision

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from steel_defect.coils.acceptance import Acceptance
    from steel_defect.coils.periods import Period
    from steel_defect.coils.tally import Tally


@dataclass(frozen=True)
class Coil:
    """What is stated of a coil.

    Attributes:
        name: of it.
        grade: of its steel, as the acceptance table names it; None if nobody says.
        pictures: how many there must be; None if nobody says.
    """

    name: str
    grade: str | None = None
    pictures: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What to do with a coil, and why it is not passed."""

    decision: Decision
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Counts:
    """Defects that count.

    Attributes:
        by_class: class -> how many in each bin of area.
        unsized: class -> how many whose area in square millimetres is not known.
    """

    by_class: Mapping[str, Sequence[int]]
    unsized: Mapping[str, int]


def verdict_of(  # noqa: PLR0913 - all that decides
    coil: Coil,
    tally: Tally,
    counts: Counts,
    acceptance: Acceptance | None,
    *,
    periods: Sequence[Period],
    missing: int,
) -> Verdict:
    """The verdict. It is never better than what is not judged allows.

    Args:
        coil: what is stated of it.
        tally: of its pictures.
        counts: of its defects.
        acceptance: the table; None for the worst decision of a picture.
        periods: marks that come again.
        missing: pictures that the rhythm of their positions lacks.
    """
    limits = None if acceptance is None else acceptance.limits(coil.grade)
    if acceptance is None:
        rejects = [f"{_many(n, 'picture')} rejected"] if (n := tally.decisions["reject"]) else []
        doubts: list[str] = []
    elif limits is None:
        rejects, doubts = [], [f"the acceptance table has no grade {coil.grade or 'that is stated'}"]
    else:
        names = bin_names(acceptance.edges)
        rejects, doubts = _by_table(tally, counts, limits, names)
    doubts += _unjudged(coil, tally, missing)
    doubts += [f"marks come again every {period.period_mm:,.0f} mm" for period in periods]
    if rejects:
        return Verdict(Decision.REJECT, (*rejects, *doubts))
    return Verdict(Decision.REVIEW if doubts else Decision.PASS, tuple(doubts))


def _by_table(
    tally: Tally, counts: Counts, limits: Mapping[str, Sequence[float]], names: Sequence[str]
) -> tuple[list[str], list[str]]:
    rejects, doubts = [], []
    if tally.unlocated:
        doubts.append(f"{_many(tally.unlocated, 'picture')} rejected without a defect that could be counted")
    for name in sorted({*counts.by_class, *counts.unsized, *tally.pictures_by_class}):
        row = limits.get(name, limits.get(ANY_CLASS))
        if row is None:
            doubts.append(f"the acceptance table has no limits for {name}")
            continue
        for area, number, most in zip(names, counts.by_class.get(name, ()), row, strict=False):
            if number > most:
                rejects.append(f"{number:,} {name} of {area} mm², at most {most:,.0f} allowed")
        # Whatever their areas, these are as many at least.
        sized, unsized, pictures = (
            counts.by_class.get(name, [0] * len(row)),
            counts.unsized.get(name, 0),
            tally.pictures_by_class[name],
        )
        if (unsized or pictures) and sum(sized) + unsized + pictures > sum(row):
            number = sum(sized) + unsized + pictures
            rejects.append(f"{number:,} {name}, at most {sum(row):,.0f} allowed in all")
        elif any(number + unsized > most for number, most in zip(sized, row, strict=True)) and unsized:
            doubts.append(f"the area of {unsized:,} {name} is not known")
        if pictures and min(row) < math.inf:
            doubts.append(f"{name} in {_many(pictures, 'picture')} by a model that does not tell defects apart")
    return rejects, doubts


def _unjudged(coil: Coil, tally: Tally, missing: int) -> list[str]:
    decisions = tally.decisions
    seen = decisions.total()
    doubts = [] if seen else ["there is no picture"]
    if coil.pictures is not None and seen < coil.pictures:
        doubts.append(f"{coil.pictures - seen:,} of {coil.pictures:,} pictures are missing")
    if missing:
        doubts.append(f"{_many(missing, 'picture')} missing between others")
    words = {
        "failed": "cannot be scored",
        "waiting": "without a result",
        "unreadable": "with a result that cannot be read",
        "review": "to be looked at",
    }
    doubts += [f"{_many(decisions[kind], 'picture')} {word}" for kind, word in words.items() if decisions[kind]]
    if tally.unlisted:
        doubts.append(f"{_many(tally.unlisted, 'defect')} counted by the model and not described")
    return doubts


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
