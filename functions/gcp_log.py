"""Log lines as Cloud Logging reads them: one JSON object a line, with its own names for severity, trace and request.

https://docs.cloud.google.com/logging/docs/structured-logging
"""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any, Final

import flask

if TYPE_CHECKING:
    from collections.abc import Mapping

# https://www.w3.org/TR/trace-context/#traceparent-header, and Google's own, whose span is a decimal number.
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})")
_CLOUD_TRACE: Final = re.compile(r"(?P<trace>[0-9a-f]{32})(?:/(?P<span>\d{1,20}))?(?:;o=(?P<sampled>[01]))?")
# Given by the platform, or by whoever calls past it: nothing else gets into a line.
_ID: Final = re.compile(r"[\w-]{1,64}")


class CloudLoggingFormatter(logging.Formatter):
    """Renders a record with its `fields` (see `logging`'s `extra`), and the ids of the request that is answered."""

    def __init__(self, project: str | None) -> None:
        """Take the project whose traces the lines belong to; without one they are not linked."""
        super().__init__()
        self._project = project

    def format(self, record: logging.LogRecord) -> str:
        """Render one record."""
        ids = request_ids(flask.request.headers, self._project) if flask.has_request_context() else {}
        line = {"severity": record.levelname, "logger": record.name, "message": super().format(record), **ids}
        return json.dumps({**line, **getattr(record, "fields", {})})


def request_ids(headers: Mapping[str, str], project: str | None) -> dict[str, Any]:
    """The ids of a request: `request_id`, `trace_id`, and the trace as Cloud Logging links it."""
    execution = headers.get("function-execution-id", "")
    ids: dict[str, Any] = {"request_id": execution if _ID.fullmatch(execution) else "unknown"}
    trace, span, sampled = _trace(headers)
    if trace is not None:
        ids["trace_id"] = trace
    if trace is not None and project is not None:
        ids["logging.googleapis.com/trace"] = f"projects/{project}/traces/{trace}"
        ids["logging.googleapis.com/trace_sampled"] = sampled
        if span is not None:
            ids["logging.googleapis.com/spanId"] = span
    return ids


def http_request(method: str, route: str, status: int, sizes: tuple[int, int], total_ms: float) -> dict[str, Any]:
    """The request as Cloud Logging shows it; the address is the route alone. Sizes are of request and response."""
    return {
        "requestMethod": method,
        "requestUrl": route,
        "status": status,
        "requestSize": str(sizes[0]),
        "responseSize": str(sizes[1]),
        "latency": f"{total_ms / 1e3:.6f}s",
    }


def _trace(headers: Mapping[str, str]) -> tuple[str | None, str | None, bool]:
    """Trace, span (16 hexadecimal digits) and whether Cloud Trace keeps it."""
    found = _TRACEPARENT.fullmatch(headers.get("traceparent", ""))
    if found:
        return found["trace"], found["span"], bool(int(found["flags"], 16) & 1)
    found = _CLOUD_TRACE.fullmatch(headers.get("x-cloud-trace-context", ""))
    if found:
        span = f"{int(found['span']):016x}" if found["span"] else None
        return found["trace"], span, found["sampled"] == "1"
    return None, None, False
