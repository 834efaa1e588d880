"""AWS Lambda: the entry points.

`aws.api` takes HTTP and direct invocations, `aws.upload` objects that were created in S3, `aws.backfill` batches of
objects that Step Functions listed, and `aws.coil` markers of coils.
"""

from __future__ import annotations

import os
from functools import cache, wraps
from threading import Lock
from typing import TYPE_CHECKING, Any

from aws_model import MODELS  # it loads while what follows is imported

# isort: split
from aws_lambda_powertools import Logger, Metrics

import aws_events
from steel_defect import log_line
from steel_defect.api import refused
from steel_defect.app import App
from steel_defect.errors import MalformedBody, ModelUnavailable
from steel_defect.metrics import DESCRIPTIONS, NAMESPACE, Metric
from steel_defect.observation import observed

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from steel_defect.settings import Settings
    from steel_defect.uploads.backfill import Backfill
    from steel_defect.uploads.refs import ObjectRef


# Powertools reads it, for its log and its metrics. A deployment names each of its functions there, so that no alarm
# mixes what two of them measure.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "steel-defect")
# Without the location in the code, which says nothing here, and with `trace_id` for the trace as on Google Cloud.
logger = Logger(location=None, xray_trace_id=None)
metrics = Metrics(namespace=NAMESPACE)
_metrics_lock = Lock()


def _publisher(settings: Settings) -> Callable[[dict[str, Any]], None] | None:
    import aws_bus  # only the upload function needs it

    return aws_bus.publisher(settings.outcome_bus)


_app = App(MODELS, _publisher)
try:
    # While the environment starts: Lambda gives more processor then, and SnapStart takes its copy afterwards.
    _app.models()
except ModelUnavailable as error:
    logger.critical(str(error))
try:
    from snapshot_restore_py import register_after_restore
except ModuleNotFoundError:
    pass  # Only runtimes with SnapStart have it.
else:
    # The copy may be weeks old. Lambda gives the hook 10 s.
    register_after_restore(_app.models.check_now, 5.0)


def _observed(
    handler: Callable[[Any, LambdaContext], dict[str, Any]],
) -> Callable[[Any, LambdaContext], dict[str, Any]]:
    """Give every log line of an invocation its ids, and write the metrics however it ends."""

    @metrics.log_metrics
    @wraps(handler)
    def run(event: Any, context: LambdaContext) -> dict[str, Any]:  # noqa: ANN401 - Lambda's signature
        cold_start = _app.take_cold_start()
        # Lambda sets it anew for each invocation, so it is no setting.
        trace_id = os.environ.get("_X_AMZN_TRACE_ID", "").partition(";")[0].removeprefix("Root=")
        logger.append_keys(request_id=context.aws_request_id, trace_id=trace_id or None, cold_start=cold_start)
        if cold_start:
            _count({Metric.COLD_START: 1})
        _count(log_line.of_model(_app.models.state()))
        return handler(event, context)

    return run


@_observed
def api(event: Any, context: LambdaContext) -> dict[str, Any]:  # noqa: ANN401, ARG001 - Lambda's signature
    """Answer one HTTP request or one direct invocation."""
    with observed() as seen:
        try:
            request = aws_events.request_in(event, _app.api.route)
        except MalformedBody as error:
            method, route, size, response = "unknown", None, 0, refused(error)
        else:
            method, route, size = request.method, _app.api.route(request.path), request.size
            response = _app.api.handle(request)
        for line in log_line.of_request(seen, method, route, response.status, size):
            _write(line)
    return aws_events.answer_to(event, response)


@_observed
def upload(event: Any, context: LambdaContext) -> dict[str, Any]:  # noqa: ANN401 - Lambda's signature
    """Score the objects that a queue's batch, a notification or an EventBridge event names.

    The failed messages of a batch go back to the queue, and only these. Any other event fails as a whole, and Lambda
    tries it again.
    """
    import aws_batch  # the api function never needs it

    _count({Metric.UPLOAD_EVENTS: 1})
    _app.processor()  # Without buckets, the whole event fails.
    if aws_batch.is_batch(event):
        return aws_batch.process(event, _score_upload, context, logger)
    from steel_defect.uploads.refs import refs_in

    for ref in refs_in(event):
        _score_upload(ref)
    return {}


@_observed
def backfill(event: Any, context: LambdaContext) -> dict[str, Any]:  # noqa: ANN401, ARG001 - Lambda's signature
    """Score one batch of objects that a Distributed Map of Step Functions listed; see `aws_backfill.score`."""
    import aws_backfill

    # Never the bundled model in place of one that cannot be loaded: every result would be by that model.
    scorer = _app.models.confirmed()
    report = aws_backfill.score(event, _backfill(), scorer)
    logger.info("batch", **{name: report[name] for name in ("objects", "outcomes", "model")})
    return report


@_observed
def coil(event: Any, context: LambdaContext) -> dict[str, Any]:  # noqa: ANN401, ARG001 - Lambda's signature
    """Look whether a coil is finished, or report on it: two states of a state machine; see `aws_coil.step`."""
    import aws_bus
    import aws_coil

    done = aws_coil.step(event, _app.settings, aws_bus.publisher(_app.settings.outcome_bus, aws_bus.COIL))
    logger.info("coil", **done)
    return done


def _write(line: log_line.Line) -> None:
    with _metrics_lock:  # Several uploads of a batch end at the same time.
        _count(line.metrics)
    # The logger has it for all threads of the invocation.
    cold_start = bool(logger.get_current_keys()["cold_start"])
    line = log_line.sampled(line, _app.settings.log_sample_rate, cold_start=cold_start)
    if line.fields is not None:
        write = logger.error if line.level == "ERROR" else logger.info
        write(line.message, **line.fields)


def _count(values: dict[Metric, float]) -> None:
    for metric, value in values.items():
        metrics.add_metric(name=metric.value, unit=DESCRIPTIONS[metric].unit, value=value)


@cache
def _backfill() -> Backfill:
    from steel_defect.uploads.backfill import Backfill

    settings = _app.settings
    return Backfill(
        _app.models,
        settings.require_buckets(),
        camera=settings.camera,
        ignored_suffixes=settings.ignored_suffixes,
        coil_pattern=settings.coil_pattern,
    )


def _score_upload(ref: ObjectRef) -> None:
    _app.score_upload(ref, _write)
