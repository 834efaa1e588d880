"""Where a candidate decides otherwise than production did."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from steel_defect.parallel import in_order
from steel_defect.storage import ObjectNotFound
from steel_defect.uploads import results
from steel_defect.uploads.shadow import FOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from steel_defect.storage import ObjectInfo, Store
    from steel_defect.uploads.history import Period

_WORKERS: Final = 16


@dataclass
class Differences:
    """What a candidate and production said of the same pictures.

    Attributes:
        counts: how many pictures for each pair of what production decided, and what the candidate would have; `failed`
            for what could not be scored.
        pairs: the results of both for each picture that is decided otherwise, in the order of their names.
        unpaired: results of the candidate whose picture was replaced, or scored by it in production since.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    pairs: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    unpaired: int = 0


def candidates(store: Store) -> list[str]:
    """The SHA-256 of each model that ran in the shadow.

    Raises:
        StorageError: the store cannot be read.
    """
    return sorted({info.key.removeprefix(FOLDER).partition("/")[0] for info in store.list(FOLDER)})


def differences(store: Store, sha256: str, period: Period) -> Differences:
    """Compare the results of a candidate that were written in the period with those of production.

    Raises:
        StorageError: the store cannot be read.
    """
    found = Differences()
    written = (info for info in store.list(f"{FOLDER}{sha256}/") if period.has(info.modified))
    for pair in in_order(partial(_pair, store), written, _WORKERS):
        if pair is None:
            found.unpaired += 1
            continue
        production, candidate = pair
        decided = decision_of(production), decision_of(candidate)
        found.counts[decided] += 1
        if decided[0] != decided[1]:
            found.pairs.append(pair)
    return found


def decision_of(result: Mapping[str, Any]) -> str:
    """The decision of a result; "failed" if its picture could not be scored."""
    return str(result.get("decision", "failed"))


def _pair(store: Store, info: ObjectInfo) -> tuple[dict[str, Any], dict[str, Any]] | None:
    try:
        candidate = results.decode(store.get(info.key).data)
        if candidate is None:
            return None
        production = results.decode(store.get(results.result_key(candidate["source"]["key"])).data)
    except ObjectNotFound:
        return None
    if production is None or production["source"] != candidate["source"]:
        return None
    return None if production["model"]["sha256"] == candidate["model"]["sha256"] else (production, candidate)
