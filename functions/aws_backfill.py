"""One batch of a backfill: objects that a Distributed Map of Step Functions listed.

Its items are the entries of S3's listing: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html.
What comes of a batch is one line of the report that Step Functions writes.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from steel_defect.storage import ObjectInfo
from steel_defect.uploads.refs import UnknownEvent

if TYPE_CHECKING:
    from steel_defect.scorer import Scorer
    from steel_defect.uploads.backfill import Backfill

# The processor waits for S3 most of the time.
_WORKERS: Final = 8
_NAMED: Final = 3


class NotFinished(RuntimeError):
    """Some objects of the batch have no result; Step Functions tries it again, and what is done is not done twice."""


def score(event: object, backfill: Backfill, scorer: Scorer) -> dict[str, Any]:
    """Score the objects that have no result of this model yet.

    Args:
        event: see the module.
        backfill: scores one object.
        scorer: the model in production when the batch begins, for the report.

    Returns:
        `objects`, how many there were; `outcomes`, how many of them came to which outcome; `failed`, the keys of those
        that can never be scored, whose results say why; `model`, the name, version and SHA-256 of the model.

    Raises:
        UnknownEvent: the event is no such batch.
        NotFinished: at least one object met a fault that may pass; says which, and why.
    """
    listed = [_info(item) for item in _items(event)]
    with ThreadPoolExecutor(_WORKERS) as pool:
        done = list(pool.map(backfill.score, listed))
    unfinished = [one for one in done if one.outcome is None]
    if unfinished:
        named = "; ".join(f"{one.uri}: {one.error}" for one in unfinished[:_NAMED])
        message = f"{len(unfinished)} of {len(done)} objects have no result, for example {named}"
        raise NotFinished(message)
    outcomes = Counter(one.outcome.value for one in done if one.outcome is not None)
    failed = [info.key for info, one in zip(listed, done, strict=True) if one.outcome == "failed"]
    return {
        "objects": len(done),
        "outcomes": dict(sorted(outcomes.items())),
        "failed": failed,
        "model": scorer.identity,
    }


def _items(event: object) -> list[Any]:
    match event:
        case {"Items": [*items]}:
            return items
        case _:
            message = 'the event is no batch of a Distributed Map: it has no list "Items"'
            raise UnknownEvent(message)


def _info(item: object) -> ObjectInfo:
    match item:
        case {"Key": str(key), "Size": int(size), "Etag": str(tag)}:
            return ObjectInfo(key, size, tag, None)
        case _:
            message = f"an item of the batch is no entry of a listing of S3: {str(item)[:200]}"
            raise UnknownEvent(message)
