"""Google Cloud Run functions: translates its requests for the core. The platform fixes the name of this file."""

from __future__ import annotations

import logging
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import functions_framework

from gcp_log import CloudLoggingFormatter, http_request
from steel_defect import log_line
from steel_defect.api import refused
from steel_defect.app import App
from steel_defect.body import body_limit
from steel_defect.contract import InputSpec
from steel_defect.errors import ModelUnavailable, too_many_bytes
from steel_defect.http import Request, Response
from steel_defect.metrics import Metric
from steel_defect.observation import observed
from steel_defect.serving import ModelSource
from steel_defect.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    import flask
    from cloudevents.http import CloudEvent

_CHUNK: Final = 65_536


def _publisher(settings: Settings) -> Callable[[dict[str, Any]], None] | None:
    import gcp_topic  # only the upload function needs it

    return gcp_topic.publisher(settings.outcome_topic)


_app = App(ModelSource(load_settings()), _publisher)  # Invalid settings fail at the start, not at the first request.
_handler = logging.StreamHandler(sys.stderr)
_handler.setFormatter(CloudLoggingFormatter(_app.settings.google_project))
logging.basicConfig(level=logging.INFO, handlers=[_handler])
_log = logging.getLogger("steel_defect")


def warm_up() -> None:
    """Load the model while the instance starts, so that the first picture does not wait for it."""
    try:
        _app.models()
    except ModelUnavailable as error:
        _log.critical("%s", error)


# The framework imports this file, then forks its worker; the model is loaded in the worker alone (see serving.py).
os.register_at_fork(after_in_child=warm_up)


@functions_framework.http
def api(request: flask.Request) -> tuple[str, int, dict[str, str]]:
    """Answer one HTTP request."""
    with observed() as seen:
        response, size = _answer(request)
        route = _app.api.route(request.path)
        shown = http_request(
            request.method, route or "unknown", response.status, (size, len(response.body)), seen.total_ms()
        )
        for line in log_line.of_request(seen, request.method, route, response.status, size):
            _write(line, httpRequest=shown)
    return response.body, response.status, dict(response.headers)


@functions_framework.cloud_event
def upload(event: CloudEvent) -> None:
    """Score the object that an event says was written; raising has it sent again. A coil's marker starts the job."""
    from gcp_events import ref_in_event  # the api function never needs it
    from steel_defect.uploads.foreign import is_coil_marker

    ref = ref_in_event(event)
    if ref is None:
        _log.info("ignored", extra={"fields": {"event_type": str(event["type"])}})
        return
    _app.score_upload(ref, partial(_write, more={Metric.UPLOAD_EVENTS: 1}))
    if _app.settings.coil_job is not None and is_coil_marker(ref.key):
        import gcp_coil

        gcp_coil.start(_app.settings.coil_job, ref.key)


def _write(line: log_line.Line, more: dict[Metric, float] | None = None, **fields: object) -> None:
    """Write the one line of a call. infra/gcp/metrics.tf reads the metrics in it, so the shortest line has them too."""
    cold_start = _app.take_cold_start()
    cold: dict[Metric, float] = {Metric.COLD_START: 1} if cold_start else {}
    line = log_line.sampled(line, _app.settings.log_sample_rate, cold_start=cold_start)
    metrics = {**(more or {}), **line.metrics, **log_line.of_model(_app.models.state()), **cold}
    shown = {} if line.fields is None else {"cold_start": cold_start, **line.fields, **fields}
    _log.log(logging.getLevelNamesMapping()[line.level], line.message, extra={"fields": {**shown, "metrics": metrics}})


def _answer(request: flask.Request) -> tuple[Response, int]:
    """The answer, and how many bytes of the body were read."""
    try:
        max_bytes = _app.models().contract.input.max_bytes
    except ModelUnavailable:
        max_bytes = InputSpec.max_bytes  # Some paths need no model; the page says if there is none.
    limit = body_limit(max_bytes)
    body = request.stream.read(limit + 1)
    if len(body) > limit:
        # Dropped in pieces: the framework reads the rest of a body after the answer, and would keep it whole in memory.
        while request.stream.read(_CHUNK):
            pass
        return refused(too_many_bytes(max_bytes)), len(body)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return _app.api.handle(Request(request.method, request.path, headers, request.args.to_dict(), body)), len(body)
