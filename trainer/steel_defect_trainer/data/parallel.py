"""Work on many pictures at a time, in order, with a progress bar."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Rate(ProgressColumn):
    """Pictures per second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f}/s")


def in_order(what: str, items: Sequence[Item], work: Callable[[Item], Result]) -> Iterator[Result]:
    """The result of `work` for each item, in order; threads do it, for decoding holds no lock.

    Only a few items are begun ahead of the one that is yielded, so memory stays small however many there are. The first
    error of `work` is raised and ends it.
    """
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    waiting = iter(items)
    console = Console(stderr=True)
    with (
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress,
        ThreadPoolExecutor(workers) as pool,
    ):
        task = progress.add_task(what, total=len(items))
        running = deque(pool.submit(work, item) for item in islice(waiting, workers * 4))
        try:
            while running:
                result = running.popleft().result()
                running.extend(pool.submit(work, item) for item in islice(waiting, 1))
                progress.advance(task)
                yield result
        finally:
            pool.shutdown(cancel_futures=True)
