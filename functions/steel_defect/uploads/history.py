"""The results of a period, read from their store."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from steel_defect.parallel import in_order
from steel_defect.storage import ObjectNotFound
from steel_defect.uploads import results

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from steel_defect.storage import ObjectInfo, Store


@dataclass(frozen=True)
class Period:
    """From `since` on and before `until`, both with a time zone; None is open."""

    since: datetime | None = None
    until: datetime | None = None

    def has(self, moment: datetime | None) -> bool:
        """Whether the moment is in it. An unknown moment is only in a period that is open at both ends."""
        if moment is None:
            return self.since is None and self.until is None
        return (self.since is None or moment >= self.since) and (self.until is None or moment < self.until)


def read_results(store: Store, period: Period, workers: int) -> Iterator[dict[str, Any] | None]:
    """Every result that was written in the period; None for an object that is no result, or was removed meanwhile.

    A result holds no time, since it is a function of picture and model alone. So it counts by when it was written: for
    an upload seconds after the picture came, for a backfill when that ran.

    Raises:
        StorageError: the store cannot be read.
    """
    written = (info for info in store.list(results.FOLDER) if period.has(info.modified))
    return in_order(partial(_read, store), written, workers)


def _read(store: Store, info: ObjectInfo) -> dict[str, Any] | None:
    try:
        return results.decode(store.get(info.key).data)
    except ObjectNotFound:
        return None


def statistics_in(result: dict[str, Any]) -> dict[str, float] | None:
    """The statistics of the picture and its probability; None if a result has none: it failed, or is too old."""
    match result:
        case {"status": "scored", "statistics": dict(found), "defect_prob": int() | float() as probability}:
            return {**found, "defect_prob": float(probability)}
        case _:
            return None
