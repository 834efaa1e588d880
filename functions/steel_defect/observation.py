"""What is known of one request or one picture: a log line, and metrics.

Whoever learns something notes it, in the thread that works on the request; an adapter makes the line of it and writes
it. Nothing is noted that a caller may hold secret: no body, no query, no header, no path that is none of ours.

Lines of successes are sampled, since a line costs more than the computation it tells of. Metrics never depend on that.
"""

from __future__ import annotations

import random
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from itertools import count
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Literal

from steel_defect.metrics import Metric

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steel_defect.errors import SteelDefectError
    from steel_defect.scorer import Prediction, Scorer
    from steel_defect.serving import RegistryState

# Enough to tell models apart.
_SHA256_DIGITS: Final = 12
# What a client that waits for a result is told every few seconds: no refusal that anybody would look for.
_OF_NO_INTEREST: Final = {None, "result-not-ready"}
_calls: Final = count()


class Observation:
    """What was noted so far: facts, and the milliseconds of stages."""

    def __init__(self) -> None:
        """Start the clock."""
        self.facts: dict[str, Any] = {}
        self.ms: dict[str, float] = {}
        self._start = perf_counter()

    def total_ms(self) -> float:
        """Milliseconds since the start."""
        return 1e3 * (perf_counter() - self._start)


@dataclass(frozen=True)
class Line:
    """What an adapter writes.

    Attributes:
        level: of the log line.
        message: for people.
        fields: for programs; None where this success is not in the sample.
        metrics: written whatever the sample says.
    """

    level: Literal["INFO", "ERROR"]
    message: str
    fields: dict[str, Any] | None
    metrics: dict[Metric, float]


_current: ContextVar[Observation | None] = ContextVar("observation", default=None)


@contextmanager
def observed() -> Iterator[Observation]:
    """Collect what is noted in this thread meanwhile."""
    observation = Observation()
    token = _current.set(observation)
    try:
        yield observation
    finally:
        _current.reset(token)


def note(**facts: object) -> None:
    """Note facts. Nothing happens where nobody observes, as on the command line."""
    observation = _current.get()
    if observation is not None:
        observation.facts.update(facts)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Note how long a stage takes, in all where it comes several times."""
    start = perf_counter()
    try:
        yield
    finally:
        observation = _current.get()
        if observation is not None:
            observation.ms[name] = observation.ms.get(name, 0.0) + 1e3 * (perf_counter() - start)


def note_prediction(prediction: Prediction, scorer: Scorer) -> None:
    """Note what was said of a picture, and by which model."""
    observation = _current.get()
    if observation is None:
        return
    contract, picture = scorer.contract, prediction.picture
    note(
        model={"name": contract.name, "version": contract.version, "sha256": scorer.sha256[:_SHA256_DIGITS]},
        decision=prediction.decision.value,
        defect_prob=round(prediction.defect_prob, 4),
        picture={"width": picture.width, "height": picture.height, "format": picture.format},
        statistics=asdict(prediction.statistics),
    )
    observation.ms |= {"decode": prediction.decode_ms, "model": prediction.model_ms}


def note_problem(error: SteelDefectError) -> None:
    """Note why there is no score, by the slug of the problem."""
    note(problem=error.slug)


def is_cold_start() -> bool:
    """Whether this is the first call in this process."""
    return next(_calls) == 0


def of_request(observation: Observation, method: str, route: str | None, status: int, bytes_in: int) -> Line:
    """The line of an HTTP request or a direct invocation.

    Args:
        observation: what was noted.
        method: of HTTP.
        route: the path, where it is one that is served; None else.
        status: of the answer.
        bytes_in: length of the body.
    """
    of_status = 2 if status < 400 else status // 100  # noqa: PLR2004 - as HTTP has it
    metrics: dict[Metric, float] = {Metric(f"Responses{of_status}xx"): 1}
    server_error = status >= 500  # noqa: PLR2004 - as HTTP has it
    if route == "/predict" and method == "POST" and not server_error:
        metrics |= _of_picture(observation)
    fields = {"method": method, "route": route or "unknown", "status": status, "request_bytes": bytes_in}
    message = f"{method} {route or 'unknown'} {status}"
    return _line("ERROR" if server_error else "INFO", message, fields, observation, metrics)


def of_upload(observation: Observation, uri: str, version: str | None, outcome: str | Exception) -> Line:
    """The line of an upload: what came of it, or the error that has it tried again."""
    fields = {"object": uri, "version": version}
    if isinstance(outcome, Exception):
        error = f"{type(outcome).__name__}: {outcome}".splitlines()[0][:500]
        failed = {**fields, "outcome": "error", "error": error}
        return _line("ERROR", "upload error", failed, observation, {Metric.UPLOAD_ERRORS: 1})
    metrics: dict[Metric, float] = {Metric(f"Uploads{outcome.title()}"): 1, **_of_picture(observation)}
    return _line("INFO", f"upload {outcome}", {**fields, "outcome": outcome}, observation, metrics)


def of_model(registry: RegistryState | None) -> dict[Metric, float]:
    """The metric of a call that tells whether the model is that of the registry; none where there is no registry."""
    return {} if registry is None else {Metric.MODEL_NOT_CURRENT: int(registry.state != "current")}


def sampled(line: Line, rate: float, *, cold_start: bool, chance: float | None = None) -> Line:
    """Leave out the fields of a success that is not in the sample.

    Errors, refusals, what a person should look at and cold starts are always in it. `sample_rate` is what a line had to
    be written with, so that counts of lines can be made counts of requests.
    """
    assert line.fields is not None  # noqa: S101 - it is sampled once
    facts = line.fields
    refused = facts.get("problem") not in _OF_NO_INTEREST
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
