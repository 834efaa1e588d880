"""One process writes into a run's folder at a time."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from steel_defect_trainer.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steel_defect_trainer.runs.folder import RunFolder
    from steel_defect_trainer.training.distributed import World


@contextmanager
def writing(run: RunFolder, world: World) -> Iterator[None]:
    """Keep a run's folder for this process, and those that train with it. The lock of a killed process is free.

    Raises:
        RunError: another process has it.
        OSError: the folder cannot be written.
    """
    if not world.leads:
        yield
        return
    run.path.mkdir(parents=True, exist_ok=True)
    lock = FileLock(run.path / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        message = f"another process trains in {run.path}: wait for it or end it, or name another folder with --output"
        raise RunError(message) from error
    try:
        yield
    finally:
        lock.release()
