"""What a store does when the back end fails, the process is killed, or the URI is wrong."""

from __future__ import annotations

import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from steel_defect.storage import (
    ObjectNotFound,
    StorageError,
    StorageRefused,
    StorageUnavailable,
    Store,
    open_store,
    retries,
)
from tests.storage.conftest import use
from tests.transports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.emulators import Emulator

CLOUDS = ["s3", "gs"]


class Flaky:
    """A server that answers with the statuses it was given, one a request, and then with an object `whole`.

    Attributes:
        cut: how many of the next bodies break off in the middle.
    """

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.requests = self.cut = 0
        flaky = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                flaky.requests += 1
                status = flaky.statuses.pop(0) if flaky.statuses else 200
                body = b"whole" if status == 200 else b""
                self.send_response(status)
                for name, value in (("ETag", '"1"'), ("X-Goog-Generation", "1"), ("Content-Length", str(len(body)))):
                    self.send_header(name, value)
                self.end_headers()
                if flaky.cut and body:
                    flaky.cut -= 1
                    body = body[:2]
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:  # noqa: ANN401 - its signature
                """Say nothing."""

            do_GET = do_PUT = do_POST = answer  # noqa: N815 - http.server's names

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def flaky(monkeypatch: pytest.MonkeyPatch) -> Iterator[Flaky]:
    """A flaky server in place of both clouds."""
    monkeypatch.setattr(retries, "_FIRST_WAIT_SECONDS", 0.01)
    server = Flaky()
    point_at(server.url, monkeypatch)
    yield server
    server.close()


def point_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "STORAGE_EMULATOR_HOST": url,
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("scheme", CLOUDS)
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_fault_is_not_seen(flaky: Flaky, scheme: str, status: int) -> None:
    flaky.statuses = [status, status]
    assert open_store(f"{scheme}://bucket").get("key").data == b"whole"
    assert flaky.requests == 3


@pytest.mark.parametrize("scheme", CLOUDS)
def test_half_an_object_is_never_taken_for_the_whole(flaky: Flaky, scheme: str) -> None:
    flaky.cut = 2
    assert open_store(f"{scheme}://bucket").get("key").data == b"whole"
    assert flaky.requests == 3
    flaky.cut = 10
    with pytest.raises(StorageUnavailable):
        open_store(f"{scheme}://bucket").get("key")


@pytest.mark.parametrize("scheme", CLOUDS)
def test_a_lasting_fault_is_said_after_three_attempts(flaky: Flaky, scheme: str) -> None:
    flaky.statuses = [503] * 10
    with pytest.raises(StorageUnavailable):
        open_store(f"{scheme}://bucket").get("key")
    assert flaky.requests == 3


@pytest.mark.parametrize("scheme", CLOUDS)
def test_a_write_with_a_condition_is_tried_once(flaky: Flaky, scheme: str) -> None:
    flaky.statuses = [503] * 10
    store = open_store(f"{scheme}://bucket")
    with pytest.raises(StorageUnavailable):
        store.put("key", b"", if_absent=True)
    with pytest.raises(StorageUnavailable):
        store.put("key", b"", if_match="1")
    assert flaky.requests == 2


@pytest.mark.parametrize("scheme", CLOUDS)
@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refusal_is_said_at_once(flaky: Flaky, scheme: str, status: int) -> None:
    flaky.statuses = [status] * 10
    with pytest.raises(StorageRefused):
        open_store(f"{scheme}://bucket").get("key")
    assert flaky.requests == 1


@pytest.mark.parametrize("scheme", CLOUDS)
def test_nobody_answers(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "_FIRST_WAIT_SECONDS", 0.01)
    point_at(f"http://127.0.0.1:{free_port()}", monkeypatch)
    with pytest.raises(StorageUnavailable, match="cannot be reached"):
        open_store(f"{scheme}://bucket").get("key")


def test_no_bucket(ministack: Emulator, fake_gcs: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for emulator, uri in ((ministack, "s3://no-such-bucket"), (fake_gcs, "gs://no-such-bucket")):
        use(emulator, monkeypatch)
        store = open_store(uri)
        with pytest.raises(StorageRefused):
            store.put("key", b"")
        with pytest.raises(StorageRefused):
            list(store.list())
        with pytest.raises((StorageRefused, ObjectNotFound)):
            store.get("key")


@pytest.mark.parametrize(
    "uri", ["", "bucket", "s3://", "s3:///key", "gs://UPPER", "http://host/x", "file://relative", "memory://", "s3:/b"]
)
def test_a_wrong_uri_is_told_the_forms(uri: str) -> None:
    with pytest.raises(StorageRefused, match=r"s3://bucket/prefix|file:///folder"):
        open_store(uri)


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    with pytest.raises(StorageError):
        open_store(blocked.as_uri()).put("key", b"")


WRITER = """
import itertools, sys
from steel_defect.storage import open_store
store = open_store(sys.argv[1])
print("ready", flush=True)
for number in itertools.count():
    store.put("key", bytes([number % 256]) * 3_000_000)
"""


def test_a_killed_writer_leaves_the_old_or_the_new_and_no_lock(tmp_path: Path) -> None:
    store: Store = open_store(tmp_path.as_uri())
    store.put("key", bytes(3_000_000))
    for attempt in range(12):
        command = [sys.executable, "-c", WRITER, tmp_path.as_uri()]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - our own command
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.003 * attempt + 0.01)
        writer.kill()
        writer.communicate()
        data = store.get("key").data
        assert len(data) == 3_000_000
        assert len(set(data)) == 1
        assert [info.key for info in store.list()] == ["key"]
        store.put("key", data)


def test_the_package_loads_no_back_end() -> None:
    script = (
        "import sys, steel_defect.storage; "
        "print([n for n in sys.modules if n.split('.')[0] in {'botocore', 'requests', 'numpy', 'onnxruntime'} "
        "or n.startswith('google.cloud.storage')])"
    )
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)  # noqa: S603 - ours
    assert run.stdout == "[]\n"
