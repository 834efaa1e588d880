"""The meaning of an answer, however it came: over HTTP or from a direct invocation."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final

from steel_defect.client.errors import AccessDenied, NoAnswer, NoService, RequestTooLarge, ServiceProblem
from steel_defect.errors import PROBLEM_TYPE

# Worth another try: throttled, or something on the way is not there at the moment. A prediction changes nothing.
RETRIED: Final = frozenset({429, 502, 503, 504})
TOO_LARGE: Final = (
    "the platform takes no request of this size (6 MB for Lambda, in base64); pictures like this one go through the "
    "uploads bucket: steel-defect upload"
)
_SHOWN: Final = 200


def content_of(status: int, text: str, *, url: str, advice: str, expected_field: str) -> dict[str, Any]:
    """The JSON of a good answer.

    Args:
        status: of the answer.
        text: its body.
        url: what was asked, for messages.
        advice: what to do if the caller was denied access.
        expected_field: that every such answer of the service has.

    Raises:
        SteelDefectError: of `client.errors`, for everything else.
    """
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if isinstance(content, dict):
        if str(content.get("type", "")).startswith(PROBLEM_TYPE):
            raise ServiceProblem(content)
        if status == HTTPStatus.OK and expected_field in content:
            return content
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        message = f"{url} answers {status}: {advice}"
        raise AccessDenied(message)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        raise RequestTooLarge(TOO_LARGE)
    said = f"{url} answers {status} {' '.join(text.split())[:_SHOWN]!r}"
    if status in RETRIED or status == HTTPStatus.INTERNAL_SERVER_ERROR:
        raise NoAnswer(said)
    message = f"{said}: not a steel-defect service; give the URL without /predict"
    raise NoService(message)
