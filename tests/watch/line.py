"""The service as its user runs it, in a process that a test can kill, and somebody who is told outcomes."""

from __future__ import annotations

import json
import os
import signal
import sys
import urllib.request
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from PIL import Image

from tests.pictures import encoded
from tests.transports import Server, free_port
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    # Takes options and, by keyword, an environment.
    Starter = Callable[..., "Line"]

SETTLE_SECONDS = 0.3


def picture(number: int) -> bytes:
    """A small picture; each number has its own."""
    pixels = np.full((40, 100), 40 + number % 150, np.uint8)
    pixels[: 1 + number // 150] = 255
    return encoded(Image.fromarray(pixels), "PNG")


class Line(Server):
    """`steel-defect watch`."""

    def __init__(self, folder: Path, *options: str, environment: dict[str, str] | None = None) -> None:
        """Watch this folder; `start` and `kill` as often as you like."""
        port = free_port()
        self.folder = folder
        command = [sys.executable, "-m", "steel_defect", "watch", str(folder), f"--status={port}"]
        super().__init__([*command, f"--settle={SETTLE_SECONDS}", *options], environment or {}, port)

    def kill(self) -> None:
        """As a power cut would."""
        os.kill(self.pid, signal.SIGKILL)
        self._process.wait()
        self._log.close()

    def runs(self) -> bool:
        """Whether it did not end."""
        return self._process.poll() is None

    def start(self) -> Self:
        """Begin, again."""
        return self.__enter__()

    def status(self) -> dict[str, Any]:
        """What /status says."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/status", timeout=10) as answer:
            return dict(json.load(answer))

    def results(self) -> dict[str, dict[str, Any]]:
        """All results, by the key of the picture."""
        return results_below(self.folder / "results")

    def wait_until_done(self, count: int) -> dict[str, Any]:
        """Wait until so many pictures have their result and none waits."""
        wait_for(lambda: len(list((self.folder / "results" / "scores").rglob("*.json"))) >= count)
        return dict(wait_for(lambda: (now := self.status())["pictures_waiting"] == 0 and now))


def results_below(place: Path) -> dict[str, dict[str, Any]]:
    scores = place / "scores"
    found = (path for path in scores.rglob("*.json"))
    return {path.relative_to(scores).as_posix().removesuffix(".json"): json.loads(path.read_bytes()) for path in found}


@dataclass
class Listener:
    """A webhook that can be away.

    Attributes:
        told: every outcome that it took.
        answer: the status with which it answers; it takes nothing but with 200.
    """

    told: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answer: int = 200

    def __enter__(self) -> Self:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if listener.answer == 200:
                    listener.told.append(json.loads(body))
                    listener.headers.append(dict(self.headers))
                self.send_response(listener.answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/outcomes"
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def names(self) -> list[str]:
        """Of the pictures that it was told of."""
        return [event["source"]["key"] for event in self.told]
