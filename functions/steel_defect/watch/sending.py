"""Pictures that are sent to a bucket, and whose results the upload function writes."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from steel_defect.client.uploads import Sent as SentObject
from steel_defect.client.uploads import Uploads
from steel_defect.uploads.processor import event_of
from steel_defect.watch.steps import Done, Gone, Later, Sent

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect.location import Location
    from steel_defect.watch.ledger import Claim
    from steel_defect.watch.steps import Step

_WAITING_SHARE: Final = 0.1
_SHORTEST_WAIT_SECONDS: Final = 1.0
_LONGEST_WAIT_SECONDS: Final = 30.0


class SentAway:
    """Sends pictures, each once, and asks for their results. Safe to call from several threads."""

    def __init__(self, folder: Path, to: Location, results: Location | None) -> None:
        """Take the folder, where pictures go, and where their results will be; None if nobody waits for them.

        Raises:
            LocationError: both are in one bucket.
            StorageRefused: a place cannot be opened.
        """
        self._folder = folder
        self._results = results
        self._uploads = Uploads(to, results)

    def __call__(self, claim: Claim) -> Step:
        """Send one picture, or ask for its result.

        Raises:
            StorageError: try again later.
        """
        if claim.sent is not None:
            return self._ask(SentObject(**claim.sent), claim.since)
        try:
            picture = (self._folder / claim.file.key).read_bytes()
        except FileNotFoundError:
            return Gone()
        if len(picture) != claim.file.size:
            return Later(time.time(), "it changed while it was read")
        sent = self._uploads.send_once(claim.file.key, picture)
        return Done("sent") if self._results is None else Sent(asdict(sent))

    def _ask(self, sent: SentObject, since: float) -> Step:
        now = time.time()
        result = self._uploads.result(sent)
        if result is None or self._results is None:
            # The longer it takes already, the more rarely it is asked for.
            wait = min(max((now - since) * _WAITING_SHARE, _SHORTEST_WAIT_SECONDS), _LONGEST_WAIT_SECONDS)
            return Later(now + wait, None)
        return Done(result["status"], event_of(result, self._results))
