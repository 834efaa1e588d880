"""A stand-in for Eventarc, which no emulator plays: between a push subscription and a function that takes CloudEvents.

A trigger of Cloud Storage consists of the bucket's notification, a topic, a push subscription, and what makes a
CloudEvent of each message. The last one is here, as far as a new object needs it; what a notification says is in
https://cloud.google.com/storage/docs/pubsub-notifications.
"""

from __future__ import annotations

import base64
import http.client
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Any, Self
from urllib.parse import quote

from tests.servers.pubsub import PATIENCE_SECONDS


class Eventarc:
    """Takes the messages that are pushed to its URL, and hands them to the function.

    Pub/Sub is given the function's answer: what is none of success has the message pushed again.
    """

    def __init__(self, port: int) -> None:
        """Stand before the function at this port."""
        self._answers: Queue[int] = Queue()
        eventarc = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                pushed = json.loads(self.rfile.read(int(self.headers["content-length"])))
                status = _deliver(pushed["message"], port)
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()
                eventarc._answers.put(status)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        """Serve."""
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self) -> int:
        """The status that the function gave to the next delivery; waits for it."""
        return self._answers.get(timeout=PATIENCE_SECONDS)


def _deliver(message: dict[str, Any], port: int) -> int:
    """Hand the notification of a new object to the function, as a CloudEvent with its attributes in headers."""
    attributes = message["attributes"]
    assert attributes["eventType"] == "OBJECT_FINALIZE"
    headers = {
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": message["messageId"],
        "ce-time": message["publishTime"],
        "ce-type": "google.cloud.storage.object.v1.finalized",
        "ce-source": f"//storage.googleapis.com/projects/_/buckets/{attributes['bucketId']}",
        "ce-subject": quote(f"objects/{attributes['objectId']}"),
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    connection.request("POST", "/", base64.b64decode(message["data"]), headers)
    status = connection.getresponse().status
    connection.close()
    return status
