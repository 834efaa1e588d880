"""AWS Lambda: translates its events for the core.

Understands API Gateway HTTP APIs and Function URLs (payload format 2.0), API Gateway REST APIs (1.0), and the direct
invocation with `{"image": "<base64>"}`.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from steel_defect.api import Api
from steel_defect.errors import MalformedBody, ModelUnavailable
from steel_defect.http import Request, problem_response
from steel_defect.serving import model_source
from steel_defect.settings import load_settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_NO_REQUEST: Final = 'the event is neither an HTTP request nor a direct invocation with {"image": "<base64>"}'

logger = Logger(service="steel-defect")
metrics = Metrics(namespace="SteelDefect", service="steel-defect")

_scorer = model_source(load_settings)
_api = Api(_scorer)
try:
    # While the environment starts: Lambda gives more processor then, and SnapStart takes its copy afterwards.
    _scorer()
except ModelUnavailable as error:
    logger.critical(str(error))


@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
def api(event: Any, context: LambdaContext) -> dict[str, Any]:  # noqa: ANN401, ARG001 - Lambda's signature
    """Answer one HTTP request or one direct invocation."""
    try:
        request = _request(event)
    except MalformedBody as error:
        response = problem_response(error)
    else:
        response = _api.handle(request)
    metrics.add_metric(name=f"Responses{response.status // 100}xx", unit=MetricUnit.Count, value=1)
    logger.info("answered", status=response.status)
    return {"statusCode": response.status, "headers": dict(response.headers), "body": response.body}


def _request(event: Any) -> Request:  # noqa: ANN401 - whatever JSON the caller sends
    if not isinstance(event, dict):
        raise MalformedBody(_NO_REQUEST)
    context = event.get("requestContext") or {}
    if "http" in context:
        stage = f"/{context.get('stage', '$default')}"
        path = event["rawPath"]
        path = path.removeprefix(stage) if path.startswith(f"{stage}/") else path
        return Request(context["http"]["method"], path, _headers(event), _query(event), _body(event))
    if "httpMethod" in event:
        return Request(event["httpMethod"], event["path"], _headers(event), _query(event), _body(event))
    if "image" in event:
        headers = {"content-type": "application/json"}
        query = {"map": str(event.get("map", "false")).lower()}
        return Request("POST", "/predict", headers, query, json.dumps(event).encode())
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
