"""Many pictures from a folder: `steel-defect score DIR` on one processor and on all of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

    from tests.benchmark.plan import Plan

_COUNT: Final = 1200


def pictures_in(plan: Plan, count: int = _COUNT) -> Path:
    """A folder of so many pictures: the plan's under other names."""
    folder = plan.work / f"bulk-{count}"
    sources = sorted(plan.pictures.iterdir())
    if not folder.is_dir():
        folder.mkdir()
        for number in range(count):
            source = sources[number % len(sources)]
            shutil.copyfile(source, folder / f"{number:06d}{source.suffix}")
    return folder


def seconds(folder: Path, processors: set[int]) -> tuple[float, float]:
    """Seconds of one run of the command, and the most memory that one process of it held, in MB."""
    command = [sys.executable, "-m", "steel_defect", "score", "--json", str(folder)]
    began = perf_counter()
    process = subprocess.Popen(  # noqa: S603 - our own command
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, processors),  # noqa: PLW1509 - no thread runs here
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        message = f"{' '.join(command)} failed"
        raise RuntimeError(message)
    return perf_counter() - began, usage.ru_maxrss / 1e3


def bulk(plan: Plan) -> dict[str, Any]:
    """Pictures a second on one processor and on all, the start of the command included, in turn."""
    folder, every = pictures_in(plan), plan.processors
    found: dict[str, Any] = {"processors": len(every), "one": [], "all": []}
    for _ in range(plan.rounds):
        found["one"].append(_COUNT / seconds(folder, {min(every)})[0])
        found["all"].append(_COUNT / seconds(folder, every)[0])
    return found
