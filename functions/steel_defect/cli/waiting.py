"""Waiting for the results of what was sent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from steel_defect.cli.report import Row
from steel_defect.parallel import in_order

if TYPE_CHECKING:
    from pathlib import Path

    from rich.progress import Progress

    from steel_defect.client.uploads import Sent, Uploads

_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 5.0


def wait(  # noqa: PLR0913 - what, where to, and how long
    uploads: Uploads,
    waiting: dict[Path, Sent],
    rows: dict[Path, Row],
    progress: Progress,
    *,
    parallel: int,
    timeout: float,
) -> bool:
    """Add to `rows` what came of each picture, until all are there or no further result has come for `timeout` seconds.

    Gives whether Ctrl-C ended it before; what had come until then is in `rows`.
    """
    task = progress.add_task("waiting for results", total=len(waiting))
    pause, last = _FIRST_PAUSE_SECONDS, time.monotonic()

    def look(item: tuple[Path, Sent]) -> tuple[Path, dict[str, Any] | None]:
        return item[0], uploads.result(item[1])

    try:
        while pending := [item for item in waiting.items() if item[0] not in rows]:
            now = time.monotonic()
            if now - last >= timeout:
                break
            came = 0
            for path, result in in_order(look, pending, parallel):
                if result is not None:
                    rows[path] = _row(path, result)
                    progress.advance(task)
                    came += 1
            if came:
                pause, last = _FIRST_PAUSE_SECONDS, time.monotonic()
            if came < len(pending):
                time.sleep(min(pause, timeout))
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
    except KeyboardInterrupt:
        return True
    return False


def _row(path: Path, result: dict[str, Any]) -> Row:
    if result["status"] == "failed":
        return Row(str(path), problem=result["problem"])
    return Row(str(path), answer=result)
