"""Requests a second, and how long one waits, at 1 and at 8 clients."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tests.benchmark.cold import server

if TYPE_CHECKING:
    from tests.benchmark.plan import Plan

CLIENTS: Final = (1, 8)
_SECONDS: Final = 5


def load(plan: Plan) -> dict[int, dict[str, dict[str, Any]]]:
    """Both servers on all processors, with their own settings; the same program asks them in turn.

    Returns:
        For 1 and 8 clients and each contender: `per_second` of each round, `p50_ms`, `p99_ms` of all requests.

    Raises:
        RuntimeError: no `hey` (Debian has it), or a request failed.
    """
    program = shutil.which("hey")
    if program is None:
        message = "the benchmark sends its requests with hey: apt-get install hey"
        raise RuntimeError(message)
    picture = min(plan.pictures.iterdir()).read_bytes()
    found: dict[int, dict[str, dict[str, Any]]] = {clients: {} for clients in CLIENTS}
    with ExitStack() as stack:
        urls = {contender.name: stack.enter_context(server(contender, plan))[0] for contender in plan.contenders}
        for clients in CLIENTS:
            for _ in range(plan.rounds):
                for contender in plan.contenders:
                    body = plan.work / f"body-{contender.name}"
                    body.write_bytes(contender.body(picture))
                    command = [program, "-z", f"{_SECONDS}s", "-c", str(clients), "-o", "csv", "-m", "POST"]
                    command += ["-T", contender.content_type, "-D", str(body), urls[contender.name]]
                    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - ours
                    rows = list(csv.DictReader(io.StringIO(done.stdout)))
                    if not rows or any(row["status-code"] != "200" for row in rows):
                        message = f"{contender.name} failed a request: {done.stdout[:200]}"
                        raise RuntimeError(message)
                    into = found[clients].setdefault(contender.name, {"per_second": [], "ms": []})
                    into["per_second"].append(len(rows) / _SECONDS)
                    into["ms"] += [1e3 * float(row["response-time"]) for row in rows]
    for both in found.values():
        for figures in both.values():
            milliseconds = figures.pop("ms")
            figures["p50_ms"], figures["p99_ms"] = map(float, np.percentile(milliseconds, (50, 99)))
    return found
