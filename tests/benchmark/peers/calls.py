"""Both in process, on one thread: the start, warm calls, and the memory, in turn."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Final

from tests.benchmark.peers.table import Measure
from tests.benchmark.warm import Worker
from tests.conftest import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.benchmark.plan import Plan

_WARM_UP: Final = 10
_CALLS: Final = 40
_TRAINING: Final = 16


def measure(plan: Plan, environment: Path, folder: Path) -> list[Measure]:
    """A process of each, started anew in each round.

    Args:
        plan: with which pictures, and how many rounds.
        environment: the virtual environment that anomalib is in.
        folder: gets anomalib's model.

    Raises:
        RuntimeError: anomalib could not make its model, or one of them ended without an answer.
    """
    peer = [str(environment / "bin" / "python"), "-m", "tests.benchmark.peers.anomalib_worker"]
    _train(peer, plan, folder)
    commands = {
        "ours": ([sys.executable, "-m", "tests.benchmark.peers.worker"], []),
        "peer": ([*peer, "answer"], [str(folder / "weights" / "torch" / "model.pt")]),
    }
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
    for number in range(plan.rounds + 1):
        for name, (before, after) in commands.items():
            figures = _round(before, plan, after, calls=_CALLS if number else 1)
            if number:  # The first one reads the disk, which says nothing of either.
                found[name].append(figures)
    ours, other = (list(zip(*found[name], strict=True)) for name in commands)
    names = (
        ("start of the process to its first answer", "ms"),
        ("warm call, one thread", "ms"),
        (f"memory after {1 + _WARM_UP + _CALLS} calls", "MB"),
    )
    return [
        Measure(what, unit, list(one), list(two)) for (what, unit), one, two in zip(names, ours, other, strict=True)
    ]


def _train(command: Sequence[str], plan: Plan, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    for picture in sorted(plan.pictures.iterdir())[:_TRAINING]:
        shutil.copyfile(picture, pictures / picture.name)
    done = subprocess.run(  # noqa: S603 - our own
        [*command, "train", str(pictures), str(folder)],
        env=_environment(),
        cwd=folder,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        message = f"it could not make its model: {done.stdout[-500:]}"
        raise RuntimeError(message)


def _environment() -> dict[str, str]:
    """Of a process that sees this clone beside its own packages; anomalib loads no file without the word of trust."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": f"{REPOSITORY / 'functions'}:{REPOSITORY}", "TRUST_REMOTE_CODE": "1"}


def _round(before: Sequence[str], plan: Plan, after: Sequence[str], *, calls: int) -> tuple[float, float, float]:
    """Milliseconds to the first answer and of the middle warm call, and MB after them."""
    reading, writing = os.pipe()
    began = perf_counter()
    process = subprocess.Popen(  # noqa: S603 - our own
        [*before, str(writing), str(plan.pictures), *after],
        env=_environment(),
        cwd=plan.work,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[writing],
        text=True,
    )
    os.close(writing)
    with process, os.fdopen(reading, encoding="utf-8") as replies:
        worker = Worker(process, replies)
        worker.ask(calls=1)
        first = 1e3 * (perf_counter() - began)
        worker.ask(calls=_WARM_UP)
        reply = worker.ask(calls=calls)
    return first, median(reply["ms"]), reply["resident_mb"]
