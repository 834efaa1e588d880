"""Hands outcomes to a receiver in their order, each until the receiver has it: at least once, also over a kill."""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from threading import Event

    from steel_defect.watch.outbox import Outbox

_log = logging.getLogger(__name__)
_IDLE_SECONDS: Final = 0.2
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 30.0


class NotDelivered(Exception):
    """The receiver cannot be reached, or does not take it now."""


class Receiver(Protocol):
    """Somebody who is told outcomes."""

    @property
    def name(self) -> str:
        """In one word, for the ledger and for metrics."""

    @property
    def at_once(self) -> int:
        """How many outcomes it is told at a time; after a kill it is told these again."""

    def tell(self, events: Sequence[str], stop: Event) -> int:
        """Hand over events, JSON each; how many of them, from the first on, the receiver certainly has.

        Raises:
            NotDelivered: it has none of them, as far as is known.
        """

    def close(self) -> None:
        """Say goodbye."""


def deliver(outbox: Outbox, receiver: Receiver, stop: Event) -> None:
    """Deliver until `stop`."""
    pause = _FIRST_PAUSE_SECONDS
    try:
        while not stop.is_set():
            try:
                waiting = outbox.oldest(receiver.name, receiver.at_once)
                told = receiver.tell([body for _, body in waiting], stop) if waiting else 0
                for number, _ in waiting[:told]:
                    outbox.delivered(number)
            except (NotDelivered, sqlite3.OperationalError) as error:
                _log.warning("%s: waiting for %.1f s: %s", receiver.name, pause, error)
                stop.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
                continue
            pause = _FIRST_PAUSE_SECONDS
            if not told:
                stop.wait(_IDLE_SECONDS)
    finally:
        receiver.close()


def with_id(event: dict[str, Any]) -> dict[str, Any]:
    """The event with an id, always the same for the same picture, version and model: a receiver may get it twice."""
    source, model = event["source"], event["model"]
    what = json.dumps([source["uri"], source["version"], source.get("etag"), model["sha256"]])
    return {"id": hashlib.sha256(what.encode()).hexdigest()[:32], **event}
