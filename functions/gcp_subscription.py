"""A subscription of Pub/Sub, pulled by its REST interface as gcp_topic.py publishes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gcp_topic import poster

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS: Final = 30
_AT_ONCE: Final = 10
# An answer without messages does not show that there are none; so many in a row do.
_EMPTY_ANSWERS: Final = 5
_PAUSE_SECONDS: Final = 1.0


class SubscriptionError(RuntimeError):
    """Pub/Sub refused what was asked of the subscription."""


@dataclass(frozen=True)
class Received:
    """A message that nobody else is given until it is released, or its acknowledgement is overdue.

    Attributes:
        ack_id: of this delivery.
        id: of the message.
        message: as Pub/Sub has it, with `data` and `attributes`.
    """

    ack_id: str
    id: str
    message: dict[str, Any]


class Subscription:
    """One subscription, `projects/PROJECT/subscriptions/SUBSCRIPTION`."""

    def __init__(self, name: str) -> None:
        """Take its name."""
        self._name = name
        self._post = poster()

    def messages(self) -> Iterator[Received]:
        """Every message there is, until Pub/Sub has none to give. One that was not acknowledged may come again.

        Raises:
            SubscriptionError: says why there are no more.
        """
        empty = 0
        while empty < _EMPTY_ANSWERS:
            # At once: a caller that waits and gives up would still be handed what comes, and nobody else would.
            answer = self._ask("pull", {"maxMessages": _AT_ONCE, "returnImmediately": True})
            received = answer.get("receivedMessages", [])
            for one in received:
                yield Received(one["ackId"], one["message"].get("messageId", ""), one["message"])
            if not received:
                time.sleep(_PAUSE_SECONDS)
            empty = 0 if received else empty + 1

    def acknowledge(self, received: Received) -> None:
        """Say that a message has been processed: it does not come again.

        Raises:
            SubscriptionError: it may come again.
        """
        self._ask("acknowledge", {"ackIds": [received.ack_id]})

    def release(self, received: Received) -> None:
        """Let it come again at once.

        Raises:
            SubscriptionError: it comes when its acknowledgement is overdue.
        """
        self._ask("modifyAckDeadline", {"ackIds": [received.ack_id], "ackDeadlineSeconds": 0})

    def _ask(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._post(f"{self._name}:{verb}", body, _SECONDS)
        if not answer.ok:
            reason = f"{self._name}: {verb} failed: {answer.status_code} {answer.text[:200]}"
            raise SubscriptionError(reason)
        found: dict[str, Any] = answer.json()
        return found
