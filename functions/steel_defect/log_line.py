"""The log line and the metrics of one call, made of what was observed.

Lines of successes are sampled, since writing a line costs more than the computation it describes. Metrics are written
for every call.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from steel_defect.metrics import Metric

if TYPE_CHECKING:
    from steel_defect.observation import Observation
    from steel_defect.serving import RegistryState

# A client that waits for a result gets "not ready" every few seconds: that is no refusal.
_NOT_REFUSED: Final = {None, "result-not-ready"}


@dataclass(frozen=True)
class Line:
    """One call, for an adapter to write.

    Attributes:
        level: of the log line.
        message: for people.
        fields: for programs; None if this success is not in the sample.
        metrics: written whether or not the line is in the sample.
    """

    level: Literal["INFO", "ERROR"]
    message: str
    fields: dict[str, Any] | None
    metrics: dict[Metric, float]


def of_request(observation: Observation, method: str, route: str | None, status: int, bytes_in: int) -> list[Line]:
    """The line of an HTTP request or a direct invocation; of one with several pictures a line each, as of requests.

    Args:
        observation: the facts.
        method: of HTTP.
        route: that serves the path; None if none does.
        status: of the answer.
        bytes_in: length of the body.
    """
    if observation.parts:
        return [
            line
            for part in observation.parts
            for line in of_request(part, method, route, part.facts["status"], part.facts.get("picture_bytes", 0))
        ]
    of_status = 2 if status < 400 else status // 100  # noqa: PLR2004 - as HTTP has it
    metrics: dict[Metric, float] = {Metric(f"Responses{of_status}xx"): 1}
    server_error = status >= 500  # noqa: PLR2004 - as HTTP has it
    if route in {"/predict", "/batch"} and method == "POST" and not server_error:
        metrics |= _of_picture(observation)
    fields = {"method": method, "route": route or "unknown", "status": status, "request_bytes": bytes_in}
    message = f"{method} {route or 'unknown'} {status}"
    return [_line("ERROR" if server_error else "INFO", message, fields, observation, metrics)]


def of_upload(observation: Observation, uri: str, version: str | None, outcome: str | Exception) -> Line:
    """The line of an upload: its outcome, or the error for which it is tried again."""
    fields: dict[str, Any] = {"object": uri, "version": version}
    if isinstance(outcome, Exception):
        fields |= {"outcome": "error", "error": f"{type(outcome).__name__}: {outcome}".splitlines()[0][:500]}
        return _line("ERROR", "upload error", fields, observation, {Metric.UPLOAD_ERRORS: 1})
    metrics: dict[Metric, float] = {Metric(f"Uploads{outcome.title()}"): 1, **_of_picture(observation)}
    return _line("INFO", f"upload {outcome}", {**fields, "outcome": outcome}, observation, metrics)


def of_model(registry: RegistryState | None) -> dict[Metric, float]:
    """The metric of a call that shows whether the model is the one in production; none without a registry."""
    return {} if registry is None else {Metric.MODEL_NOT_CURRENT: int(registry.state != "current")}


def sampled(line: Line, rate: float, *, cold_start: bool, chance: float | None = None) -> Line:
    """Leave out the fields of a success that is not in the sample.

    Errors, refusals, reviews and cold starts are always in it. `sample_rate` is the probability with which a line was
    written, so that counts of lines can be made counts of requests.
    """
    assert line.fields is not None  # noqa: S101 - it is sampled once
    facts = line.fields
    refused = facts.get("problem") not in _NOT_REFUSED
    always = cold_start or line.level != "INFO" or refused or facts.get("decision") == "review"
    chosen = always or (random.random() if chance is None else chance) < rate  # noqa: S311 - no secret
    fields = {**facts, "sample_rate": 1 if always else rate} if chosen else None
    return Line(line.level, line.message, fields, line.metrics)


def _of_picture(observation: Observation) -> dict[Metric, float]:
    facts = observation.facts
    if "problem" in facts:
        return {Metric.PICTURE_REFUSED: 1}
    if "decision" not in facts:
        return {}
    metrics: dict[Metric, float] = {
        Metric.PICTURE_REFUSED: 0,
        Metric.DEFECT_FOUND: int(facts["decision"] == "reject"),
        Metric.CAMERA_SUSPECT: int(bool(facts.get("reasons"))),
    }
    if "model" in observation.ms:
        metrics[Metric.MODEL_MILLISECONDS] = round(observation.ms["model"], 3)
        metrics[Metric.TOTAL_MILLISECONDS] = round(observation.total_ms(), 3)
    return metrics


def _line(
    level: Literal["INFO", "ERROR"],
    message: str,
    fields: dict[str, Any],
    observation: Observation,
    metrics: dict[Metric, float],
) -> Line:
    stages = {**observation.ms, "total": observation.total_ms()}
    rounded = {name: round(milliseconds, 3) for name, milliseconds in stages.items()}
    return Line(level, message, {**fields, **observation.facts, "ms": rounded}, metrics)
