"""A subscription of Pub/Sub, pulled by its REST interface as gcp_topic.py publishes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gcp_topic import poster

if TYPE_CHECKING:
    from collections.abc import Iterator

# Pub/Sub answers earlier, and with nothing if nothing came.
_PULL_SECONDS: Final = 180
_SECONDS: Final = 30
_AT_ONCE: Final = 10


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
        while received := self._ask("pull", {"maxMessages": _AT_ONCE}, _PULL_SECONDS).get("receivedMessages"):
            for one in received:
                yield Received(one["ackId"], one["message"].get("messageId", ""), one["message"])

    def acknowledge(self, received: Received) -> None:
        """Say that a message has been processed: it does not come again.

        Raises:
            SubscriptionError: it may come again.
        """
        self._ask("acknowledge", {"ackIds": [received.ack_id]}, _SECONDS)

    def release(self, received: Received) -> None:
        """Let it come again at once.

        Raises:
            SubscriptionError: it comes when its acknowledgement is overdue.
        """
        self._ask("modifyAckDeadline", {"ackIds": [received.ack_id], "ackDeadlineSeconds": 0}, _SECONDS)

    def _ask(self, verb: str, body: dict[str, Any], seconds: float) -> dict[str, Any]:
        answer = self._post(f"{self._name}:{verb}", body, seconds)
        if not answer.ok:
            reason = f"{self._name}: {verb} failed: {answer.status_code} {answer.text[:200]}"
            raise SubscriptionError(reason)
        found: dict[str, Any] = answer.json()
        return found
