"""AWS Lambda: the entry points.

`aws.api` takes HTTP and direct invocations, `aws.upload` objects that were created in S3, and `aws.backfill` batches of
objects that Step Functions listed.
"""

from __future__ import annotations

import os
from functools import cache, wraps
from threading import Lock
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics

import aws_events
from steel_defect import observation
from steel_defect.api import Api, refused
from steel_defect.errors import MalformedBody, ModelUnavailable
from steel_defect.metrics import DESCRIPTIONS, NAMESPACE, Metric
from steel_defect.serving import model_source
from steel_defect.settings import SettingsError, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from steel_defect.uploads.backfill import Backfill
    from steel_defect.uploads.processor import UploadProcessor
    from steel_defect.uploads.refs import ObjectRef
    from steel_defect.uploads.signed import SignedUploads


# Powertools reads it, for its log and its metrics. A deployment names each of its functions there, so that no alarm
# mixes what two of them measure.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "steel-defect")
logger = Logger(location=None, xray_trace_id=None)  # the one says nothing here, the other is `trace_id` as elsewhere
metrics = Metrics(namespace=NAMESPACE)
_metrics_lock = Lock()

_settings = load_settings()  # Settings that cannot be meant end the start, not the first request.
_scorer = model_source(load_settings)


@cache
def _signed_uploads() -> SignedUploads | None:
    from steel_defect.uploads.signed import signed_uploads  # noqa: PLC0415 - no prediction needs it

    return signed_uploads(_settings)


_api = Api(_scorer, _scorer.state, _signed_uploads)
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


def _observed(
    handler: Callable[[Any, LambdaContext], dict[str, Any]],
) -> Callable[[Any, LambdaContext], dict[str, Any]]:
    """Give every log line of an invocation its ids, and write the metrics when it ends, however it does."""

    @metrics.log_metrics
    @wraps(handler)
    def run(event: Any, context: LambdaContext) -> dict[str, Any]:  # noqa: ANN401 - Lambda's signature
        cold_start = observation.is_cold_start()
        # Lambda changes it for each invocation: it is no setting.
        trace_id = os.environ.get("_X_AMZN_TRACE_ID", "").partition(";")[0].removeprefix("Root=")
        logger.append_keys(request_id=context.aws_request_id, trace_id=trace_id or None, cold_start=cold_start)
        if cold_start:
            _count({Metric.COLD_START: 1})
        _count(observation.of_model(_scorer.state()))
        return handler(event, context)

    return run


@_observed
def api(event: Any, context: LambdaContext) -> dict[str, Any]:  # noqa: ANN401, ARG001 - Lambda's signature
    """Answer one HTTP request or one direct invocation."""
    with observation.observed() as seen:
        try:
            request = aws_events.request_in(event)
        except MalformedBody as error:
            method, route, size, response = "unknown", None, 0, refused(error)
        else:
            method, route, size = request.method, _api.route(request.path), len(request.body)
            response = _api.handle(request)
        _write(observation.of_request(seen, method, route, response.status, size))
    return {"statusCode": response.status, "headers": dict(response.headers), "body": response.body}


@_observed
def upload(event: Any, context: LambdaContext) -> dict[str, Any]:  # noqa: ANN401 - Lambda's signature
    """Score the objects that a queue's batch, a notification or an EventBridge event names.

    Of a batch, only the messages that failed are given back to the queue. Any other event fails as a whole, and Lambda
    tries it again.
    """
    import aws_batch  # noqa: PLC0415 - the api function never needs it

    _count({Metric.UPLOAD_EVENTS: 1})
    _processor()  # made once, before several threads use it
    if aws_batch.is_batch(event):
        return aws_batch.process(event, _score_upload, context, logger)
    from steel_defect.uploads.refs import refs_in  # noqa: PLC0415 - as above

    for ref in refs_in(event):
        _score_upload(ref)
    return {}


@_observed
def backfill(event: Any, context: LambdaContext) -> dict[str, Any]:  # noqa: ANN401, ARG001 - Lambda's signature
    """Score one batch of objects that a Distributed Map of Step Functions listed; see `aws_backfill.score`."""
    import aws_backfill  # noqa: PLC0415 - as above

    report = aws_backfill.score(event, _backfill(), _scorer.confirmed())
    logger.info("batch", **{name: report[name] for name in ("objects", "outcomes", "model")})
    return report


def _write(line: observation.Line) -> None:
    with _metrics_lock:  # Of a batch, several uploads end at a time.
        _count(line.metrics)
    cold_start = bool(logger.get_current_keys()["cold_start"])
    line = observation.sampled(line, load_settings().log_sample_rate, cold_start=cold_start)
    if line.fields is not None:
        write = logger.error if line.level == "ERROR" else logger.info
        write(line.message, **line.fields)


def _count(values: dict[Metric, float]) -> None:
    for metric, value in values.items():
        metrics.add_metric(name=metric.value, unit=DESCRIPTIONS[metric].unit, value=value)


@cache
def _processor() -> UploadProcessor:
    import aws_bus  # noqa: PLC0415 - as above
    from steel_defect.uploads.function import upload_processor  # noqa: PLC0415 - as above

    return upload_processor(_scorer, aws_bus.publisher(load_settings().outcome_bus))


@cache
def _backfill() -> Backfill:
    from steel_defect.uploads.backfill import Backfill  # noqa: PLC0415 - as above

    settings = load_settings()
    if settings.uploads_uri is None or settings.results_uri is None:
        message = "set RESULTS_URI and UPLOADS_URI: this function does not know where results go"
        raise SettingsError(message)
    return Backfill(_scorer, settings.uploads_uri, settings.results_uri, ignored_suffixes=settings.ignored_suffixes)


def _score_upload(ref: ObjectRef) -> None:
    with observation.observed() as seen:
        try:
            outcome = _processor().process(ref)
        except Exception as error:
            _write(observation.of_upload(seen, ref.uri, ref.version, error))
            raise
        _write(observation.of_upload(seen, ref.uri, ref.version, outcome.value))
