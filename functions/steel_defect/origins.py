"""Calls from pages of other origins: a browser lets a page read an answer only if that allows it (CORS)."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from steel_defect.http import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from steel_defect.http import Request

_MINUTES_10: Final = "600"
# What a caller may send that a form of another page could not.
_HEADERS: Final = "authorization, content-type"


def answer_for(
    request: Request, allowed: frozenset[str], methods: Iterable[str], answer: Callable[[Request], Response]
) -> Response:
    """Answer a request, so that pages of the allowed origins may read it; others get what they always did.

    Args:
        request: to answer.
        allowed: origins, such as https://line-3.example; one or more.
        methods: that its path takes.
        answer: answers all but the question whether a page may ask.
    """
    origin = request.headers.get("origin")
    if origin not in allowed:
        response = answer(request)
        # A cache must not give this answer to a page that may read it, nor the other way round.
        return replace(response, headers={**response.headers, "vary": "origin"})
    headers = {"access-control-allow-origin": str(origin), "vary": "origin"}
    if request.method == "OPTIONS" and "access-control-request-method" in request.headers:
        asked = {
            "access-control-allow-methods": ", ".join(methods),
            "access-control-allow-headers": _HEADERS,
            "access-control-max-age": _MINUTES_10,
        }
        return Response(int(HTTPStatus.NO_CONTENT), {**headers, **asked}, "")
    response = answer(request)
    return replace(response, headers={**response.headers, **headers})
