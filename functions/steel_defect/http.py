"""A request and a response as plain data: what the adapters of both clouds translate to and from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from steel_defect.errors import MethodNotAllowed, ResultNotReady, SteelDefectError

if TYPE_CHECKING:
    from collections.abc import Mapping

PROBLEM_TYPE: Final = "urn:problem-type:steel-defect:"
# An upload is scored within a second or two of its arrival where nothing waits before it.
RESULT_AFTER_SECONDS: Final = "2"


@dataclass(frozen=True)
class Request:
    """One HTTP request. Header names are in lower case; the body is decoded from whatever the platform wraps it in."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


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


def problem(error: SteelDefectError) -> dict[str, str | int]:
    """The RFC 9457 problem details of an error. `type` is stable and meant for programs, `detail` for people."""
    return {
        "type": PROBLEM_TYPE + error.slug,
        "title": error.title,
        "status": error.status,
        "detail": str(error),
    }


def problem_response(error: SteelDefectError) -> Response:
    """The answer to a request that failed."""
    headers = {"content-type": "application/problem+json"}
    if isinstance(error, MethodNotAllowed):
        headers["allow"] = ", ".join(error.allowed)
    if isinstance(error, ResultNotReady):
        headers["retry-after"] = RESULT_AFTER_SECONDS
    return json_response(problem(error), status=error.status, headers=headers)
