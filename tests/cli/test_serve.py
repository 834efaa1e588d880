"""`steel-defect serve` is the Cloud Run function on this machine."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest

from tests.pictures import strip_jpeg
from tests.transports import START_SECONDS, free_port
from tests.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path


def serve(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "steel_defect", "serve", *arguments]
    # A test run in the background of a shell ignores Ctrl-C, and so would what it starts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)  # noqa: S603 - our own command
    finally:
        signal.signal(signal.SIGINT, before)


def test_it_serves_says_how_to_use_it_and_stops_on_ctrl_c(probe_file: Path) -> None:
    port = free_port()
    process = serve("--port", str(port), "--model", str(probe_file))
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            connection = HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                connection.request("POST", "/predict", strip_jpeg(), {"content-type": "image/jpeg"})
                break
            except ConnectionRefusedError:
                assert time.monotonic() < deadline
                assert process.poll() is None
                time.sleep(0.05)
        answer = connection.getresponse()
        assert answer.status == 200
        assert json.loads(answer.read())["model"]["name"] == "probe"
        connection.close()
    finally:
        process.send_signal(signal.SIGINT)
        # The server gives a worker 30 s to finish.
        said = process.communicate(timeout=30 + START_SECONDS)[1]
    assert process.returncode == 0
    assert f"serving on http://127.0.0.1:{port}" in said
    assert "Traceback" not in said


def test_with_a_token_all_but_the_page_is_for_those_who_show_it(probe_file: Path) -> None:
    port = free_port()
    process = serve("--host", "0.0.0.0", "--port", str(port), "--model", str(probe_file), "--token", "sesame")  # noqa: S104 - what is tested

    def ask(path: str, shown: str | None = None) -> tuple[int, dict[str, str]]:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", path, headers={} if shown is None else {"authorization": shown})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}

    try:
        wait_for(lambda: listens(port))
        for path in ("/", "/docs", "/openapi.json", "/health"):
            assert ask(path)[0] == 200
        for shown in (None, "Bearer sesam", "sesame", "Basic sesame", "Bearer s\xe9same"):
            status, headers = ask("/model", shown)
            assert (status, headers["www-authenticate"]) == (401, "Bearer")
            assert headers["content-type"] == "application/problem+json"
        assert ask("/predict")[0] == 401
        assert ask("/model", "Bearer sesame")[0] == 200
    finally:
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30 + START_SECONDS)[1]
    assert "whoever reaches this machine" not in said
    assert "plain HTTP" in said
    assert "sesame" not in said


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False


@pytest.mark.parametrize(("host", "warned"), [("0.0.0.0", True), ("127.0.0.1", False)])  # noqa: S104 - as above
def test_on_the_network_without_a_token_it_warns(host: str, *, warned: bool, probe_file: Path) -> None:
    port = free_port()
    process = serve("--host", host, "--port", str(port), "--model", str(probe_file))
    try:
        wait_for(lambda: listens(port) or process.poll() is not None)
    finally:
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30 + START_SECONDS)[1]
    assert ("whoever reaches this machine can use the service" in said) == warned


def test_a_port_in_use_is_said_at_once(probe_file: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        process = serve("--port", str(port), "--model", str(probe_file))
        said = process.communicate(timeout=START_SECONDS)[1]
    assert process.returncode == 1
    reason = "Address already in use; choose another with --host or --port"
    assert said == f"Error: cannot listen on 127.0.0.1:{port}: {reason}\n"
