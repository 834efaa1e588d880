"""Outcome events on Pub/Sub, by its REST interface: the gRPC client would add some 60 MB to the function."""

from __future__ import annotations

import base64
import json
import os
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

_SCOPE: Final = "https://www.googleapis.com/auth/pubsub"
_TIMEOUT_SECONDS: Final = 10


class NotPublished(RuntimeError):
    """The topic did not take the event; the upload is tried again."""


def publisher(topic: str | None) -> Callable[[dict[str, Any]], None] | None:
    """A function that publishes one outcome event to `projects/PROJECT/topics/TOPIC`; None if there is no topic."""
    if topic is None:
        return None
    post = poster()

    def publish(outcome: dict[str, Any]) -> None:
        attributes = {"status": outcome["status"], "decision": outcome.get("decision", "")}
        message = {"data": base64.b64encode(json.dumps(outcome).encode()).decode(), "attributes": attributes}
        answer = post(f"{topic}:publish", {"messages": [message]}, _TIMEOUT_SECONDS)
        if not answer.ok:
            reason = f"Pub/Sub did not take the outcome: {answer.status_code} {answer.text[:200]}"
            raise NotPublished(reason)

    return publish


def poster() -> Callable[[str, dict[str, Any], float], requests.Response]:
    """A function that posts a body to a path such as `projects/PROJECT/topics/TOPIC:publish`, and waits some seconds.

    `PUBSUB_EMULATOR_HOST` is honoured, as by Google's own clients.
    """
    emulator = os.environ.get("PUBSUB_EMULATOR_HOST")
    session = _session(emulator)
    base = f"http://{emulator}" if emulator else "https://pubsub.googleapis.com"

    def post(path: str, body: dict[str, Any], seconds: float) -> requests.Response:
        return session.post(f"{base}/v1/{path}", json=body, timeout=seconds)

    return post


def _session(emulator: str | None) -> requests.Session:
    import requests  # only those who have a topic pay for it

    if emulator:
        return requests.Session()
    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    credentials, _ = google.auth.default(scopes=[_SCOPE])
    return AuthorizedSession(credentials)
