"""An HTTP API of API Gateway on loopback: HTTP in, events of payload format 2.0 to the function, its answers back."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from tests.transports import Lambda

STAGE = "prod"
WITHOUT_TOKEN = {("GET", "/"), ("GET", "/docs"), ("GET", "/openapi.json")}  # Routes of template.yaml.


class Bridge:
    """Serves the function below /prod/, as a stage that is not $default is served.

    Attributes:
        token: what a request must bring, but for the routes without; None where it need bring nothing.
        busy: how many requests to answer with 429 before the next is let through.
    """

    def __init__(self, function: Lambda) -> None:
        self.token: str | None = None
        self.busy = 0
        self._function = function
        self._one_at_a_time = threading.Lock()  # As the emulator takes them.
        bridge = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                bridge.answer(self)

            def do_POST(self) -> None:
                bridge.answer(self)

            def do_HEAD(self) -> None:
                bridge.answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/{STAGE}/"

    def __enter__(self) -> Self:
        """Start it."""
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        body = request.rfile.read(int(request.headers.get("content-length", 0)))
        status, headers, text = self._answer(request, body)
        data = text.encode()
        request.send_response(status)
        for name, value in {**headers, "content-length": str(len(data))}.items():
            request.send_header(name, value)
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(data)

    def _answer(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, str], str]:
        address = urlsplit(request.path)
        if not f"{address.path}/".startswith(f"/{STAGE}/"):
            return self._of_the_gateway(404, "Not Found")  # Of no stage.
        route = (request.command, address.path.removeprefix(f"/{STAGE}"))
        said = request.headers.get("authorization")
        if self.token is not None and route not in WITHOUT_TOKEN and said != f"Bearer {self.token}":
            return self._of_the_gateway(401, "Unauthorized")
        if route[0] == "POST" and self.busy > 0:
            self.busy -= 1
            return self._of_the_gateway(429, "Too Many Requests")
        query = dict(parse_qsl(address.query))
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": address.path,
            "rawQueryString": address.query,
            "headers": {name.lower(): value for name, value in request.headers.items()},
            **({"queryStringParameters": query} if query else {}),
            "requestContext": {"http": {"method": request.command, "path": address.path}, "stage": STAGE},
            **({"body": base64.b64encode(body).decode()} if body else {}),
            "isBase64Encoded": bool(body),
        }
        with self._one_at_a_time:
            answer: dict[str, Any] = self._function.invoke(event)
        return answer["statusCode"], answer["headers"], answer["body"]

    @staticmethod
    def _of_the_gateway(status: int, message: str) -> tuple[int, dict[str, str], str]:
        return status, {"content-type": "application/json"}, json.dumps({"message": message})
