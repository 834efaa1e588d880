"""Lambda's HTTP events as the core's requests.

API Gateway HTTP APIs and Function URLs (payload format 2.0), API Gateway REST APIs (1.0), and the direct invocation
with `{"image": "<base64>"}`.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from steel_defect.errors import MalformedBody
from steel_defect.http import Request

_NO_REQUEST: Final = 'the event is neither an HTTP request nor a direct invocation with {"image": "<base64>"}'


def request_in(event: object) -> Request:
    """Read an event.

    Raises:
        MalformedBody: it is of no known shape, or its body is not base64 although it says so.
    """
    if not isinstance(event, dict):
        raise MalformedBody(_NO_REQUEST)
    context = event.get("requestContext") or {}
    if "http" in context:
        stage = f"/{context.get('stage', '$default')}"
        path = event["rawPath"]
        path = path.removeprefix(stage) if f"{path}/".startswith(f"{stage}/") else path
        return Request(context["http"]["method"], path, _headers(event), _query(event), _body(event))
    if "httpMethod" in event:
        return Request(event["httpMethod"], event["path"], _headers(event), _query(event), _body(event))
    if "image" in event:
        query = {"map": str(event.get("map", "false")).lower()}
        return Request("POST", "/predict", {}, query, json=event)
    raise MalformedBody(_NO_REQUEST)


def _headers(event: dict[str, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def _query(event: dict[str, Any]) -> dict[str, str]:
    return event.get("queryStringParameters") or {}


def _body(event: dict[str, Any]) -> bytes:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        message = f"the event says that its body is base64, and it is not: {error}"
        raise MalformedBody(message) from error
