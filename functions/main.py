"""Google Cloud Run functions: translates its requests for the core. The platform fixes the name of this file."""

from __future__ import annotations

import json
import logging
import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import functions_framework

from steel_defect.api import Api
from steel_defect.body import body_limit, too_many_bytes
from steel_defect.contract import InputSpec
from steel_defect.errors import ModelUnavailable
from steel_defect.http import Request, Response, problem_response
from steel_defect.serving import model_source
from steel_defect.settings import load_settings
from steel_defect.uploads.signed import signed_uploads

if TYPE_CHECKING:
    import flask
    from cloudevents.http import CloudEvent

    from steel_defect.uploads.processor import UploadProcessor

_CHUNK: Final = 65_536


class CloudLoggingFormatter(logging.Formatter):
    """One JSON object a line, with the fields that Cloud Logging lifts out of it."""

    def format(self, record: logging.LogRecord) -> str:
        """Render one record."""
        return json.dumps({"severity": record.levelname, "logger": record.name, "message": super().format(record)})


_handler = logging.StreamHandler(sys.stderr)
_handler.setFormatter(CloudLoggingFormatter())
logging.basicConfig(level=logging.INFO, handlers=[_handler])
_log = logging.getLogger("steel_defect")

_settings = load_settings()  # Settings that cannot be meant end the start, not the first request.
_scorer = model_source(load_settings)
_api = Api(_scorer, _scorer.state, signed_uploads(_settings))


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
    response = _answer(request)
    _log.info("%s %s %d", request.method, request.path, response.status)
    return response.body, response.status, dict(response.headers)


@functions_framework.cloud_event
def upload(event: CloudEvent) -> None:
    """Score the object that a `google.cloud.storage.object.v1.finalized` event names; raising has it sent again."""
    from steel_defect.uploads.refs import ref_from_cloud_storage  # noqa: PLC0415 - the api function never needs it

    ref = ref_from_cloud_storage(event.data)
    outcome = _processor().process(ref)
    _log.info("upload %s %s generation %s", outcome.value, ref.uri, ref.version)


@cache
def _processor() -> UploadProcessor:
    import gcp_topic  # noqa: PLC0415 - as above
    from steel_defect.uploads.function import upload_processor  # noqa: PLC0415 - as above

    publish = gcp_topic.publisher(load_settings().outcome_topic)

    def tell(result: dict[str, Any]) -> None:
        if publish is not None:
            publish(result)
        # infra/gcp/metrics.tf counts these lines.
        _log.info("picture %s", result.get("decision", "refused"))

    return upload_processor(_scorer, tell)


def _answer(request: flask.Request) -> Response:
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
        return problem_response(too_many_bytes(max_bytes))
    headers = {name.lower(): value for name, value in request.headers.items()}
    return _api.handle(Request(request.method, request.path, headers, request.args.to_dict(), body))
