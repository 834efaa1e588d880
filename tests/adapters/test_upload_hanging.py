"""Objects that hang beside nine good ones of a batch: Lambda's real runtime, and S3 behind a server that stalls."""

from __future__ import annotations

import http.client
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from steel_defect.storage import ObjectNotFound, open_store
from tests.adapters.test_upload_aws import result, upload
from tests.pictures import strip_jpeg
from tests.servers.emulators import Emulator, make_s3_bucket
from tests.transports import Lambda
from tests.uploads import events

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Shorter than three reads that time out take, and long enough for nine pictures on a busy machine.
TIMEOUT_SECONDS = 30
# Nothing is answered to the GET of the first; of the second comes half, and then nothing; of the third a byte a second.
HANGING = ("silent.jpg", "half.jpg", "drip.jpg")


class Stalling(ThreadingHTTPServer):
    """Passes requests on to the emulator, but for the GET of an object that hangs."""

    daemon_threads = True

    def __init__(self, emulator: Emulator) -> None:
        """Stand before the emulator."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.over = Event()
        self.port = urlsplit(emulator.url).port
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Stalling

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        hangs = self._hanging()
        if hangs == "silent.jpg":
            self._wait(b"")
            return
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        connection.request(self.command, self.path, body or None, dict(self.headers))
        answer = connection.getresponse()
        data = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"connection", "transfer-encoding", "content-length"}:
                self.send_header(name, value)
        length = answer.getheader("content-length") if self.command == "HEAD" else len(data)
        self.send_header("content-length", str(length or 0))
        self.end_headers()
        connection.close()
        if not hangs:
            self.wfile.write(data)
            return
        self.wfile.write(data[: len(data) // 2])
        self._wait(data[len(data) // 2 :] if hangs == "drip.jpg" else b"")

    do_PUT = do_POST = do_HEAD = do_DELETE = do_GET  # noqa: N815 - http.server's names

    def _hanging(self) -> str:
        name = urlsplit(self.path).path.rpartition("/")[2]
        return name if self.command == "GET" and name in HANGING else ""

    def _wait(self, drip: bytes) -> None:
        self.close_connection = True
        try:
            for byte in drip:
                if self.server.over.wait(1):
                    return
                self.wfile.write(bytes([byte]))
        except OSError:
            return  # The client has given up.
        self.server.over.wait(120)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def stalling(ministack: Emulator) -> Iterator[Stalling]:
    """A server before the emulator."""
    server = Stalling(ministack)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def function(ministack: Emulator, stalling: Stalling, probe_file: Path) -> Iterator[Lambda]:
    """aws.upload with less time than a hanging object could take."""
    places = {
        "UPLOADS_URI": f"s3://{make_s3_bucket(ministack, 'hanging-uploads')}",
        "RESULTS_URI": f"s3://{make_s3_bucket(ministack, 'hanging-results')}",
        "AWS_ENDPOINT_URL_S3": stalling.url,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(TIMEOUT_SECONDS),
    }
    with Lambda(probe_file, "aws.upload", {**ministack.environment, **places}) as server:
        server.invoke(events.sqs(events.TEST_EVENT))  # The start is not part of the time.
        yield server


def test_nine_good_messages_are_scored_and_those_that_hang_go_back_alone(
    function: Lambda, ministack: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ministack.environment.items():
        monkeypatch.setenv(name, value)
    uploads, results = open_store("s3://hanging-uploads"), open_store("s3://hanging-results")
    good = [f"{index}.jpg" for index in range(9)]
    keys = [good[0], HANGING[0], *good[1:4], HANGING[1], *good[4:8], HANGING[2], good[8]]
    refs = [upload(uploads, key, strip_jpeg(), "hanging-uploads") for key in keys]
    began = time.monotonic()
    answer = function.invoke(events.sqs(*map(events.s3_notification, refs)))
    assert time.monotonic() - began < TIMEOUT_SECONDS
    assert answer == {"batchItemFailures": [{"itemIdentifier": f"message-{keys.index(key)}"} for key in HANGING]}
    assert {result(results, key)["status"] for key in good} == {"scored"}
    for key in HANGING:
        with pytest.raises(ObjectNotFound):
            result(results, key)
