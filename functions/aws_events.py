"""Lambda's HTTP events as the core's requests, and the core's responses as Lambda has them.

API Gateway HTTP APIs and Function URLs (payload format 2.0), API Gateway REST APIs (1.0), Application Load Balancers,
and the direct invocation with `{"image": "<base64>"}`.
"""

from __future__ import annotations

import base64
import binascii
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_plus

from steel_defect.errors import MalformedBody
from steel_defect.http import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from steel_defect.http import Response

_NO_REQUEST: Final = 'the event is neither an HTTP request nor a direct invocation with {"image": "<base64>"}'


# Hosts of API Gateway and of Function URLs, whose requests have no path in front of ours.
_AWS_HOSTS: Final = (".amazonaws.com", ".amazonaws.com.cn", ".on.aws")


def request_in(event: object, is_served: Callable[[str], object]) -> Request:
    """Read an event.

    Args:
        event: of Lambda.
        is_served: tells whether there is something at a path.

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
        path = _without_base(path, context, is_served)
        return Request(context["http"]["method"], path, _headers(event), _query(event), _body(event))
    if "httpMethod" in event:
        path = _without_base(event["path"], context, is_served)
        return Request(event["httpMethod"], path, _headers(event), _query(event), _body(event))
    if "image" in event:
        query = {"map": str(event.get("map", "false")).lower()}
        return Request("POST", "/predict", {}, query, json=event)
    raise MalformedBody(_NO_REQUEST)


def answer_to(event: object, response: Response) -> dict[str, Any]:
    """The response as what sent the event wants it."""
    answer = {"statusCode": response.status, "headers": dict(response.headers), "body": response.body}
    if not (isinstance(event, dict) and "elb" in (event.get("requestContext") or {})):
        return answer
    if "multiValueHeaders" in event:
        del answer["headers"]
        answer["multiValueHeaders"] = {name: [value] for name, value in response.headers.items()}
    description = f"{response.status} {HTTPStatus(response.status).phrase}"
    return {**answer, "statusDescription": description, "isBase64Encoded": False}


def _without_base(path: str, context: dict[str, Any], is_served: Callable[[str], object]) -> str:
    """The path without what a domain's mapping or a balancer's rule has before it, which no event tells apart."""
    if is_served(path) or str(context.get("domainName", "")).endswith(_AWS_HOSTS):
        return path
    parts = path.split("/")[2:]
    rests = (f"/{'/'.join(parts[start:])}" for start in range(len(parts)))
    return next((rest for rest in rests if is_served(rest)), path)


def _headers(event: dict[str, Any]) -> dict[str, str]:
    several = {name: values[-1] for name, values in (event.get("multiValueHeaders") or {}).items() if values}
    return {name.lower(): value for name, value in (event.get("headers") or several).items()}


def _query(event: dict[str, Any]) -> dict[str, str]:
    several = {
        name: values[-1] for name, values in (event.get("multiValueQueryStringParameters") or {}).items() if values
    }
    found = event.get("queryStringParameters") or several
    if "elb" in (event.get("requestContext") or {}):  # as they were sent; the gateways decode them
        found = {unquote_plus(name): unquote_plus(value) for name, value in found.items()}
    # A request may be signed in its query, which is for the endpoint and not for us.
    return {name: value for name, value in found.items() if not name.lower().startswith("x-amz-")}


def _body(event: dict[str, Any]) -> bytes:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        message = f"the event says that its body is base64, and it is not: {error}"
        raise MalformedBody(message) from error
