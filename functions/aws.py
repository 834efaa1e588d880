"""AWS Lambda: the entry points.

`aws.api` takes HTTP and direct invocations, `aws.upload` objects that were created in S3, and `aws.backfill` batches of
objects that Step Functions listed.
"""

from __future__ import annotations

import json
import os
from enum import StrEnum
from functools import cache, lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

import aws_events
from steel_defect.api import Api
from steel_defect.errors import MalformedBody, ModelUnavailable
from steel_defect.http import problem_response
from steel_defect.serving import model_source
from steel_defect.settings import SettingsError, load_settings
from steel_defect.uploads.signed import signed_uploads

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from steel_defect.http import Request, Response
    from steel_defect.scorer import Scorer
    from steel_defect.uploads.backfill import Backfill
    from steel_defect.uploads.processor import UploadProcessor
    from steel_defect.uploads.refs import ObjectRef


class Metric(StrEnum):
    """Every metric of the functions, by the names that alarms and dashboard use. All are counts.

    `PICTURE_REFUSED` and `DEFECT_FOUND` are 0 or 1 for each picture, so that their average is a share: of all pictures
    those that cannot be scored, and of the scored ones those that the model decides to reject.
    """

    RESPONSES_2XX = "Responses2xx"
    RESPONSES_4XX = "Responses4xx"
    RESPONSES_5XX = "Responses5xx"
    UPLOAD_EVENTS = "UploadEvents"
    UPLOADS_SCORED = "UploadsScored"
    UPLOADS_FAILED = "UploadsFailed"
    UPLOADS_DUPLICATE = "UploadsDuplicate"
    UPLOADS_SUPERSEDED = "UploadsSuperseded"
    MODEL_NOT_CURRENT = "ModelNotCurrent"
    PICTURE_REFUSED = "PictureRefused"
    DEFECT_FOUND = "DefectFound"


NAMESPACE = "SteelDefect"
# Powertools reads it, for its log and its metrics. A deployment names each of its functions there, so that no alarm
# mixes what two of them measure.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "steel-defect")
logger = Logger()
metrics = Metrics(namespace=NAMESPACE)

_settings = load_settings()  # Settings that cannot be meant end the start, not the first request.
_scorer = model_source(load_settings)
_api = Api(_scorer, _scorer.state, signed_uploads(_settings))
try:
    # While the environment starts: Lambda gives more processor then, and SnapStart takes its copy afterwards.
    _scorer()
except ModelUnavailable as error:
    logger.critical(str(error))
try:
    from snapshot_restore_py import register_after_restore
except ModuleNotFoundError:
    pass  # Only runtimes with SnapStart have it.
else:
    # The copy may be weeks old. Lambda gives the hook 10 s.
    register_after_restore(_scorer.look_now, 5.0)


@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
def api(event: Any, context: LambdaContext) -> dict[str, Any]:  # noqa: ANN401, ARG001 - Lambda's signature
    """Answer one HTTP request or one direct invocation."""
    try:
        request = aws_events.request_in(event)
    except MalformedBody as error:
        response = problem_response(error)
    else:
        response = _api.handle(request)
        _count_answer(request, response)
    _count(Metric(f"Responses{response.status // 100}xx"))
    _count_model()
    logger.info("answered", status=response.status)
    return {"statusCode": response.status, "headers": dict(response.headers), "body": response.body}


@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
def upload(event: Any, context: LambdaContext) -> dict[str, Any]:  # noqa: ANN401 - Lambda's signature
    """Score the objects that a queue's batch, a notification or an EventBridge event names.

    Of a batch, only the messages that failed are given back to the queue. Any other event fails as a whole, and Lambda
    tries it again.
    """
    import aws_batch  # noqa: PLC0415 - the api function never needs it

    _count(Metric.UPLOAD_EVENTS)
    _count_model()
    if aws_batch.is_batch(event):
        return aws_batch.process(event, _score_upload, context, logger)
    from steel_defect.uploads.refs import refs_in  # noqa: PLC0415 - as above

    for ref in refs_in(event):
        _score_upload(ref)
    return {}


@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
def backfill(event: Any, context: LambdaContext) -> dict[str, Any]:  # noqa: ANN401, ARG001 - Lambda's signature
    """Score one batch of objects that a Distributed Map of Step Functions listed; see `aws_backfill.score`."""
    import aws_backfill  # noqa: PLC0415 - as above

    _count_model()
    report = aws_backfill.score(event, _backfill(_scorer()))
    logger.info("batch", **{name: report[name] for name in ("objects", "outcomes")})
    return report


def _count(metric: Metric, value: int = 1) -> None:
    metrics.add_metric(name=metric.value, unit=MetricUnit.Count, value=value)


def _count_model() -> None:
    registry = _scorer.state()
    if registry is not None:
        _count(Metric.MODEL_NOT_CURRENT, int(registry.state != "current"))


def _count_answer(request: Request, response: Response) -> None:
    if (request.method, request.path.rstrip("/")) != ("POST", "/predict"):
        return
    if response.status == HTTPStatus.OK:
        _count_picture(json.loads(response.body)["decision"])
    elif response.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        _count_picture(None)


def _count_picture(decision: str | None) -> None:
    """Count one picture; `decision` is None where it cannot be scored."""
    _count(Metric.PICTURE_REFUSED, int(decision is None))
    if decision is not None:
        _count(Metric.DEFECT_FOUND, int(decision == "reject"))


@cache
def _processor() -> UploadProcessor:
    import aws_bus  # noqa: PLC0415 - as above
    from steel_defect.uploads.function import upload_processor  # noqa: PLC0415 - as above

    publish = aws_bus.publisher(load_settings().outcome_bus)

    def tell(result: dict[str, Any]) -> None:
        if publish is not None:
            publish(result)
        _count_picture(result.get("decision"))

    return upload_processor(_scorer, tell)


@lru_cache(maxsize=1)  # A promoted model replaces the one before it.
def _backfill(scorer: Scorer) -> Backfill:
    from steel_defect.uploads.backfill import Backfill  # noqa: PLC0415 - as above

    settings = load_settings()
    if settings.uploads_uri is None or settings.results_uri is None:
        message = "set RESULTS_URI and UPLOADS_URI: this function does not know where results go"
        raise SettingsError(message)
    return Backfill(scorer, settings.uploads_uri, settings.results_uri)


def _score_upload(ref: ObjectRef) -> None:
    outcome = _processor().process(ref)
    _count(Metric(f"Uploads{outcome.value.title()}"))
    logger.info("upload", outcome=outcome.value, object=ref.uri, version=ref.version)
