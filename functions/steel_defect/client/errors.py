"""The errors of a request. They are problems like the service's own, so they are shown the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steel_defect.errors import PROBLEM_TYPE, SteelDefectError

if TYPE_CHECKING:
    from collections.abc import Mapping


class ServiceProblem(SteelDefectError):
    """The service answered with a problem, whose `status`, `slug` and `title` this has.

    Attributes:
        content: its JSON (RFC 9457), as it came.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        """Keep the whole of it."""
        super().__init__(str(content.get("detail", content["type"])))
        self.content = dict(content)
        self.slug = str(content["type"]).removeprefix(PROBLEM_TYPE)
        self.title = str(content.get("title", self.slug))
        status = content.get("status")
        self.status = status if isinstance(status, int) else 500


class AccessDenied(SteelDefectError):
    """The platform denies access to the caller. The message says what to do."""

    slug = "access-denied"
    title = "Access denied"
    status = 403


class NoAnswer(SteelDefectError):
    """No connection, or none in time, or throttled, after every try."""

    slug = "no-answer"
    title = "No answer"
    status = 503


class NoService(SteelDefectError):
    """The server that answers is no steel-defect service, or the URL cannot be of one."""

    slug = "no-service"
    title = "Not a steel-defect service"
    status = 502


class RequestTooLarge(SteelDefectError):
    """The platform takes no request of this size, even if the model would accept the picture."""

    slug = "request-too-large"
    title = "Request too large"
    status = 413
