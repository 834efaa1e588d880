"""Pictures that are scored on this machine, as the upload function scores those of a bucket."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from steel_defect.errors import ObjectGone, SteelDefectError
from steel_defect.location import Buckets, Location
from steel_defect.storage import ObjectNotFound, open_store
from steel_defect.uploads.processor import Outcome, UploadProcessor
from steel_defect.uploads.refs import UNKNOWN_ORDER, ObjectRef
from steel_defect.watch.steps import Done, Gone, Later

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect.settings import Settings
    from steel_defect.uploads.processor import Models
    from steel_defect.watch.ledger import Claim
    from steel_defect.watch.steps import Step

# A writer that stalls longer than this has given up, and what it wrote is judged as it is.
PATIENCE_SECONDS: Final = 60.0


class ScoredHere:
    """Scores pictures, and writes their results. Safe to call from several threads."""

    def __init__(self, folder: Path, results: Location, models: Models, settings: Settings) -> None:
        """Take the folder, absolute, where results go, what scores, and what is known of the pictures.

        Raises:
            LocationError: results would go into the folder itself.
            StorageRefused: the place of the results cannot be opened.
        """
        self._pictures = Location.parse(folder.as_uri())
        self._store = open_store(self._pictures)
        self._events: dict[str, dict[str, Any]] = {}
        self._processor = UploadProcessor(
            models,
            Buckets(self._pictures, results),
            self._keep,
            camera=settings.camera,
            ignored_suffixes=settings.ignored_suffixes,
            coil_pattern=settings.coil_pattern,
        )

    def __call__(self, claim: Claim) -> Step:
        """Score one picture.

        Raises:
            StorageError, SteelDefectError: it can be scored later.
        """
        key = claim.file.key
        try:
            info = self._store.head(key)
        except ObjectNotFound:
            return Gone()
        ref = ObjectRef("file", self._pictures.bucket, key, UNKNOWN_ORDER, size=info.size, tag=info.tag)
        outcome = self._outcome(ref, claim.since + PATIENCE_SECONDS)
        if not isinstance(outcome, Outcome):
            return outcome
        if outcome is Outcome.SUPERSEDED:
            return Later(time.time(), "it changed while it was read")
        # Also of a duplicate: it was written just before this process was killed, and nobody was told.
        event = self._events.pop(key, None)
        return Done(outcome.value if event is None else event["status"], event)

    def _outcome(self, ref: ObjectRef, patient_until: float) -> Outcome | Step:
        try:
            return self._processor.process(ref, patient=True)
        except ObjectGone:
            return Gone()
        except SteelDefectError as error:
            if error.status >= 500:  # noqa: PLR2004 - a fault of ours, not of the picture
                raise
            if time.time() < patient_until:
                return Later(patient_until, f"it may be half-written: {error}")
        return self._processor.process(ref)

    def _keep(self, event: dict[str, Any]) -> None:
        """A key is worked on by one thread at a time."""
        self._events[event["source"]["key"]] = event
