"""Lets in who has the token: for a service that has no cloud's access control before it."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# The page, which then asks for the token; what is public anyway; and what watches over the service.
_OPEN: Final = frozenset({"/", "/docs", "/openapi.json", "/health", "/healthz"})
_REFUSED: Final = {
    "type": "about:blank",
    "title": "Unauthorized",
    "status": 401,
    "detail": "send the token of this service, as Authorization: Bearer TOKEN",
}


class TokenGuard:
    """A WSGI application before another one."""

    def __init__(self, inner: WSGIApplication, token: str) -> None:
        """Take what answers, and the token."""
        self._inner = inner
        self._wanted = f"Bearer {token}".encode()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        shown = str(environ.get("HTTP_AUTHORIZATION", "")).encode("latin-1", "replace")
        # Whether a page may ask is asked without the token.
        asks = environ["REQUEST_METHOD"] == "OPTIONS"
        if asks or environ["PATH_INFO"] in _OPEN or hmac.compare_digest(shown, self._wanted):
            return self._inner(environ, start_response)
        body = json.dumps(_REFUSED).encode()
        headers = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(body)))]
        start_response("401 Unauthorized", [*headers, ("WWW-Authenticate", "Bearer")])
        return [body]
