"""Keeps pictures that are worth a person's look: `captured/<day>/<kind>/<id>` in the bucket of results.

There because nothing is told of new objects in it, and because the uploads may be deleted after some days. Beside each
picture, `<id>.json` says which it is. A picture is of the first of these kinds whose number of the day is not reached:

- `random`: drawn by its lot, whatever the model says;
- `unfamiliar`: like nothing that the model was trained on;
- `near`: its probability is near the threshold.

Functions that look at the same moment may keep some more than the daily number. A picture that cannot be kept has its
result all the same.
"""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from steel_defect.decision import Reason
from steel_defect.parallel import in_order
from steel_defect.storage import ObjectNotFound, PreconditionFailed, StorageError
from steel_defect.uploads.lot import lot_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from steel_defect.capturing import Capturing
    from steel_defect.storage import ObjectInfo, Store

FOLDER: Final = "captured/"
_JSON: Final = ".json"
_WORKERS: Final = 16
_log = logging.getLogger(__name__)


def keep(terms: Capturing, store: Store, result: Mapping[str, Any], data: bytes) -> str | None:
    """Keep a picture that was scored, if it is worth it. Never raises what a store does.

    Returns:
        The kind that it was kept as; None if it was not.
    """
    day = datetime.now(UTC).date().isoformat()
    try:
        for kind in _kinds(terms, result):
            folder = f"{FOLDER}{day}/{kind}/"
            if sum(info.key.endswith(_JSON) for info in store.list(folder)) < terms.daily:
                _write(store, folder, kind, result, data)
                return kind
    except StorageError as error:
        _log.warning("%s is not kept for people to look at: %s", result["source"]["uri"], error)
    return None


def captured(store: Store) -> dict[tuple[str, str | None], str]:
    """Where each picture is that was kept, by the name and the version of its upload.

    Raises:
        StorageError: the store cannot be read.
    """
    return dict(_records(store))


def _records(store: Store) -> Iterator[tuple[tuple[str, str | None], str]]:
    records = (info for info in store.list(FOLDER) if info.key.endswith(_JSON))
    for record in in_order(partial(_read, store), records, _WORKERS):
        match record:
            case {"source": {"key": str(key), "version": str() | None as version}, "picture": str(picture)}:
                yield (key, version), picture


def _read(store: Store, info: ObjectInfo) -> object:
    try:
        content: object = json.loads(store.get(info.key).data)
    except (ObjectNotFound, ValueError, RecursionError):
        return None
    return content


def _kinds(terms: Capturing, result: Mapping[str, Any]) -> Iterator[str]:
    if lot_of(result["source"]) < terms.random:
        yield "random"
    if Reason.UNFAMILIAR in result["reasons"]:
        yield "unfamiliar"
    if abs(result["defect_prob"] - result["threshold"]) <= terms.near:
        yield "near"


def _write(store: Store, folder: str, kind: str, result: Mapping[str, Any], data: bytes) -> None:
    source = result["source"]
    identity = hashlib.sha256(f"{source['key']}\n{source['version']}\n{source.get('etag')}".encode()).hexdigest()[:32]
    picture = f"{folder}{identity}.{result['image']['format'].lower()}"
    record = {"picture": picture, "kind": kind, **{name: result[name] for name in ("source", "model", "defect_prob")}}
    # The picture first: what a record names is there. The same event again writes the same.
    store.put(picture, data, content_type=f"image/{result['image']['format'].lower()}")
    try:
        content = json.dumps(record, indent=2).encode()
        store.put(f"{folder}{identity}{_JSON}", content, content_type="application/json", if_absent=True)
    except PreconditionFailed:
        return
