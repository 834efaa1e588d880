"""The Cloud Run function behind an HTTP server that can stand alone.

Google's framework makes the application; its own server, gunicorn, expects a front end before it: a client that stalls
keeps a thread, and a few of them stop it. waitress reads a request to its end before a thread works on it, gives up on
clients that stall, and limits what they may send.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

from functions_framework import create_app
from waitress import create_server
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask

from steel_defect.cli.tls import encrypt
from steel_defect.cli.token_guard import TokenGuard
from steel_defect.errors import MalformedBody, TooManyBytes

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from waitress.utilities import Error

_STALLED_SECONDS: Final = 30
_LONGEST_HEADERS: Final = 16_384
# Far above what the function takes: a body that is a little too large is refused there, in its own words.
_LARGEST_BODY: Final = 64 << 20
_CONNECTIONS: Final = 500


def run(source: Path, host: str, port: int, *, token: str | None, tls: ssl.SSLContext | None) -> None:
    """Serve `api` of the entry point `source` until SIGINT or SIGTERM.

    Args:
        source: main.py.
        host: address to listen on.
        port: as stated.
        token: what requests must show; None to answer everybody.
        tls: encrypts; None for plain HTTP.
    """
    app = create_app(target="api", source=str(source))  # type: ignore[no-untyped-call]  # it states no types
    sys.modules["main"].warm_up()
    # Its loop ends on an exit, and lets the requests that have begun come to their end. What a shell starts in the
    # background ignores SIGINT unless it says otherwise.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda *_: sys.exit(0))
    server = create_server(
        app if token is None else TokenGuard(app, token),
        host=host if tls is None else "127.0.0.1",
        port=port if tls is None else 0,
        threads=4 * (os.cpu_count() or 1),
        channel_timeout=_STALLED_SECONDS,
        cleanup_interval=_STALLED_SECONDS // 3,
        max_request_header_size=_LONGEST_HEADERS,
        max_request_body_size=_LARGEST_BODY,
        connection_limit=_CONNECTIONS,
        ident=None,
    )
    if tls is not None:
        encrypt(tls, host, port, server.effective_port)
    server.run()


class _Problem(ErrorTask):  # type: ignore[misc]  # waitress ships no types
    """A request that cannot be read is answered as every other error is."""

    def execute(self) -> None:
        """Answer, and close the connection."""
        body = json.dumps(_described(self.request.error)).encode()
        self.status = f"{self.request.error.code} {self.request.error.reason}"
        self.response_headers.append(("Content-Type", "application/problem+json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):  # type: ignore[misc]  # as above
    error_task_class = _Problem


TcpWSGIServer.channel_class = _Channel


def _described(error: Error) -> dict[str, Any]:
    said = f"the request cannot be read: {error.body}"
    if error.code == MalformedBody.status:
        return MalformedBody(said).problem()
    if error.code == TooManyBytes.status:
        return TooManyBytes(said).problem()
    # HTTP's own meaning of the status is all there is to say.
    return {"type": "about:blank", "title": error.reason, "status": error.code, "detail": said}
