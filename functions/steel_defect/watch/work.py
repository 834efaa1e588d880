"""Takes pictures that are due from the ledger, one after the other, and has them done.

What goes wrong with the place - no network, a full disk, no model - makes all wait, up to half a minute. What goes
wrong with one picture makes that one wait. None is ever given up.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from threading import Lock
from typing import TYPE_CHECKING, Final

from steel_defect.errors import SteelDefectError
from steel_defect.storage import StorageError
from steel_defect.watch.delivering import with_id
from steel_defect.watch.steps import Done, Gone, Later, Sent

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from steel_defect.watch.ledger import Claim, File, Ledger
    from steel_defect.watch.outbox import Outbox
    from steel_defect.watch.steps import Step

_log = logging.getLogger(__name__)
_IDLE_SECONDS: Final = 0.2
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 30.0


class Work:
    """Does the pictures of one ledger, in as many threads as call `run`."""

    def __init__(
        self, ledger: Ledger, outbox: Outbox, look: Callable[[str], File | None], do: Callable[[Claim], Step]
    ) -> None:
        """Take the ledger, who is told, what sees a file as it is now, and what does one picture."""
        self._ledger = ledger
        self._outbox = outbox
        self._look = look
        self._do = do
        self._taken: dict[str, File] = {}
        self._lock = Lock()

    def run(self, stop: Event) -> None:
        """Work until `stop`; the picture that was begun is brought to its end."""
        pause = _FIRST_PAUSE_SECONDS
        while not stop.is_set():
            try:
                worked = self.one()
            except (StorageError, SteelDefectError, sqlite3.OperationalError) as error:
                _log.warning("waiting for %.1f s: %s", pause, error)
                stop.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
                continue
            pause = _FIRST_PAUSE_SECONDS
            if not worked:
                stop.wait(_IDLE_SECONDS)

    def one(self) -> bool:
        """Do one picture; False if none is due, or nobody could be told of it."""
        if not self._outbox.has_room():
            return False
        with self._lock:
            claim = self._ledger.claim(time.time(), self._taken)
            if claim is None:
                return False
            self._taken[claim.file.key] = claim.file
        try:
            self._work_on(claim)
        finally:
            with self._lock:
                del self._taken[claim.file.key]
        return True

    def _work_on(self, claim: Claim) -> None:
        file = claim.file
        seen = self._look(file.key)
        if claim.sent is None and seen is None:
            self._ledger.drop(file)
        elif claim.sent is None and seen != file and seen is not None:
            self._ledger.note([seen], time.time())
        elif claim.sent is None and self._is_renamed(file):
            return
        else:
            try:
                step = self._do(claim)
            except (StorageError, SteelDefectError) as error:
                self._ledger.say(file, str(error))
                raise
            except Exception as error:  # noqa: BLE001 - a fault of this program must not keep the others waiting
                _log.exception("%s cannot be done", file.key)
                self._ledger.say(file, f"{type(error).__name__}: {error}")
            else:
                self._take(file, step)

    def _take(self, file: File, step: Step) -> None:
        match step:
            case Done(outcome, event):
                self._ledger.finish(file, outcome, event and with_id(event), self._outbox.receivers)
            case Sent(sent):
                self._ledger.sent(file, sent, time.time())
            case Later(due, reason):
                self._ledger.postpone(file, due, reason)
            case Gone():
                self._ledger.drop(file)

    def _is_renamed(self, file: File) -> bool:
        """Whether the file is done under another name, which the ledger forgets then, or is being done under it."""
        with self._lock:
            under_way = any(other.key != file.key and _is_same(other, file) for other in self._taken.values())
        if under_way:
            self._ledger.postpone(file, time.time() + 1, None)
            return True
        for key in self._ledger.other_names(file):
            if self._look(key) is None:
                self._ledger.rename(key, file.key)
                return True
        return False


def _is_same(one: File, other: File) -> bool:
    return (one.inode, one.size, one.modified_ns) == (other.inode, other.size, other.modified_ns)
