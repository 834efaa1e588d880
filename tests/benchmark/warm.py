"""Warm calls: how long one takes in a process that has answered before."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from tests.benchmark.quota import MB_PER_VCPU, quota

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmark.contenders import Contender
    from tests.benchmark.plan import Plan

_WORKER: Final = Path(__file__).with_name("worker.py")
_WARM_UP: Final = 10


class Worker:
    """A contender's process that answers when asked."""

    def __init__(self, process: subprocess.Popen[str], replies: Any) -> None:  # noqa: ANN401 - a text stream
        """Take the process and where it answers."""
        self._process, self._replies = process, replies

    def ask(self, **request: int) -> dict[str, Any]:
        """See `worker.py`.

        Raises:
            RuntimeError: it has ended.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._replies.readline()
        if not line:
            message = f"{self._process.args!r} ended without an answer"
            raise RuntimeError(message)
        return json.loads(line)  # type: ignore[no-any-return]  # what worker.py writes


@contextmanager
def worker(
    contender: Contender, plan: Plan, *, processors: float | None = None, threads: int | None = None
) -> Iterator[Worker]:
    """A process that has warmed up.

    Args:
        contender: whose.
        plan: with which Python and which pictures.
        processors: its share; it also sees the memory of the Lambda function that has this share. None: no limit.
        threads: of ONNX Runtime; None: the contender's own choice.
    """
    memory = {} if processors is None else {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(round(processors * MB_PER_VCPU))}
    reading, writing = os.pipe()
    with ExitStack() as stack:
        enter = None if processors is None else stack.enter_context(quota(processors))
        command = [str(plan.python), "-P", str(_WORKER), contender.handler, str(writing), str(plan.pictures)]
        if enter is not None:  # The shell goes into the group, and becomes the worker there.
            command = ["sh", "-c", f'echo $$ > {enter}; exec "$@"', "-", *command]
        process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            env=contender.environment(threads=threads, **memory),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[writing],
            text=True,
        )
        os.close(writing)
        stack.callback(process.wait)
        stack.callback(process.kill)
        found = Worker(process, stack.enter_context(os.fdopen(reading, encoding="utf-8")))
        found.ask(calls=_WARM_UP)
        yield found


def calls(
    plan: Plan, *, processors: float | None = None, threads: int | None = None, count: int = 40
) -> dict[str, Any]:
    """Rounds of calls of both, in turn.

    Returns:
        For each contender: `ms` of every call of every round, and `resident_mb` at the end.
    """
    found: dict[str, Any] = {}
    with ExitStack() as stack:
        workers = {
            contender.name: stack.enter_context(worker(contender, plan, processors=processors, threads=threads))
            for contender in plan.contenders
        }
        for _ in range(plan.rounds):
            for name, process in workers.items():
                reply = process.ask(calls=count)
                figures = found.setdefault(name, {"ms": []})
                figures["ms"].append(reply["ms"])
                figures["resident_mb"] = reply["resident_mb"]
    return found


def stages(plan: Plan) -> dict[str, dict[str, float]]:
    """Median milliseconds by stage, on one thread."""
    found = {}
    for contender in plan.contenders:
        with worker(contender, plan, threads=1) as process:
            each = process.ask(calls=100, stages=1)["stages"]
            found[contender.name] = {stage: median(one[stage] for one in each) for stage in each[0]}
    return found


def batches(plan: Plan, *, processors: float, size: int = 16, count: int = 10) -> list[list[float]]:
    """Milliseconds a picture where ours gets many in one call, in rounds."""
    with worker(plan.contenders[0], plan, processors=processors) as process:
        process.ask(calls=1, batch=size)
        return [[ms / size for ms in process.ask(calls=count, batch=size)["ms"]] for _ in range(plan.rounds)]
