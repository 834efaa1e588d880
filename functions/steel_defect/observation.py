"""Collects facts about one request or one picture while it is worked on; `log_line` makes a log line of them.

Each part of the core notes its own facts, in the thread that works on the request. Nothing is noted that a caller may
hold secret: no body, no query, no header, no path except our routes.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steel_defect.errors import SteelDefectError
    from steel_defect.prediction import Prediction
    from steel_defect.scorer import Scorer

# Enough to distinguish models.
_SHA256_DIGITS: Final = 12


class Observation:
    """The facts noted so far, and the milliseconds of stages; if a request has several pictures, those of each."""

    def __init__(self) -> None:
        """Start the clock."""
        self.facts: dict[str, Any] = {}
        self.ms: dict[str, float] = {}
        self.parts: list[Observation] = []
        self._start = perf_counter()
        self._end: float | None = None

    def stop(self) -> None:
        """Stop the clock."""
        self._end = perf_counter()

    def total_ms(self) -> float:
        """Milliseconds since the start, as long as the clock runs."""
        return 1e3 * ((self._end or perf_counter()) - self._start)


_current: ContextVar[Observation | None] = ContextVar("observation", default=None)


@contextmanager
def observed() -> Iterator[Observation]:
    """Collect the facts that are noted in this thread meanwhile."""
    observation = Observation()
    token = _current.set(observation)
    try:
        yield observation
    finally:
        _current.reset(token)


@contextmanager
def part() -> Iterator[None]:
    """Collect the facts about one picture of several in a request by themselves."""
    whole = _current.get()
    with observed() as observation:
        yield
    observation.stop()
    if whole is not None:
        whole.parts.append(observation)


def note(**facts: object) -> None:
    """Note facts. Does nothing outside of `observed`, as on the command line."""
    observation = _current.get()
    if observation is not None:
        observation.facts.update(facts)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Note how long a stage takes; repeated stages add up."""
    start = perf_counter()
    try:
        yield
    finally:
        observation = _current.get()
        if observation is not None:
            observation.ms[name] = observation.ms.get(name, 0.0) + 1e3 * (perf_counter() - start)


def note_prediction(prediction: Prediction, scorer: Scorer) -> None:
    """Note the answer for a picture, and the model it is from."""
    observation = _current.get()
    if observation is None:
        return
    view = prediction.view
    note(
        model={**scorer.identity, "sha256": scorer.sha256[:_SHA256_DIGITS]},
        decision=prediction.decision.value,
        defect_prob=round(prediction.defect_prob, 4),
        picture=asdict(prediction.image),
        statistics=asdict(prediction.statistics),
    )
    if prediction.mask is not None:
        note(defects=prediction.defects.count)
    # Lines cost by their length: what goes without saying is left out.
    if prediction.reasons:
        note(reasons=[reason.value for reason in prediction.reasons])
    if view.turned or view.tiles > 1 or view.pages > 1 or view.bit_depth_from == "estimate":
        note(view={name: value for name, value in asdict(view).items() if name != "content"})
    observation.ms |= {"decode": prediction.decode_ms, "model": prediction.model_ms}


def note_problem(error: SteelDefectError) -> None:
    """Note why there is no score, by the slug of the problem."""
    note(problem=error.slug)
