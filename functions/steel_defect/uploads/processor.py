"""One upload: read it, score it, write its result, notify. An event may come twice, late, or not at all.

What `UploadProcessor.process` does with a reference to one version of an object:

| the result that is written | the reference | what is done | outcome |
|---|---|---|---|
| none, or nothing that is a result of this object | - | scored and written | scored, failed |
| of the same version, by the same model | - | notified again, not written | duplicate |
| of the same version, by another model | - | scored by the model in production, replaced | scored, failed |
| of a newer version | - | nothing | superseded |
| of an older version | - | scored; the old result is kept in `history/`, then replaced | scored, failed |
| any | its object is gone, another one is there | nothing: that one has an event of its own | superseded |
| none | its object is gone, no other is there | a result that says so | failed |
| any | its object is gone, no other is there | nothing: "gone" never replaces a result | ignored |
| any | a folder marker, no bytes, an ignored suffix | nothing | ignored |

Which of two versions is newer:

| both orders known (S3's sequencer, Cloud Storage's generation) | the bucket keeps versions | the newer one |
|---|---|---|
| yes | - | has the greater order |
| no: a backfill found one of them | yes | comes first in the bucket's list of versions; a deleted one is older |
| no | no | is in the bucket now, which reading it shows; if none of them is, the one whose result is written |

The order in a result belongs to the version of that result and to no other.

A result by another model is replaced only by the model that the registry names at that moment: an instance that has not
heard of a promotion yet cannot undo its results.
"""

from __future__ import annotations

import os
from enum import StrEnum
from functools import cache
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Any, Final, Protocol

from steel_defect import observation
from steel_defect.errors import SteelDefectError
from steel_defect.place import UNKNOWN, place_of
from steel_defect.storage import ObjectNotFound, PreconditionFailed, StorageUnavailable, open_store
from steel_defect.uploads import results
from steel_defect.uploads.foreign import NotAPicture, Reason, reason_to_ignore
from steel_defect.uploads.reading import identify, read_upload
from steel_defect.uploads.refs import UNKNOWN_ORDER, is_older

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from steel_defect.admission import Admission
    from steel_defect.camera import Camera
    from steel_defect.location import Buckets, Location
    from steel_defect.scorer import Scorer
    from steel_defect.storage import ObjectInfo, Store
    from steel_defect.uploads.refs import ObjectRef

_ATTEMPTS: Final = 20
_PUBLISHED: Final = (
    "status",
    "source",
    "coil",
    "position_mm",
    "model",
    "decision",
    "reasons",
    "defect_prob",
    "problem",
)


class Outcome(StrEnum):
    """What came of one event."""

    SCORED = "scored"
    FAILED = "failed"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    IGNORED = "ignored"


class Models(Protocol):
    """Where the model comes from; see `serving.ModelSource`."""

    def registered(self) -> Scorer:
        """The model that serves, never the bundled one in place of one that a registry names."""

    def confirmed(self) -> Scorer:
        """The model that is in production now."""


class ForeignBucket(RuntimeError):
    """An event came from another bucket than that of the uploads: its results would mix with theirs."""


class UploadProcessor:
    """Turns references to uploads into results. Keeps no state between them, and may be called from several threads."""

    def __init__(  # noqa: PLR0913 - what a deployment configures
        self,
        models: Models,
        buckets: Buckets,
        publish: Callable[[dict[str, Any]], None] | None = None,
        *,
        camera: Camera | None = None,
        admission: Admission | None = None,
        ignored_suffixes: tuple[str, ...] = (),
        coil_pattern: re.Pattern[str] | None = None,
        open_bucket: Callable[[Location], Store] | None = None,
        afterwards: Callable[[Store, dict[str, Any], bytes], object] | None = None,
    ) -> None:
        """Take the source of the model, the buckets, and what publishes outcomes.

        Args:
            models: gives the model, or raises `ModelUnavailable`.
            buckets: where uploads come, objects of other buckets are refused; and the store that gets
                `scores/<key>.json` and `history/<key>/<version>.json`.
            publish: takes one outcome event; None if nobody listens. Raises to have the upload tried again.
            camera: that the pictures are from; None if nothing is known of it.
            admission: bounds what is scored at a time; None for no bound but that of the processors.
            ignored_suffixes: ends of names, in lower case, that no picture has.
            coil_pattern: tells from a key where its picture was taken; None if it tells nothing.
            open_bucket: from the location of a whole bucket, or of the results, to its store; default `open_store`,
                each opened once.
            afterwards: given the store of results, each result of a picture that was scored, once it is written and
                published, and the picture. Raises nothing.
        """
        self._models = models
        self._buckets = buckets
        self._publish = publish
        self._camera = camera
        self._admission = admission
        self._ignored_suffixes = ignored_suffixes
        self._coil_pattern = coil_pattern
        self._afterwards = afterwards
        self._open_bucket = open_bucket or cache(open_store)
        self._opening = Lock()
        # However many wait for a bucket: a large picture takes hundreds of MB while it is decoded.
        self._scoring = BoundedSemaphore(os.cpu_count() or 1)
        self._results = self._open(buckets.results)

    def process(self, ref: ObjectRef, *, patient: bool = False) -> Outcome:
        """Make sure that the result of this version, or of a newer one, is written and published.

        Args:
            ref: to the version.
            patient: the object may be half-written, or about to be renamed. Its error is raised, in place of a result
                that says that it can never be scored.

        Raises:
            SteelDefectError: the picture cannot be scored now, and `patient` is set.
            ModelUnavailable, StorageError: worth another try. So is whatever `publish` raises.
            ForeignBucket: the object is in another bucket than the uploads.
        """
        try:
            self._require_upload(ref)
            return self._process(ref, patient=patient)
        except NotAPicture as ignored:
            observation.note(ignored=ignored.reason.value)
            return Outcome.IGNORED

    def _process(self, ref: ObjectRef, *, patient: bool) -> Outcome:
        scorer, scored = self._models.registered(), None
        for _ in range(_ATTEMPTS):
            existing, info = self._existing(ref)
            if existing is not None and self._is_newer(existing, ref):
                return Outcome.SUPERSEDED
            allowed = self._allowed_to_replace(existing, scorer)
            if allowed is not scorer:
                scorer, scored = allowed, None
            same = existing is not None and results.is_of_version(existing, ref)
            # What was gone may be back, in a bucket without versions under the same ETag.
            if existing is not None and same and results.is_by(existing, scorer) and not results.is_gone(existing):
                return self._again(existing)
            scored = scored or self._score(ref, scorer, patient=patient)
            if scored is None:
                return Outcome.SUPERSEDED
            result, data = scored
            if existing is not None and results.is_gone(result):
                return self._still_gone(existing, same=same)
            if self._replace(result, None if same else existing, info):
                self._publish_outcome(result)
                if self._afterwards is not None and data is not None:
                    self._afterwards(self._results, result, data)
                return Outcome(result["status"])
        message = f"{results.result_key(ref.key)} changes faster than it can be written"
        raise StorageUnavailable(message)

    def _allowed_to_replace(self, existing: dict[str, Any] | None, scorer: Scorer) -> Scorer:
        """The model that may replace the result: any its own, only the one in production that of another."""
        return scorer if existing is None or results.is_by(existing, scorer) else self._models.confirmed()

    def _still_gone(self, existing: dict[str, Any], *, same: bool) -> Outcome:
        """An object is gone that has a result, or whose key has one of an earlier version."""
        if same and results.is_gone(existing):
            return self._again(existing)
        raise NotAPicture(Reason.GONE)

    def _require_upload(self, ref: ObjectRef) -> None:
        uploads = self._buckets.uploads
        if ref.store != uploads.root:
            of_results = self._buckets.results.shares_bucket(ref.store)
            what = "of the results" if of_results else f"of other objects than the uploads, {uploads}"
            message = f"{ref.uri} is in a bucket {what}; remove that bucket's notifications"
            raise ForeignBucket(message)
        reason = reason_to_ignore(ref, uploads.below("").prefix, self._ignored_suffixes)
        if reason is not None:
            raise NotAPicture(reason)

    def _open(self, location: Location) -> Store:
        with self._opening:  # A client costs a tenth of a second; several threads want the same one at first.
            return self._open_bucket(location)

    def _is_newer(self, existing: dict[str, Any], ref: ObjectRef) -> bool:
        """Whether the written result is of a newer version than the reference; see the module's table."""
        source = existing["source"]
        if results.is_of_version(existing, ref):
            return False
        if UNKNOWN_ORDER not in {source["order"], ref.order}:
            return is_older(ref.order, source["order"])
        if ref.version is None or source["version"] is None:
            return False  # Without versions, reading shows whether the reference is of the present object.
        versions = self._open(ref.store).versions(ref.key)
        there = [version for version in versions if version in {ref.version, source["version"]}]
        return not there or there[0] == source["version"]

    def _score(self, ref: ObjectRef, scorer: Scorer, *, patient: bool) -> tuple[dict[str, Any], bytes | None] | None:
        """The result, and the picture if it could be scored.

        None if a newer version has replaced the object, whose own event is on its way.
        """
        store = self._open(ref.store)
        place = UNKNOWN if self._coil_pattern is None else place_of(ref.key, self._coil_pattern)
        observation.note(**place.as_json())
        try:
            with observation.stage("read"):
                identified = identify(store, ref)
                ref = identified or ref
                found = None if identified is None else read_upload(store, ref, scorer.contract.input.max_bytes)
            if found is None:
                return None
            data, ref = found
            observation.note(picture_bytes=len(data))
            with self._scoring:
                prediction = scorer.score(data, self._camera, self._admission)
            observation.note_prediction(prediction, scorer)
            return results.scored(ref, prediction, scorer, place), data
        except SteelDefectError as error:
            if patient or error.status >= 500:  # noqa: PLR2004 - a fault of ours, not of the picture
                raise
            observation.note_problem(error)
            return results.failed(ref, error, scorer, place), None

    def _existing(self, ref: ObjectRef) -> tuple[dict[str, Any] | None, ObjectInfo | None]:
        """The result of this object that is written, if there is one, and the object that is in its place."""
        try:
            with observation.stage("read"):
                stored = self._results.get(results.result_key(ref.key))
        except ObjectNotFound:
            return None, None
        result = results.decode(stored.data)
        return (result if result is not None and results.is_of_object(result, ref) else None), stored.info

    def _replace(self, result: dict[str, Any], existing: dict[str, Any] | None, info: ObjectInfo | None) -> bool:
        """Write by compare-and-swap, and keep the result of an earlier version; False if something else came first."""
        key = results.result_key(result["source"]["key"])
        condition: dict[str, Any] = {"if_absent": True} if info is None else {"if_match": info.tag}
        try:
            with observation.stage("write"):
                if existing is not None:
                    kept = results.encode(existing)
                    self._results.put(results.history_key(existing), kept, content_type="application/json")
                self._results.put(key, results.encode(result), content_type="application/json", **condition)
        except PreconditionFailed:
            return False
        return True

    def _again(self, existing: dict[str, Any]) -> Outcome:
        """Publish again: a result that is written need not have been published."""
        self._publish_outcome(existing)
        if "problem" in existing:
            observation.note(problem=existing["problem"]["type"].rpartition(":")[2])
        else:
            observation.note(decision=existing["decision"], reasons=existing.get("reasons", []))
        return Outcome.DUPLICATE

    def _publish_outcome(self, result: dict[str, Any]) -> None:
        if self._publish is not None:
            with observation.stage("tell"):
                self._publish(event_of(result, self._buckets.results))


def event_of(result: dict[str, Any], written_to: Location) -> dict[str, Any]:
    """The outcome event of a result: what decides, and where the whole of it is written."""
    outcome: dict[str, Any] = {name: result[name] for name in _PUBLISHED if name in result}
    return {**outcome, "result": str(written_to.below(results.result_key(result["source"]["key"])))}
