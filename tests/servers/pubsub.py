"""Google's own Pub/Sub emulator, as a fixture on loopback; a pytest plugin, as `tests.servers.emulators` is.

It is a Java program and a component of gcloud: `gcloud components install pubsub-emulator`, or the Debian package
google-cloud-cli-pubsub-emulator. Tests that need it are skipped if it is not there.

Unlike Pub/Sub it takes a subscription's `filter` and ignores it, says no `deliveryAttempt` in what it pushes, and knows
no permissions: that Pub/Sub may push, and may publish dead letters, is tested in tests/infra/gcp.
"""

from __future__ import annotations

import base64
import http.client
import json
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.transports import Server, free_port
from tests.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT: Final = "test"
# The fewest that Pub/Sub takes.
DELIVERY_ATTEMPTS: Final = 5


@dataclass(frozen=True)
class Message:
    """A message that was pulled."""

    data: bytes
    attributes: dict[str, str]


class PubSub:
    """A running emulator.

    Attributes:
        port: where it listens.
        environment: what a process needs in its environment to use it in place of the cloud.
    """

    def __init__(self, port: int) -> None:
        """Talk to the emulator at this port."""
        self.port = port
        self.environment = {"PUBSUB_EMULATOR_HOST": f"127.0.0.1:{port}"}

    def make_topic(self, name: str) -> str:
        """Make a topic, and give it as projects/PROJECT/topics/TOPIC."""
        topic = f"projects/{PROJECT}/topics/{name}"
        self._ask("PUT", topic, {})
        return topic

    @contextmanager
    def subscription(self, topic: str, push_to: str | None = None, dead_letters: str | None = None) -> Iterator[str]:
        """A subscription, for as long as the context lasts.

        It pushes to a URL, or is pulled. Pushed in vain `DELIVERY_ATTEMPTS` times, a message goes to `dead_letters`.
        """
        name = f"{topic.replace('/topics/', '/subscriptions/')}-{'pulled' if push_to is None else 'pushed'}"
        wanted: dict[str, Any] = {"topic": topic, "ackDeadlineSeconds": 120}
        if push_to is not None:
            wanted["pushConfig"] = {"pushEndpoint": push_to}
            wanted["retryPolicy"] = {"minimumBackoff": "0.1s", "maximumBackoff": "0.5s"}
        if dead_letters is not None:
            wanted["deadLetterPolicy"] = {"deadLetterTopic": dead_letters, "maxDeliveryAttempts": DELIVERY_ATTEMPTS}
        self._ask("PUT", name, wanted)
        try:
            yield name
        finally:
            self._ask("DELETE", name)

    def pull(self, subscription: str) -> list[Message]:
        """The messages of a subscription, which are acknowledged; waits for one."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        # If nothing comes, it answers after a minute and a half.
        while not (received := self._ask("POST", f"{subscription}:pull", {"maxMessages": 10}).get("receivedMessages")):
            assert time.monotonic() < deadline, "waited in vain"
        self._ask("POST", f"{subscription}:acknowledge", {"ackIds": [one["ackId"] for one in received]})
        messages = [one["message"] for one in received]
        return [Message(base64.b64decode(message["data"]), message["attributes"]) for message in messages]

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        sent = None if body is None else json.dumps(body)
        connection.request(method, f"/v1/{path}", sent, {"content-type": "application/json"})
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        assert answer.status == http.client.OK, said
        found: dict[str, Any] = json.loads(said)
        return found


@pytest.fixture(scope="session")
def pubsub() -> Iterator[PubSub]:
    """Pub/Sub. Topics live until the end of the session: take names of your own."""
    gcloud = shutil.which("gcloud")
    if gcloud is None or shutil.which("java") is None:
        pytest.skip("no gcloud or no java on the PATH for the Pub/Sub emulator")
    # Started without gcloud, which would leave it running.
    program = Path(gcloud).resolve().parents[1] / "platform" / "pubsub-emulator" / "bin" / "cloud-pubsub-emulator"
    if not program.is_file():
        pytest.skip("gcloud has no Pub/Sub emulator here: gcloud components install pubsub-emulator")
    port = free_port()
    with Server([str(program), "--host=127.0.0.1", f"--port={port}"], {}, port):
        yield PubSub(port)
