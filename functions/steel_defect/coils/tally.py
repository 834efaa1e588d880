"""Takes the results of a coil one by one, and keeps of each what the report needs, some hundred bytes."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from steel_defect.coils.on_strip import known, on_strip
from steel_defect.decision import Decision

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steel_defect.place import Place

# Of a defect, in millimetres along and across the strip; NaN is not known.
DEFECT: Final = np.dtype(
    [
        ("picture", "u4"),
        ("class", "u2"),
        ("prob", "f4"),
        ("start", "f8"),
        ("length", "f4"),
        ("across", "f4"),
        ("width", "f4"),
        ("area", "f4"),
    ]
)
# Of a picture: where it begins, and how far it reaches along the strip and across it.
PICTURE: Final = np.dtype([("position", "f8"), ("length", "f4"), ("breadth", "f4")])
# A coil with more has no need of the others: they are counted, and it is not passed.
MOST_DEFECTS: Final = 1_000_000
# So many of the worst, and of the unjudged, are named.
_NAMED: Final = 20
MOST_NAMED: Final = 1_000
_CHUNK: Final = 4_096


@dataclass(frozen=True, order=True)
class Worst:
    """A picture for people to look at, by how bad it is."""

    rank: tuple[int, float, int]
    key: str = field(compare=False)
    decision: str = field(compare=False)
    prob: float = field(compare=False)
    position_mm: float | None = field(compare=False)
    defects: int | None = field(compare=False)


@dataclass(frozen=True)
class Unjudged:
    """A picture that nobody may count as good, and why."""

    key: str
    position_mm: float | None
    why: str


class Rows:
    """A growing array, without an object a row."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        """Take the fields."""
        self._dtype = dtype
        self._full: list[NDArray[Any]] = []
        self._new: list[tuple[Any, ...]] = []
        self.count = 0

    def add(self, row: tuple[Any, ...]) -> None:
        """Add one."""
        self._new.append(row)
        self.count += 1
        if len(self._new) == _CHUNK:
            self._full.append(np.array(self._new, self._dtype))
            self._new = []

    def array(self) -> NDArray[Any]:
        """All rows, in the order in which they came."""
        return np.concatenate([*self._full, np.array(self._new, self._dtype)])


class Tally:
    """What is kept of a coil.

    Attributes:
        keys: of the pictures, by their index.
        decisions: how many pictures had which; "failed" for those that cannot be scored.
        classes: by their index in the rows of defects.
        pictures_by_class: of pictures in which a model without masks found something, how many of which class.
        unlisted: defects that results count but do not describe, or that came after `MOST_DEFECTS`.
        unlocated: rejected pictures whose model looks for defects and lists none.
        unjudged: the first `MOST_NAMED` of them.
        unjudged_count: of all, by why.
        models: name, version and SHA-256 of those that scored.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.keys: list[str] = []
        self.pictures, self.defects = Rows(PICTURE), Rows(DEFECT)
        self.decisions: Counter[str] = Counter()
        self.classes: dict[str, int] = {}
        self.pictures_by_class: Counter[str] = Counter()
        self.unlisted = self.unlocated = 0
        self.unjudged: list[Unjudged] = []
        self.unjudged_count: Counter[str] = Counter()
        self.models: dict[str, dict[str, str]] = {}
        self._worst: list[Worst] = []

    def add(self, key: str, place: Place, result: dict[str, Any]) -> None:
        """Take one result of a picture.

        Raises:
            KeyError, TypeError, ValueError: the result is not as result.schema.json says; nothing of it was kept.
        """
        model = {name: str(result["model"][name]) for name in ("name", "version", "sha256")}
        if result["status"] == "failed":
            self.leave(key, place.position_mm, "failed", str(result["problem"]["title"]))
            self.models[model["sha256"]] = model
            return
        decision, prob = Decision(result["decision"]), float(result["defect_prob"])
        rows, length, breadth = on_strip(result, place.position_mm)
        classes: dict[str, float] = dict(result["class_prob"])
        most_likely = max(classes, key=classes.__getitem__) if classes else "defect"
        listed, counted = len(rows), int(result.get("defect_count", len(rows)))
        index = len(self.keys)
        self.keys.append(key)
        self.models[model["sha256"]] = model
        self.decisions[decision.value] += 1
        self.pictures.add((known(place.position_mm), length, breadth))
        if decision is Decision.REVIEW:
            reasons = ", ".join(map(str, result.get("reasons", ()))) or "the probability is in the review band"
            self._name(key, place.position_mm, "review", reasons)
        room = MOST_DEFECTS - self.defects.count
        self.unlisted += max(0, counted - min(listed, room))
        for name, *values in rows[:room]:
            self.defects.add((index, self.classes.setdefault(name, len(self.classes)), *values))
        looked = "defects" in result
        if decision is Decision.REJECT and looked and not listed:
            self.unlocated += 1
        if decision is Decision.REJECT and not looked:
            self.pictures_by_class[most_likely] += 1
        self._keep_if_bad(key, place.position_mm, decision, prob, listed if looked else None)

    def leave(self, key: str, position_mm: float | None, kind: str, why: str) -> None:
        """Count a picture that has no score: failed, waiting for its result, or with one that cannot be read."""
        self.keys.append(key)
        self.pictures.add((known(position_mm), math.nan, math.nan))
        self.decisions[kind] += 1
        self._name(key, position_mm, kind, why)

    def worst(self) -> list[Worst]:
        """The worst pictures that have something, the worst first."""
        return sorted(self._worst, reverse=True)

    def _name(self, key: str, position_mm: float | None, kind: str, why: str) -> None:
        self.unjudged_count[kind] += 1
        if len(self.unjudged) < MOST_NAMED:
            self.unjudged.append(Unjudged(key, position_mm, f"{kind}: {why}"))

    def _keep_if_bad(
        self, key: str, position: float | None, decision: Decision, prob: float, defects: int | None
    ) -> None:
        if decision is Decision.PASS and not defects:
            return
        severity = list(Decision).index(decision)
        # The earlier one of two that are alike, so that the report does not depend on chance.
        worst = Worst((severity, prob, -len(self.keys)), key, decision.value, prob, position, defects)
        (heapq.heappush if len(self._worst) < _NAMED else heapq.heappushpop)(self._worst, worst)
