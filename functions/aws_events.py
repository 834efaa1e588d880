"""Lambda's HTTP events as the core's requests, and the core's responses as Lambda has them.

API Gateway HTTP APIs and Function URLs (payload format 2.0), API Gateway REST APIs (1.0), Application Load Balancers,
and the direct invocation with `{"image": "<base64>"}` or `{"images": [...]}`.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from steel_defect.base64_text import from_base64
from steel_defect.errors import MalformedBody
from steel_defect.http import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from steel_defect.http import Response

_NO_REQUEST: Final = 'the event is neither an HTTP request nor a direct invocation with {"image": "<base64>"}'

# Hosts of API Gateway and of Function URLs, whose requests have no path in front of ours.
_AWS_HOSTS: Final = (".amazonaws.com", ".amazonaws.com.cn", ".on.aws")


class Misrouted(ValueError):
    """A notification reached the api function, which is wired wrongly then.

    It is raised, not answered: whoever sends notifications takes any answer for success and drops what it sent. After
    an error it sends again, and the function's alarm rings.
    """


def request_in(event: object, is_served: Callable[[str], object]) -> Request:
    """Read an event.

    Args:
        event: of Lambda.
        is_served: tells whether there is something at a path.

    Raises:
        MalformedBody: it is of no known shape, a part of it is not of the type that AWS sends, or its body is not
            base64 although it says so.
        Misrouted: it says that something happened to an object or in a queue.
    """
    if not isinstance(event, dict):
        raise MalformedBody(_NO_REQUEST)
    context = _object(event, "requestContext")
    if "http" in context:
        stage = f"/{context.get('stage', '$default')}"
        path = _text(event, "rawPath")
        path = path.removeprefix(stage) if f"{path}/".startswith(f"{stage}/") else path
        path = _without_base(path, context, is_served)
        return Request(_text(_object(context, "http"), "method"), path, _headers(event), _query(event), _body(event))
    if "httpMethod" in event:
        path = _without_base(_text(event, "path"), context, is_served)
        return Request(_text(event, "httpMethod"), path, _headers(event), _query(event), _body(event))
    if "image" in event:
        return Request("POST", "/predict", json=event)
    if "images" in event:
        return Request("POST", "/batch", json=event)
    match event:
        case {"Records": [{"eventSource": source} | {"EventSource": source}, *_]} | {
            "source": source,
            "detail-type": _,
        }:
            message = f"an event of {source!r} was sent to the api function; the upload function takes it"
            raise Misrouted(message)
        case _:
            raise MalformedBody(_NO_REQUEST)


def answer_to(event: object, response: Response) -> dict[str, Any]:
    """The response as what sent the event wants it."""
    answer = {"statusCode": response.status, "headers": dict(response.headers), "body": response.body}
    if not (isinstance(event, dict) and _is_of_balancer(event)):
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


def _is_of_balancer(event: dict[str, Any]) -> bool:
    context = event.get("requestContext")
    return isinstance(context, dict) and "elb" in context


def _headers(event: dict[str, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in _texts(event, "headers", "multiValueHeaders").items()}


def _query(event: dict[str, Any]) -> dict[str, str]:
    found = _texts(event, "queryStringParameters", "multiValueQueryStringParameters")
    if _is_of_balancer(event):  # as they were sent; the gateways decode them
        from urllib.parse import unquote_plus  # the others need none of it

        found = {unquote_plus(name): unquote_plus(value) for name, value in found.items()}
    # A request may be signed in its query, which is for the endpoint and not for us.
    return {name: value for name, value in found.items() if not name.lower().startswith("x-amz-")}


def _body(event: dict[str, Any]) -> bytes:
    if event.get("body") is None:
        return b""
    body = _text(event, "body")
    if not event.get("isBase64Encoded"):
        return body.encode()
    try:
        return from_base64(body)
    except ValueError as error:  # binascii.Error, and non-ASCII characters
        message = f"the event says that its body is base64, and it is not: {error}"
        raise MalformedBody(message) from error


# AWS sends no event whose parts are of other types than these. Who invokes the function directly may send anything, and
# gets an answer that says what is wrong, not the error of a crash.


def _object(holder: dict[str, Any], name: str) -> dict[str, Any]:
    value = holder.get(name)
    if value is not None and not isinstance(value, dict):
        message = f"the event's {name!r} is not an object"
        raise MalformedBody(message)
    return value or {}


def _text(holder: dict[str, Any], name: str) -> str:
    value = holder.get(name)
    if not (isinstance(value, str) and _is_unicode(value)):
        message = f"the event's {name!r} is not text"
        raise MalformedBody(message)
    return value


def _texts(event: dict[str, Any], single: str, several: str) -> dict[str, str]:
    """Names and values, from the field with one value for each name or else from that with lists, of which the last."""
    found = _object(event, single)
    if not found:
        lists = _object(event, several)
        if not all(isinstance(values, list) for values in lists.values()):
            message = f"the event's {several!r} has a value that is not a list"
            raise MalformedBody(message)
        found = {name: values[-1] for name, values in lists.items() if values}
    return {name: _text(found, name) for name in found}


def _is_unicode(text: str) -> bool:
    """Whether it can be written as UTF-8: JSON can escape half of a pair of surrogates, which no text has."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
