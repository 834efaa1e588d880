"""Ways for a test to send a request: to the core in process, or to the real servers of both clouds on loopback."""

from __future__ import annotations

import base64
import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self
from urllib.parse import urlencode

import pytest

from steel_defect.http import Request, Response

if TYPE_CHECKING:
    from steel_defect.api import Api

FUNCTIONS = Path(__file__).parents[1] / "functions"
# Its wheel carries the emulator. It pins many packages, so it stays out of the project's own environment.
SAM_CLI = "aws-sam-cli==1.170.0"
START_SECONDS = 120
STOP_SECONDS = 20


class Transport(Protocol):
    """Takes a request to an API and brings the response back."""

    def send(self, request: Request) -> Response:
        """Send one request."""


class Core:
    """In process."""

    def __init__(self, api: Api) -> None:
        """Send to this API."""
        self.send = api.handle


class Server:
    """A subprocess on loopback with its output in a file.

    Attributes:
        skipped: whether tests that start one are skipped.
    """

    skipped: ClassVar = False

    def __init__(self, command: list[str], environment: dict[str, str], port: int) -> None:
        self.port = port
        self._command = command
        # Only what a platform gives: nothing of the developer's own environment decides a test.
        self._environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **environment}

    def __enter__(self) -> Self:
        """Start it, and wait until it listens."""
        if self.skipped:
            pytest.skip("--no-servers")
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            self._command, cwd=FUNCTIONS, env=self._environment, stdout=self._log, stderr=subprocess.STDOUT
        )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    output = self.output()
                    self.__exit__()
                    pytest.fail(f"{self._command[0]} did not start:\n{output}")
                time.sleep(0.05)
            else:
                return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()
        self._log.close()

    def stop(self) -> None:
        """Ask it to stop, and wait."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """Of the process that was started."""
        return self._process.pid

    def output(self) -> str:
        """Everything printed so far."""
        # Without a seek: the process shares the position in the file, and would go on printing from there.
        descriptor = self._log.fileno()
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode()


class CloudRun(Server):
    """functions-framework, as the Cloud Run functions runtime starts it."""

    def __init__(
        self, model: Path | None = None, target: str = "api", environment: dict[str, str] | None = None
    ) -> None:
        port = free_port()
        signature = {"api": "http", "upload": "cloudevent"}[target]
        command = [sys.executable, "-m", "functions_framework", f"--target={target}", "--source=main.py"]
        command.append(f"--signature-type={signature}")
        chosen = {} if model is None else {"MODEL_URI": str(model)}
        super().__init__([*command, "--host=127.0.0.1", f"--port={port}"], chosen | (environment or {}), port)

    def send(self, request: Request) -> Response:
        """Send one HTTP request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        path = request.path + (f"?{urlencode(request.query)}" if request.query else "")
        connection.request(request.method, path, request.body or None, dict(request.headers))
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        body = answer.read().decode()
        connection.close()
        return Response(answer.status, headers, body)


class Lambda(Server):
    """The Runtime Interface Emulator around awslambdaric, as a Lambda execution environment has them."""

    def __init__(
        self, model: Path | None = None, handler: str = "aws.api", environment: dict[str, str] | None = None
    ) -> None:
        port, runtime_port = free_port(), free_port()
        emulator = [str(_emulator()), "--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
        runtime = [sys.executable, "-m", "awslambdaric", handler]
        chosen = {} if model is None else {"MODEL_URI": str(model)}
        command = [*emulator, "--runtime-api-address", f"127.0.0.1:{runtime_port}", *runtime]
        super().__init__(command, chosen | (environment or {}), port)

    def invoke(self, event: object) -> Any:  # noqa: ANN401 - JSON
        """Invoke the function with an event, and give what it returned."""
        answer = self._invoke(event)
        # The emulator answers 200 for a handler that raised, too.
        if isinstance(answer, dict) and "errorMessage" in answer:
            pytest.fail(f"the handler raised: {answer}")
        return answer

    def invoke_failing(self, event: object) -> dict[str, Any]:
        """Invoke the function with an event that it raises for, and give the error."""
        answer = self._invoke(event)
        assert isinstance(answer, dict)
        assert "errorType" in answer, answer
        return answer

    def _invoke(self, event: object) -> Any:  # noqa: ANN401 - JSON
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", "/2015-03-31/functions/function/invocations", json.dumps(event))
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def send(self, request: Request) -> Response:
        """Send one request as an HTTP API does (payload format 2.0, body in base64)."""
        answer = self.invoke(
            {
                "version": "2.0",
                "rawPath": request.path,
                "rawQueryString": urlencode(request.query),
                "headers": dict(request.headers),
                **({"queryStringParameters": dict(request.query)} if request.query else {}),
                "requestContext": {"http": {"method": request.method, "path": request.path}, "stage": "$default"},
                **({"body": base64.b64encode(request.body).decode()} if request.body else {}),
                "isBase64Encoded": bool(request.body),
            }
        )
        return Response(answer["statusCode"], answer["headers"], answer["body"])


def free_port() -> int:
    """A port that nothing listens on at this moment, by chance: tests run in several processes.

    It is below those that the kernel gives to clients, which would take it until the server starts.
    """
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@cache
def _emulator() -> Path:
    if not sys.platform.startswith("linux"):
        pytest.skip("the Lambda Runtime Interface Emulator is a Linux program")
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip(f"no uv on the PATH to fetch the Lambda Runtime Interface Emulator ({SAM_CLI}) with")
    find = "import os, samcli; print(os.path.join(os.path.dirname(samcli.__file__), 'local', 'rapid'))"
    command = [uv, "tool", "run", "--from", SAM_CLI, "python", "-c", find]
    folder = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 - as above
    machine = "arm64" if os.uname().machine in {"arm64", "aarch64"} else "x86_64"
    return Path(folder) / f"aws-lambda-rie-{machine}"
