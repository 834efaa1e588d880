"""AWS Lambda: the entry points `aws.api` (HTTP and direct invocations) and `aws.upload` (objects in S3)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

import aws_events
from steel_defect.api import Api
from steel_defect.errors import MalformedBody, ModelUnavailable
from steel_defect.http import problem_response
from steel_defect.serving import model_source
from steel_defect.settings import load_settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from steel_defect.uploads.processor import UploadProcessor
    from steel_defect.uploads.refs import ObjectRef

logger = Logger(service="steel-defect")
metrics = Metrics(namespace="SteelDefect", service="steel-defect")

load_settings()  # Settings that cannot be meant end the start, not the first request.
_scorer = model_source(load_settings)
_api = Api(_scorer, _scorer.state)
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
    metrics.add_metric(name=f"Responses{response.status // 100}xx", unit=MetricUnit.Count, value=1)
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

    metrics.add_metric(name="UploadEvents", unit=MetricUnit.Count, value=1)
    _count_model()
    if aws_batch.is_batch(event):
        return aws_batch.process(event, _score_upload, context, logger)
    from steel_defect.uploads.refs import refs_in  # noqa: PLC0415 - as above

    for ref in refs_in(event):
        _score_upload(ref)
    return {}


def _count_model() -> None:
    registry = _scorer.state()
    if registry is not None:
        metrics.add_metric(name="ModelNotCurrent", unit=MetricUnit.Count, value=int(registry.state != "current"))


@cache
def _processor() -> UploadProcessor:
    import aws_bus  # noqa: PLC0415 - as above
    from steel_defect.uploads.function import upload_processor  # noqa: PLC0415 - as above

    return upload_processor(_scorer, aws_bus.publisher(load_settings().outcome_bus))


def _score_upload(ref: ObjectRef) -> None:
    outcome = _processor().process(ref)
    metrics.add_metric(name=f"Uploads{outcome.value.title()}", unit=MetricUnit.Count, value=1)
    logger.info("upload", outcome=outcome.value, object=ref.uri, version=ref.version)
