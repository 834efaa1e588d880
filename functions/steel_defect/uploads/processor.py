"""One upload: read it, score it, write its result, tell whoever listens. Any event may come twice, late, or both."""

from __future__ import annotations

import os
from contextlib import suppress
from enum import StrEnum
from functools import cache
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Any, Final

from steel_defect import observation
from steel_defect.errors import ObjectGone, SteelDefectError, TooManyBytes
from steel_defect.storage import ObjectNotFound, PreconditionFailed, StorageUnavailable, open_store
from steel_defect.uploads import results
from steel_defect.uploads.refs import UNKNOWN_ORDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from steel_defect.scorer import Scorer
    from steel_defect.storage import ObjectInfo, Store
    from steel_defect.uploads.refs import ObjectRef

_ATTEMPTS: Final = 20
_TOLD: Final = ("status", "source", "model", "decision", "defect_prob", "problem")


class Outcome(StrEnum):
    """What came of one event."""

    SCORED = "scored"
    FAILED = "failed"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"


class ResultsAmongUploads(RuntimeError):
    """An event came from the results bucket: scoring it would write there again, without end."""


class UploadProcessor:
    """Turns references to uploads into results. Keeps no state between them, and may be called from several threads."""

    def __init__(
        self,
        scorer: Callable[[], Scorer],
        results_uri: str,
        publish: Callable[[dict[str, Any]], None] | None = None,
        open_bucket: Callable[[str], Store] | None = None,
    ) -> None:
        """Take the source of the model, the place of the results, and who is told of them.

        Args:
            scorer: gives the model, or raises `ModelUnavailable`.
            results_uri: store that gets `scores/<key>.json`.
            publish: takes one outcome event; None where nobody listens. Raises to have the upload tried again.
            open_bucket: from a URI such as "s3://bucket" to its store; default `open_store`, each opened once.
        """
        self._scorer = scorer
        self._results_uri = results_uri.rstrip("/")
        self._publish = publish
        self._open_bucket = open_bucket or cache(open_store)
        self._opening = Lock()
        # However many wait for a bucket: a large picture takes hundreds of MB while it is decoded.
        self._scoring = BoundedSemaphore(os.cpu_count() or 1)
        self._results = self._open(self._results_uri)

    def process(self, ref: ObjectRef) -> Outcome:
        """Make sure that the result of this version, or of a newer one, is written, and told.

        Raises:
            ModelUnavailable, StorageError: worth another try. So is whatever `publish` raises.
            ResultsAmongUploads: never write.
        """
        if f"{self._results_uri}/".startswith(f"{ref.scheme}://{ref.bucket}/"):
            message = f"{ref.uri} is in the bucket of the results; take its notifications away"
            raise ResultsAmongUploads(message)
        scorer = self._scorer()
        existing, info = self._existing(ref)
        if existing is not None and self._is_newer(existing, ref):
            return Outcome.SUPERSEDED
        if existing is not None and results.is_of(existing, ref, scorer):
            # Told again: that it is written does not show that it was told.
            self._tell(existing)
            _note_existing(existing)
            return Outcome.DUPLICATE
        result = self._score(ref, scorer)
        if result is None or not self._write(ref, result, existing, info):
            return Outcome.SUPERSEDED
        self._tell(result)
        return Outcome(result["status"])

    def _open(self, uri: str) -> Store:
        with self._opening:  # A client costs a tenth of a second; several threads want the same one at first.
            return self._open_bucket(uri)

    def _is_newer(self, existing: dict[str, Any], ref: ObjectRef) -> bool:
        if existing["source"]["order"] != UNKNOWN_ORDER or ref.order == UNKNOWN_ORDER:
            return results.is_newer_than(existing, ref)
        # A backfill wrote the result and knew no order. It took the newest version there was, so an event of another
        # version is newer only if that version is the newest by now.
        if ref.version is None:
            return False  # Without versions, reading finds out.
        try:
            return self._open(f"{ref.scheme}://{ref.bucket}").head(ref.key).version != ref.version
        except ObjectNotFound:
            return False

    def _score(self, ref: ObjectRef, scorer: Scorer) -> dict[str, Any] | None:
        """The result; None where a newer version has taken the object's place, whose own event is on its way."""
        store = self._open(f"{ref.scheme}://{ref.bucket}")
        try:
            with observation.stage("read"):
                data = self._read(store, ref, scorer.contract.input.max_bytes)
            if data is None:
                return None
            observation.note(picture_bytes=len(data))
            with self._scoring:
                prediction = scorer.score(data)
            observation.note_prediction(prediction, scorer)
            return results.scored(ref, prediction, scorer)
        except SteelDefectError as error:
            if error.status >= 500:  # noqa: PLR2004 - a fault of ours, not of the picture
                raise
            observation.note_problem(error)
            return results.failed(ref, error, scorer)

    def _read(self, store: Store, ref: ObjectRef, max_bytes: int) -> bytes | None:
        try:
            size = ref.size
            # What an event says of the size holds for its version; without versions another object may be there by now.
            if size is None or ref.version is None:
                info = store.head(ref.key, version=ref.version)
                if _is_another(info, ref):
                    return None
                size = info.size
            if size > max_bytes:
                message = f"the upload has {size:,} bytes; at most {max_bytes:,} are accepted"
                raise TooManyBytes(message)
            stored = store.get(ref.key, version=ref.version)
        except ObjectNotFound as error:
            if _exists(store, ref.key):
                return None
            message = "the upload was deleted before it could be scored"
            raise ObjectGone(message) from error
        return None if _is_another(stored.info, ref) else stored.data

    def _existing(self, ref: ObjectRef) -> tuple[dict[str, Any] | None, ObjectInfo | None]:
        try:
            with observation.stage("read"):
                stored = self._results.get(results.result_key(ref.key))
        except ObjectNotFound:
            return None, None
        return results.decode(stored.data), stored.info

    def _write(
        self, ref: ObjectRef, result: dict[str, Any], existing: dict[str, Any] | None, info: ObjectInfo | None
    ) -> bool:
        """Write by compare-and-swap; False where a newer version's result is there."""
        key = results.result_key(ref.key)
        for _ in range(_ATTEMPTS):
            if existing is not None and self._is_newer(existing, ref):
                return False
            condition: dict[str, Any] = {"if_absent": True} if info is None else {"if_match": info.tag}
            try:
                with observation.stage("write"):
                    self._results.put(key, results.encode(result), content_type="application/json", **condition)
            except PreconditionFailed:
                existing, info = self._existing(ref)
            else:
                return True
        message = f"{key} changes faster than it can be written"
        raise StorageUnavailable(message)

    def _tell(self, result: dict[str, Any]) -> None:
        if self._publish is None:
            return
        source = result["source"]
        told: dict[str, Any] = {name: result[name] for name in _TOLD if name in result}
        with observation.stage("tell"):
            self._publish({**told, "result": f"{self._results_uri}/{results.result_key(source['key'])}"})


def _note_existing(result: dict[str, Any]) -> None:
    """Note what a result says that was there before."""
    if "problem" in result:
        observation.note(problem=result["problem"]["type"].rpartition(":")[2])
    else:
        observation.note(decision=result["decision"])


def _is_another(info: ObjectInfo, ref: ObjectRef) -> bool:
    """Whether another object has taken the place: a bucket without versions gives what is there now."""
    return ref.version is None and ref.tag is not None and info.tag.strip('"') != ref.tag.strip('"')


def _exists(store: Store, key: str) -> bool:
    """Whether there is an object. Raises `StorageRefused` where there is not even a bucket."""
    for look in (store.head, store.get):  # S3 tells a missing bucket from a missing object only to a GET.
        with suppress(ObjectNotFound):
            look(key)
            return True
    return False
