"""All parts of the service, each in threads of its own, until one of them fails or the service is stopped."""

from __future__ import annotations

from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial
from typing import TYPE_CHECKING

from steel_defect.watch.delivering import deliver
from steel_defect.watch.ledger import Ledger
from steel_defect.watch.looking import Looking
from steel_defect.watch.outbox import Outbox
from steel_defect.watch.status import serve_status
from steel_defect.watch.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from http.server import ThreadingHTTPServer
    from pathlib import Path
    from threading import Event

    from steel_defect.watch.database import Database
    from steel_defect.watch.delivering import Receiver
    from steel_defect.watch.ledger import Claim
    from steel_defect.watch.steps import Step


def watch_folder(  # noqa: PLR0913 - what a service is made of
    folder: Path,
    do: Callable[[Claim], Step],
    database: Database,
    receivers: Sequence[Receiver],
    stop: Event,
    *,
    workers: int,
    settle_seconds: float,
    suffixes: tuple[str, ...],
    leave_alone: tuple[Path, ...],
    status: ThreadingHTTPServer | None,
) -> None:
    """Serve one folder until `stop` is set.

    Args:
        folder: absolute.
        do: scores or sends one picture.
        database: of the ledger.
        receivers: who is told outcomes.
        stop: ends the service; what was begun is brought to its end.
        workers: pictures at a time.
        settle_seconds: for how long a picture must not change before it is read.
        suffixes: ends of names, in lower case, of what is no picture.
        leave_alone: folders below the folder in which no pictures are.
        status: a server, bound to its address, that says how far behind the service is; None for none.

    Raises:
        Exception: what made a part of it fail. All others were stopped.
    """
    ledger = Ledger(database, settle_seconds)
    outbox = Outbox(database, [receiver.name for receiver in receivers])
    looking = Looking(folder, leave_alone, suffixes, ledger)
    work = Work(ledger, outbox, looking.file, do)
    parts: list[Callable[[], None]] = [partial(looking.run, stop)]
    parts += [partial(work.run, stop)] * workers
    parts += [partial(deliver, outbox, receiver, stop) for receiver in receivers]
    if status is not None:
        parts.append(partial(serve_status, outbox, folder, status, stop))
    with ThreadPoolExecutor(len(parts)) as pool:
        running = [pool.submit(part) for part in parts]
        try:
            wait(running, return_when=FIRST_EXCEPTION)
        finally:
            stop.set()
        for part in running:
            part.result()
