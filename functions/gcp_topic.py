"""Outcome events on Pub/Sub, by its REST interface: the gRPC client would add some 60 MB to the function."""

from __future__ import annotations

import base64
import json
import os
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_SCOPE: Final = "https://www.googleapis.com/auth/pubsub"
_TIMEOUT_SECONDS: Final = 10


class NotPublished(RuntimeError):
    """The topic did not take the event; the upload is tried again."""


def publisher(topic: str | None) -> Callable[[dict[str, Any]], None] | None:
    """A function that publishes one outcome event to `projects/PROJECT/topics/TOPIC`; None if there is no topic.

    `PUBSUB_EMULATOR_HOST` is honoured, as by Google's own clients.
    """
    if topic is None:
        return None
    emulator = os.environ.get("PUBSUB_EMULATOR_HOST")
    session = _session(emulator)
    url = f"{f'http://{emulator}' if emulator else 'https://pubsub.googleapis.com'}/v1/{topic}:publish"

    def publish(outcome: dict[str, Any]) -> None:
        attributes = {"status": outcome["status"], "decision": outcome.get("decision", "")}
        message = {"data": base64.b64encode(json.dumps(outcome).encode()).decode(), "attributes": attributes}
        answer = session.post(url, json={"messages": [message]}, timeout=_TIMEOUT_SECONDS)
        if not answer.ok:
            reason = f"Pub/Sub did not take the outcome: {answer.status_code} {answer.text[:200]}"
            raise NotPublished(reason)

    return publish


def _session(emulator: str | None) -> Any:  # noqa: ANN401 - google-auth states no types
    import requests  # only those who have a topic pay for it

    if emulator:
        return requests.Session()
    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    credentials, _ = google.auth.default(scopes=[_SCOPE])
    return AuthorizedSession(credentials)
