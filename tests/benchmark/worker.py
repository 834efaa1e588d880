"""Runs in a process of its own, in one contender's package: calls its handler as it is told to, and says how long.

    python worker.py MODULE.FUNCTION REPLY_FD FOLDER

One JSON request a line comes by standard input, {"calls": N} or {"batch": N, "calls": N}; one JSON reply a line goes to
the file descriptor. What the handler prints goes nowhere.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import sys
from pathlib import Path
from time import perf_counter
from typing import Any


class Context:
    """What a handler is told of its invocation."""

    function_name = invoked_function_arn = aws_request_id = "benchmark"
    memory_limit_in_mb = 1769

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """Plenty."""
        return 30_000


def stages_of(handler: Any, module: Any, event: dict[str, str]) -> dict[str, float]:  # noqa: ANN401 - either contender's
    """Milliseconds of one call by stage: `decode` to the model's input, `model`, and all the `rest`."""
    began = perf_counter()
    if hasattr(module, "api"):
        answer = json.loads(handler(event, Context())["body"])
        whole = 1e3 * (perf_counter() - began)
        stages = dict(answer["timings_ms"])
    else:
        import scoring  # type: ignore[import-not-found]  # noqa: PLC0415 - in the other contender's package alone

        pixels = scoring.preprocess(base64.b64decode(event["image"]))
        decoded = perf_counter()
        scoring.run_model(pixels)
        stages = {"decode": 1e3 * (decoded - began), "model": 1e3 * (perf_counter() - decoded)}
        began = perf_counter()
        handler(event, Context())
        whole = 1e3 * (perf_counter() - began)
    return {**stages, "rest": max(0.0, whole - sum(stages.values()))}


def resident_mb() -> float:
    """Memory that this process holds, in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Answer requests until there are none."""
    name, reply_to, folder = sys.argv[1:]
    module_name, _, function = name.partition(".")
    module = importlib.import_module(module_name)
    handler = getattr(module, function)
    pictures = sorted(Path(folder).iterdir())
    events = [{"image": base64.b64encode(picture.read_bytes()).decode()} for picture in pictures]
    place = 0
    with os.fdopen(int(reply_to), "w", encoding="utf-8") as replies:
        for line in sys.stdin:
            asked = json.loads(line)
            times: list[float] = []
            stages: list[dict[str, float]] = []
            for _ in range(asked["calls"]):
                place = (place + 1) % len(events)
                began = perf_counter()
                if "batch" in asked:
                    chosen = [events[(place + more) % len(events)]["image"] for more in range(asked["batch"])]
                    handler({"images": chosen}, Context())
                elif asked.get("stages"):
                    stages.append(stages_of(handler, module, events[place]))
                else:
                    handler(events[place], Context())
                times.append(1e3 * (perf_counter() - began))
            reply = {"ms": times, "stages": stages, "resident_mb": resident_mb()}
            replies.write(json.dumps(reply) + "\n")
            replies.flush()


if __name__ == "__main__":
    main()
