"""Work on many pictures in parallel, with a progress bar."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from steel_defect.parallel import in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Rate(ProgressColumn):
    """Pictures per second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f}/s")


def with_progress(
    what: str, items: Sequence[Item], work: Callable[[Item], Result], workers: int | None = None
) -> Iterator[Result]:
    """The result of `work` for each item, in order, by several threads.

    Only a few items are begun ahead of the one that is yielded, so memory stays small however many there are. The first
    error of `work` is raised and ends it.

    Args:
        what: is being done, beside the bar; the bar is on stderr, if that is a terminal.
        items: in order.
        work: for each item; decoding holds no lock, so threads are enough.
        workers: threads; None for as many as there are processors.
    """
    workers = workers or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield from progress.track(in_order(work, items, workers), total=len(items), description=what)
