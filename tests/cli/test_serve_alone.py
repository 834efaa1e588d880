"""`steel-defect serve` has no front end before it: clients that stall or send nonsense stop nobody else."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest

from tests.transports import START_SECONDS, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# More than there are threads.
STALLED = 4 * 4 * (os.cpu_count() or 1)


@pytest.fixture(scope="module")
def port(probe_file: Path) -> Iterator[int]:
    """Where it listens."""
    port = free_port()
    command = [sys.executable, "-m", "steel_defect", "serve", "--port", str(port), "--model", str(probe_file)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: S603 - our own command
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            if health(port) == 200:
                break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
    yield port
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def health(port: int) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status
    finally:
        connection.close()


def answer_to(port: int, request: bytes) -> tuple[int, dict[str, object]]:
    """Status and JSON of the answer to these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(request)
        said = b""
        while chunk := client.recv(65536):
            said += chunk
    head, _, body = said.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    return int(head.split()[1]), json.loads(body)


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"POST /predict HT",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 1000\r\n\r\nx",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nx",
    ],
    ids=["nothing", "half a line", "half a body", "half a chunk"],
)
def test_clients_that_stall_keep_nobody_waiting(port: int, begun: bytes) -> None:
    with ExitStack() as stalled:
        for _ in range(STALLED):
            client = stalled.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            client.sendall(begun)
        assert health(port) == 200


@pytest.mark.parametrize("size", [b"zz", b"-1", b"0x5"])
def test_a_bad_chunk_size_is_a_malformed_body(port: int, size: bytes) -> None:
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nTransfer-Encoding: chunked\r\n\r\n"
    status, problem = answer_to(port, head + size + b"\r\nhello\r\n0\r\n\r\n")
    assert (status, problem["status"]) == (400, 400)
    assert str(problem["type"]).endswith(":malformed-body")


def test_a_request_line_has_a_limit(port: int) -> None:
    # Exactly as much as is read: what is left unread would reset the connection before the answer is seen.
    status, problem = answer_to(port, b"GET /" + b"a" * (16_384 - 5))
    assert (status, problem["type"]) == (431, "about:blank")


def test_a_body_beyond_all_measure_is_refused_before_it_is_sent(port: int) -> None:
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 1000000000\r\n\r\n"
    status, problem = answer_to(port, head)
    assert status == 413
    assert str(problem["type"]).endswith(":too-many-bytes")
