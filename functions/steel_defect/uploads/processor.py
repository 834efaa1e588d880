"""One upload: read it, score it, write its result, publish its outcome. Any event may come twice, late, or both."""

from __future__ import annotations

import os
from enum import StrEnum
from functools import cache
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Any, Final

from steel_defect import observation
from steel_defect.errors import SteelDefectError
from steel_defect.storage import ObjectNotFound, open_store
from steel_defect.uploads import results
from steel_defect.uploads.reading import read_upload
from steel_defect.uploads.refs import UNKNOWN_ORDER
from steel_defect.uploads.written import ResultStore, Written

if TYPE_CHECKING:
    from collections.abc import Callable

    from steel_defect.location import Location
    from steel_defect.scorer import Scorer
    from steel_defect.storage import Store
    from steel_defect.uploads.refs import ObjectRef

_PUBLISHED: Final = ("status", "source", "model", "decision", "defect_prob", "problem")


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
        models: Callable[[], Scorer],
        location: Location,
        publish: Callable[[dict[str, Any]], None] | None = None,
        open_bucket: Callable[[Location], Store] | None = None,
    ) -> None:
        """Take the source of the model, the location of the results, and what publishes outcomes.

        Args:
            models: gives the model that serves now, or raises `ModelUnavailable`.
            location: of the store that gets `scores/<key>.json`.
            publish: takes one outcome event; None if nobody listens. Raises to have the upload tried again.
            open_bucket: from the location of a whole bucket, or of the results, to its store; default `open_store`,
                each opened once.
        """
        self._models = models
        self._location = location
        self._publish = publish
        self._open_bucket = open_bucket or cache(open_store)
        self._opening = Lock()
        # However many wait for a bucket: a large picture takes hundreds of MB while it is decoded.
        self._scoring = BoundedSemaphore(os.cpu_count() or 1)
        self.results = ResultStore(self._open(location))

    def process(self, ref: ObjectRef, written: Written | None = None) -> Outcome:
        """Make sure that the result of this version, or of a newer one, is written and published.

        Args:
            ref: the version.
            written: what `results.read` gave for its key, if the caller needed it.

        Raises:
            ModelUnavailable, StorageError: worth another try. So is whatever `publish` raises.
            ResultsAmongUploads: never write.
        """
        if self._location.shares_bucket(ref.store):
            message = f"{ref.uri} is in the bucket of the results; take its notifications away"
            raise ResultsAmongUploads(message)
        scorer = self._models()
        if written is None:
            written = self.results.read(ref.key)
        if written.result is not None and self._is_newer(written.result, ref):
            return Outcome.SUPERSEDED
        if written.result is not None and results.is_of(written.result, ref, scorer):
            # Published again: a result that is written need not have been published.
            self._publish_outcome(written.result)
            _note_written(written.result)
            return Outcome.DUPLICATE
        result = self._score(ref, scorer)
        if result is None or not self.results.replace(written, result, lambda found: self._is_newer(found, ref)):
            return Outcome.SUPERSEDED
        self._publish_outcome(result)
        return Outcome(result["status"])

    def _open(self, location: Location) -> Store:
        with self._opening:  # A client costs a tenth of a second; several threads want the same one at first.
            return self._open_bucket(location)

    def _is_newer(self, result: dict[str, Any], ref: ObjectRef) -> bool:
        """Whether a result is of a newer version of the object than `ref`.

        Events know the order of versions; a backfill knows it on Cloud Storage, and on S3 only from an earlier result:

            order in the result   order in `ref`   the result is newer
            known                 known            if its order is greater
            known                 unknown          yes: an event came while a backfill ran
            unknown               unknown          no
            unknown               known            if the bucket's present version is not that of `ref`: a backfill
                                                   takes the present version, so an event of that one is not older
        """
        if result["source"]["order"] != UNKNOWN_ORDER or ref.order == UNKNOWN_ORDER:
            return results.is_newer_than(result, ref)
        if ref.version is None:
            return False  # Without versions, reading the object decides.
        try:
            return self._open(ref.store).head(ref.key).version != ref.version
        except ObjectNotFound:
            return False

    def _score(self, ref: ObjectRef, scorer: Scorer) -> dict[str, Any] | None:
        """The result; None if a newer version has replaced the object, whose own event is on its way."""
        store = self._open(ref.store)
        try:
            with observation.stage("read"):
                data = read_upload(store, ref, scorer.contract.input.max_bytes)
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

    def _publish_outcome(self, result: dict[str, Any]) -> None:
        if self._publish is None:
            return
        outcome: dict[str, Any] = {name: result[name] for name in _PUBLISHED if name in result}
        with observation.stage("tell"):
            written_at = self._location.below(results.result_key(result["source"]["key"]))
            self._publish({**outcome, "result": str(written_at)})


def _note_written(result: dict[str, Any]) -> None:
    """Note what an earlier result says."""
    if "problem" in result:
        observation.note(problem=result["problem"]["type"].rpartition(":")[2])
    else:
        observation.note(decision=result["decision"])
