"""Cold starts: from the start of the process to the first answer."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any, Final

from tests.benchmark.contenders import direct_event
from tests.transports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.benchmark.contenders import Contender
    from tests.benchmark.plan import Plan

_SECONDS: Final = 60.0
# All that Lambda sends: the runtime client ends without a word where one is missing.
_HEADERS: Final = {
    "Content-Type": "application/json",
    "Lambda-Runtime-Aws-Request-Id": "00000000-0000-0000-0000-000000000000",
    "Lambda-Runtime-Deadline-Ms": "9999999999999",
    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:benchmark",
    "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
}


class RuntimeApi(ThreadingHTTPServer):
    """Lambda's side of https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, for one invocation.

    Attributes:
        answered: set when the answer is here.
        at: when that was, by `perf_counter`.
        answer: what was answered.
    """

    daemon_threads = True

    def __init__(self, event: dict[str, Any]) -> None:
        """Listen on a free port of the loopback address."""
        super().__init__(("127.0.0.1", 0), _Invocation)
        self.event = json.dumps(event).encode()
        self.answered, self.given, self.at, self.answer = Event(), False, 0.0, b""


class _Invocation(BaseHTTPRequestHandler):
    server: RuntimeApi
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.server.given:
            Event().wait(_SECONDS)  # There is no second invocation; the process is ended meanwhile.
            return
        self.server.given = True
        self.send_response(200)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.event)))
        self.end_headers()
        self.wfile.write(self.server.event)

    def do_POST(self) -> None:
        self.server.answer = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.at = perf_counter()
        self.server.answered.set()
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def handle(self) -> None:
        with suppress(ConnectionResetError):  # The process is killed once it has answered.
            super().handle()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def lambda_start(contender: Contender, plan: Plan, runtime: Path, folder: Path) -> float:
    """Milliseconds from the start of Lambda's own runtime client to the answer to the first picture.

    Args:
        contender: whose handler.
        plan: with which Python and pictures.
        runtime: folder that awslambdaric is in.
        folder: of the package; without its .pyc files, say.
    """
    picture = min(plan.pictures.iterdir()).read_bytes()
    api = RuntimeApi(direct_event(picture))
    Thread(target=api.serve_forever, daemon=True).start()
    environment = contender.environment(
        PYTHONPATH=f"{folder}:{runtime}",
        PYTHONDONTWRITEBYTECODE="1",
        AWS_LAMBDA_RUNTIME_API=f"127.0.0.1:{api.server_port}",
        AWS_LAMBDA_FUNCTION_NAME="benchmark",
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE="1769",
        LAMBDA_TASK_ROOT=str(folder),
    )
    began = perf_counter()
    process = subprocess.Popen(  # noqa: S603 - our own command
        [str(plan.python), "-P", "-m", "awslambdaric", contender.handler],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not api.answered.wait(1) and process.poll() is None and perf_counter() - began < _SECONDS:
            pass
        if b'\\"defect_prob\\"' not in api.answer:
            message = f"{contender.name} gave no answer to its first invocation, but {api.answer[:300]!r}"
            raise RuntimeError(message)
        return 1e3 * (api.at - began)
    finally:
        process.kill()
        process.wait()
        api.shutdown()
        api.server_close()


def starts(plan: Plan, *, compiled: bool) -> dict[str, list[float]]:
    """Milliseconds of cold starts of both, in turn."""
    runtime = plan.work / "runtime"
    if not runtime.is_dir():
        install = ["uv", "pip", "install", "--quiet", "--python", str(plan.python), "--target", str(runtime)]
        subprocess.run([*install, "awslambdaric"], check=True)  # noqa: S603 - our own
        subprocess.run([str(plan.python), "-m", "compileall", "-q", str(runtime)], check=True)  # noqa: S603 - our own
    folders = {contender.name: contender.folder for contender in plan.contenders}
    if not compiled:
        for name, folder in folders.items():
            folders[name] = plan.work / f"{name}-not-compiled"
            shutil.rmtree(folders[name], ignore_errors=True)
            shutil.copytree(folder, folders[name], ignore=shutil.ignore_patterns("__pycache__"))
    found: dict[str, list[float]] = {}
    for number in range(plan.rounds + 1):
        for contender in plan.contenders:
            milliseconds = lambda_start(contender, plan, runtime, folders[contender.name])
            if number:  # The first one reads the disk, which says nothing of either.
                found.setdefault(contender.name, []).append(milliseconds)
    return found


@contextmanager
def server(contender: Contender, plan: Plan, threads: int | None = None) -> Iterator[tuple[str, float]]:
    """A running HTTP server, its URL for predictions, and the milliseconds to its first answer."""
    port = free_port()
    picture = contender.body(min(plan.pictures.iterdir()).read_bytes())
    environment = contender.environment(threads=threads, PORT=str(port))
    if contender.name == "ours":
        del environment["PYTHONPATH"]  # The Lambda package has no web server; this project's environment has.
    command = [part.format(port=port) for part in contender.serve]
    url = f"http://127.0.0.1:{port}/predict"
    request = urllib.request.Request(url, picture, {"Content-Type": contender.content_type})
    began = perf_counter()
    process = subprocess.Popen(  # noqa: S603 - our own command
        command, env=environment, cwd=plan.work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                with urllib.request.urlopen(request, timeout=_SECONDS) as response:  # noqa: S310 - as above
                    response.read()
                break
            except (urllib.error.URLError, ConnectionError) as error:
                if isinstance(error, urllib.error.HTTPError) or perf_counter() - began > _SECONDS:
                    raise
                sleep(0.005)
        yield url, 1e3 * (perf_counter() - began)
    finally:
        process.terminate()
        process.wait(_SECONDS)


def server_starts(plan: Plan) -> dict[str, list[float]]:
    """Milliseconds to the first answer over HTTP of both, in turn."""
    found: dict[str, list[float]] = {}
    for number in range(plan.rounds + 1):
        for contender in plan.contenders:
            with server(contender, plan) as (_, milliseconds):
                if number:
                    found.setdefault(contender.name, []).append(milliseconds)
    return found
