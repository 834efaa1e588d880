"""Several pictures in one request: each has an answer or a problem of its own, in the order in which they came."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from steel_defect import observation
from steel_defect.errors import Busy, problem_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from steel_defect.body import Part

# The endpoint of AWS gives up after 30 seconds, and would give nothing of what was scored till then.
_LAST_BEGINS_SECONDS: Final = 15.0


def answers(
    parts: Sequence[Part], score: Callable[[bytes], dict[str, Any]], last_begins: float = _LAST_BEGINS_SECONDS
) -> list[dict[str, Any]]:
    """What comes of each picture. `schema BatchAnswer` in openapi.json describes it.

    Args:
        parts: the pictures.
        score: gives the answer for the bytes of one, or raises why there is none.
        last_begins: after how many seconds no further one is begun; those have the problem `busy`.
    """
    end = monotonic() + last_begins

    def answered(read: Callable[[], bytes]) -> dict[str, Any]:
        with observation.part():
            try:
                _require_time(end)
                content = {"answer": score(read())}
                observation.note(status=200)
            except Exception as error:  # noqa: BLE001 - whatever it is, the other pictures have their answers
                problem = problem_of(error)
                observation.note_problem(problem)
                observation.note(status=problem.status)
                content = {"problem": problem.problem()}
        return content

    return [{"file": name, **answered(read)} for name, read in parts]


def _require_time(end: float) -> None:
    if monotonic() > end:
        message = "the pictures before it took all the time of this request: send it again"
        raise Busy(message)
