"""Google Cloud Run functions: translates its requests for the core. The platform fixes the name of this file."""

from __future__ import annotations

import logging
import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Final

import functions_framework

from gcp_log import CloudLoggingFormatter, http_request
from steel_defect import observation
from steel_defect.api import Api, refused
from steel_defect.body import body_limit, too_many_bytes
from steel_defect.contract import InputSpec
from steel_defect.errors import ModelUnavailable
from steel_defect.http import Request, Response
from steel_defect.metrics import Metric
from steel_defect.serving import model_source
from steel_defect.settings import load_settings

if TYPE_CHECKING:
    import flask
    from cloudevents.http import CloudEvent

    from steel_defect.uploads.processor import UploadProcessor
    from steel_defect.uploads.signed import SignedUploads

_CHUNK: Final = 65_536

_settings = load_settings()  # Settings that cannot be meant end the start, not the first request.
_handler = logging.StreamHandler(sys.stderr)
_handler.setFormatter(CloudLoggingFormatter(_settings.google_project))
logging.basicConfig(level=logging.INFO, handlers=[_handler])
_log = logging.getLogger("steel_defect")

_scorer = model_source(load_settings)


@cache
def _signed_uploads() -> SignedUploads | None:
    from steel_defect.uploads.signed import signed_uploads  # noqa: PLC0415 - no prediction needs it

    return signed_uploads(_settings)


_api = Api(_scorer, _scorer.state, _signed_uploads)


def _warm_up() -> None:
    """Load the model while the instance starts, so that the first picture does not wait for it."""
    try:
        _scorer()
    except ModelUnavailable as error:
        _log.critical("%s", error)


# The framework imports this file, then forks its worker; the model is loaded in the worker alone (see serving.py).
os.register_at_fork(after_in_child=_warm_up)


@functions_framework.http
def api(request: flask.Request) -> tuple[str, int, dict[str, str]]:
    """Answer one HTTP request."""
    with observation.observed() as seen:
        response, size = _answer(request)
        route = _api.route(request.path)
        line = observation.of_request(seen, request.method, route, response.status, size)
        shown = http_request(
            request.method, route or "unknown", response.status, (size, len(response.body)), seen.total_ms()
        )
        _write(line, httpRequest=shown)
    return response.body, response.status, dict(response.headers)


@functions_framework.cloud_event
def upload(event: CloudEvent) -> None:
    """Score the object that a `google.cloud.storage.object.v1.finalized` event names; raising has it sent again."""
    from steel_defect.uploads.refs import CREATED, ref_from_cloud_storage  # noqa: PLC0415 - the api never needs it

    if str(event["type"]).startswith("google.cloud.storage.object.") and event["type"] != CREATED:
        _log.info("ignored", extra={"fields": {"event_type": str(event["type"])}})
        return
    ref = ref_from_cloud_storage(event.data)
    with observation.observed() as seen:
        try:
            outcome = _processor().process(ref)
        except Exception as error:
            _write(observation.of_upload(seen, ref.uri, ref.version, error), {Metric.UPLOAD_EVENTS: 1})
            raise
        _write(observation.of_upload(seen, ref.uri, ref.version, outcome.value), {Metric.UPLOAD_EVENTS: 1})


def _write(line: observation.Line, more: dict[Metric, float] | None = None, **fields: object) -> None:
    """Write the one line of a call. infra/gcp/metrics.tf reads the metrics in it, so the shortest line has them too."""
    cold_start = observation.is_cold_start()
    cold: dict[Metric, float] = {Metric.COLD_START: 1} if cold_start else {}
    line = observation.sampled(line, _settings.log_sample_rate, cold_start=cold_start)
    metrics = {**(more or {}), **line.metrics, **observation.of_model(_scorer.state()), **cold}
    told = {} if line.fields is None else {"cold_start": cold_start, **line.fields, **fields}
    _log.log(logging.getLevelNamesMapping()[line.level], line.message, extra={"fields": {**told, "metrics": metrics}})


@cache
def _processor() -> UploadProcessor:
    import gcp_topic  # noqa: PLC0415 - as above
    from steel_defect.uploads.function import upload_processor  # noqa: PLC0415 - as above

    return upload_processor(_scorer, gcp_topic.publisher(_settings.outcome_topic))


def _answer(request: flask.Request) -> tuple[Response, int]:
    """The answer, and how many bytes of the body were read."""
    try:
        max_bytes = _scorer().contract.input.max_bytes
    except ModelUnavailable:
        max_bytes = InputSpec.max_bytes  # Some paths need no model: the page says that there is none.
    limit = body_limit(max_bytes)
    body = request.stream.read(limit + 1)
    if len(body) > limit:
        # Dropped in pieces: the framework reads the rest of a body after the answer, and would keep it whole in memory.
        while request.stream.read(_CHUNK):
            pass
        return refused(too_many_bytes(max_bytes)), len(body)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return _api.handle(Request(request.method, request.path, headers, request.args.to_dict(), body)), len(body)
