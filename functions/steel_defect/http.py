"""A request and a response as plain data: what the adapters of both clouds translate to and from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from steel_defect.errors import Busy, MethodNotAllowed, ResultNotReady, SteelDefectError

if TYPE_CHECKING:
    from collections.abc import Mapping

# An upload is scored within a second or two of its arrival unless others wait before it; so is a large picture.
RETRY_AFTER_SECONDS: Final = "2"


@dataclass(frozen=True)
class Request:
    """One HTTP request, or a direct invocation.

    Attributes:
        method: of HTTP.
        path: decoded or not, as the platform gives it.
        headers: names are in lower case.
        query: one value for each parameter.
        body: decoded from whatever the platform wraps it in.
        json: the content of a JSON body that the platform has parsed already, as for a direct invocation; `body` is
            empty then. None for every other request.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    json: Mapping[str, Any] | None = None

    @property
    def size(self) -> int:
        """Bytes of the body; of a direct invocation, of its pictures in base64."""
        return len(self.body) if self.json is None else len(str(self.json.get("image") or self.json.get("images", "")))


@dataclass(frozen=True)
class Response:
    """One HTTP response. The body is UTF-8 text on every route."""

    status: int
    headers: Mapping[str, str]
    body: str


def json_response(content: Any, *, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Response:  # noqa: ANN401 - JSON
    """A JSON answer that no cache keeps."""
    base = {"content-type": "application/json", "cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(int(status), {**base, **(headers or {})}, json.dumps(content))


def problem_response(error: SteelDefectError) -> Response:
    """The answer to a request that failed."""
    headers = {"content-type": "application/problem+json"}
    if isinstance(error, MethodNotAllowed):
        headers["allow"] = ", ".join(error.allowed)
    if isinstance(error, ResultNotReady | Busy):
        headers["retry-after"] = RETRY_AFTER_SECONDS
    return json_response(error.problem(), status=error.status, headers=headers)
