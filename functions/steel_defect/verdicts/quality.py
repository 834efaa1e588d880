"""Precision and recall of a period: its results, joined with what people said of their pictures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from steel_defect.decision import Decision
from steel_defect.parallel import in_order
from steel_defect.storage import ObjectNotFound
from steel_defect.uploads import results
from steel_defect.uploads.lot import lot_of
from steel_defect.verdicts.agreed import Agreed
from steel_defect.verdicts.intervals import Bounds, Part
from steel_defect.verdicts.verdict import Word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from steel_defect.storage import ObjectInfo, Store
    from steel_defect.uploads.history import Period
    from steel_defect.verdicts.agreed import Looked

ERROR: Final = 0.05
_WORKERS: Final = 16


@dataclass
class Quality:
    """The results of a period by their decisions, and what people said of them.

    Attributes:
        counts: of each decision, the fields of its `Part`.
        models: how many pictures each model scored.
        differ: on how many pictures people differ; they count as if nobody had looked.
        failed: how many could not be scored, and passed nobody.
    """

    counts: dict[Decision, Counter[str]] = field(default_factory=lambda: {decision: Counter() for decision in Decision})
    models: Counter[str] = field(default_factory=Counter)
    differ: int = 0
    failed: int = 0

    def part(self, decision: Decision) -> Part:
        """The pictures of a decision."""
        return Part(**self.counts[decision])

    def add(self, result: Mapping[str, Any], said: Agreed | None, random: float) -> None:
        """Count a result; `random` is the share of pictures that are drawn."""
        model = result["model"]
        self.models[f"{model.get('name', '')} {model.get('version', '')}".strip() or model["sha256"][:12]] += 1
        if result["status"] != "scored":
            self.failed += 1
            return
        counts = self.counts[Decision(result["decision"])]
        word = None if said is None else said.word
        self.differ += said is not None and word is None
        kinds = ["", "drawn_"] if lot_of(result["source"]) < random else [""]
        counts.update(["pictures", *(["drawn"] if len(kinds) > 1 else [])])
        if word is not None:
            counts.update(f"{kind}looked" for kind in kinds)
            counts.update(f"{kind}defects" for kind in kinds if word is Word.REJECT)

    def precision(self) -> Bounds | None:
        """What share of the rejected pictures has a defect; None if none was rejected."""
        part = self.part(Decision.REJECT)
        found = part.all_defects(ERROR)
        likely = None if found.likely is None else found.likely / max(1, part.pictures)
        return Bounds(found.low / part.pictures, found.high / part.pictures, likely) if part.pictures else None

    def recall(self) -> Bounds | None:
        """What share of the pictures with a defect was not passed; None if there may be no defect at all.

        Each of the three decisions has a third of the error, so that all bounds hold together.
        """
        found = {decision: self.part(decision).all_defects(ERROR / len(Decision)) for decision in Decision}
        missed = found[Decision.PASS]
        stopped = [found[decision] for decision in Decision if decision is not Decision.PASS]
        low, high = (sum(one.low for one in stopped), sum(one.high for one in stopped))
        if not low + missed.low and not high + missed.high:
            return None
        guesses = [one.likely for one in stopped]
        likely = None
        if missed.likely is not None and None not in guesses:
            caught = sum(guess or 0.0 for guess in guesses)
            likely = caught / (caught + missed.likely) if caught + missed.likely else None
        return Bounds(_share(low, missed.high, 0.0), _share(high, missed.low, 1.0), likely)


def _share(caught: float, missed: float, otherwise: float) -> float:
    return caught / (caught + missed) if caught + missed else otherwise


def quality_of(
    store: Store, period: Period, found: Mapping[Looked, Agreed], random: float, seen: Callable[[], object]
) -> Quality:
    """Read the results that were written in the period, and join them with what was said.

    Raises:
        StorageError: the store cannot be read.
    """
    quality = Quality()
    written = (info for info in store.list(results.FOLDER) if period.has(info.modified))
    for moment, result in in_order(partial(_read, store), written, _WORKERS):
        seen()
        if result is not None:
            quality.add(result, _said(found, result, moment), random)
    return quality


def _read(store: Store, info: ObjectInfo) -> tuple[datetime | None, dict[str, Any] | None]:
    try:
        return info.modified, results.decode(store.get(info.key).data)
    except ObjectNotFound:
        return info.modified, None


def _said(found: Mapping[Looked, Agreed], result: Mapping[str, Any], written: datetime | None) -> Agreed | None:
    """What was said of the picture of a result.

    Who stated no version looked at the one that was there: one that came later has a later result. So has a picture
    that a backfill scored again; then it counts as if nobody had looked, which makes no bound too narrow.
    """
    key, version = result["source"]["key"], result["source"]["version"]
    exact = found.get((key, version)) if version is not None else None
    loose = found.get((key, None))
    verdicts = [*(exact.verdicts if exact else ())]
    verdicts += [said for said in (loose.verdicts if loose else ()) if written is None or said.received >= written]
    return Agreed(tuple(verdicts)) if verdicts else None
