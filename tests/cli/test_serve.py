"""`steel-defect serve` is the Cloud Run function on this machine."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from http.client import HTTPConnection, HTTPSConnection, RemoteDisconnected
from typing import TYPE_CHECKING

import pytest

from tests.pictures import strip_jpeg
from tests.servers.tls import make_certificate
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
    assert f"serving on http://127.0.0.1:{port}  (Ctrl-C stops); open http://127.0.0.1:{port}/ for the page" in said
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


# ---- TLS ----


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A certificate of this machine with its key, and another key."""
    folder = tmp_path_factory.mktemp("tls")
    for name in ("this", "other"):
        (folder / name).mkdir()
        make_certificate(folder / name, "localhost")
    return folder / "this" / "certificate.pem", folder / "this" / "key.pem", folder / "other" / "key.pem"


def test_with_a_certificate_it_speaks_tls_and_clients_that_stall_stop_nobody(
    files: tuple[Path, Path, Path], probe_file: Path
) -> None:
    port = free_port()
    tls = ("--certificate", str(files[0]), "--key", str(files[1]))
    process = serve("--host", "0.0.0.0", "--port", str(port), "--model", str(probe_file), *tls, "--token", "sesame")  # noqa: S104 - as above
    trusted = ssl.create_default_context(cafile=files[0])
    try:
        wait_for(lambda: listens(port))
        # More than there are threads: of some not a byte of the handshake comes, of some not a byte behind it.
        with ExitStack() as stalled:
            for _ in range(50):
                stalled.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
                plain = socket.create_connection(("127.0.0.1", port), timeout=60)
                stalled.enter_context(trusted.wrap_socket(plain, server_hostname="localhost"))
            connection = HTTPSConnection("localhost", port, timeout=60, context=trusted)
            for picture, status in ((strip_jpeg(), 200), (b"no picture" * 300_000, 413), (strip_jpeg(), 200)):
                connection.request("POST", "/predict", picture, {"authorization": "Bearer sesame"})
                answer = connection.getresponse()
                assert (answer.status, len(answer.read()) > 100) == (status, True)
            connection.request("GET", "/")
            assert "<!doctype html>" in connection.getresponse().read().decode()
            connection.close()
        plain_http = HTTPConnection("127.0.0.1", port, timeout=60)
        plain_http.request("GET", "/")
        with pytest.raises((RemoteDisconnected, ConnectionError)):
            plain_http.getresponse()
    finally:
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30 + START_SECONDS)[1]
    assert process.returncode == 0
    assert f"open https://{socket.gethostname()}:{port}/ for the page" in said
    assert "WARNING" not in said
    assert "Traceback" not in said


def test_files_that_are_no_certificate_and_its_key_are_refused_in_a_line(
    files: tuple[Path, Path, Path], probe_file: Path
) -> None:
    certificate, key, other_key = files
    for tls in ((certificate, other_key), (key, certificate), (probe_file, key)):
        process = serve("--port", str(free_port()), "--certificate", str(tls[0]), "--key", str(tls[1]))
        said = process.communicate(timeout=START_SECONDS)[1]
        assert process.returncode == 1
        assert said.startswith(f"Error: {tls[0]} and {tls[1]} are no certificate and its key")
        assert said.count("\n") == 1
    assert "go together" in serve("--certificate", str(certificate)).communicate(timeout=START_SECONDS)[1]
