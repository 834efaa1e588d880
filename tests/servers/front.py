"""What stands between a client and a deployment: answers by itself first, then passes requests on."""

from __future__ import annotations

import http.client
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import ssl


@dataclass(frozen=True)
class Said:
    """An answer; without a status the connection is cut."""

    status: int | None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Asked:
    """A request as it came. As a proxy is asked, `url` is whole."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


class Front:
    """A server on loopback, which also serves as an HTTP proxy for whatever host.

    Attributes:
        asked: the requests so far.
        first: answers to the next pictures, in place of the deployment's.
    """

    def __init__(
        self, port: int | None = None, context: ssl.SSLContext | None = None, inside: ssl.SSLContext | None = None
    ) -> None:
        """Stand before the deployment at this port; over TLS with a context.

        As a proxy it is every HTTPS host that `inside` has a certificate for.
        """
        self.asked: list[Asked] = []
        self.first: deque[Said] = deque()
        self._lock = Lock()
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                said = front.answer(Asked(self.command, self.path, headers, body), port)
                if said.status is None:
                    self.close_connection = True
                    return
                self.send_response(said.status)
                for name, value in {**said.headers, "content-length": str(len(said.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said.body)

            def do_CONNECT(self) -> None:
                assert inside is not None
                self.send_response(200)
                self.end_headers()
                self.connection = inside.wrap_socket(self.connection, server_side=True)
                self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
                self.close_connection = False

            def finish(self) -> None:
                super().finish()
                self.connection.close()

            do_POST = do_GET  # noqa: N815 - http.server's name

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = f"{'http' if context is None else 'https'}://127.0.0.1:{self.port}"

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

    def answer(self, asked: Asked, port: int | None) -> Said:
        """Answer as was laid down, or as the deployment does."""
        with self._lock:
            self.asked.append(asked)
            if self.first and asked.method == "POST":
                return self.first.popleft()
        if port is None:
            return Said(200, {"content-type": "text/html"}, b"<h1>It works!</h1>")
        url = urlsplit(asked.url)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        passed = {name: value for name, value in asked.headers.items() if name == "content-type"}
        connection.request(asked.method, f"{url.path}?{url.query}", asked.body or None, passed)
        answer = connection.getresponse()
        said = Said(answer.status, {"content-type": answer.headers["content-type"]}, answer.read())
        connection.close()
        return said
