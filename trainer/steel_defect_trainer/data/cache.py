"""Results that take long, kept in a folder: complete or not there, made once however many processes ask."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from filelock import FileLock

from steel_defect_trainer.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def cached(cache: Path, key: str, make: Callable[[Path], None]) -> Path:
    """The folder `cache/key`, filled by `make` if it is not there.

    `make` fills a folder beside it, which takes its name only when it is complete and on the disk. A process that asks
    for the same key meanwhile waits, on other machines too if the file system has locks. The lock of a process that was
    killed is free again, and its remains are removed.

    Raises:
        DataError: the disk is full or the folder cannot be written; what was begun is removed.
    """
    complete = cache / key
    if complete.is_dir():
        return complete
    partial = cache / f"{key}.partial"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f"{key}.lock"):
            if complete.is_dir():
                return complete
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            try:
                make(partial)
                _to_disk(partial)
                partial.rename(complete)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
    except OSError as error:
        message = f"the cache {cache} cannot be written: {error.strerror or error}; free space or choose another folder"
        raise DataError(message) from error
    return complete


def _to_disk(folder: Path) -> None:
    """A rename may reach the disk before the bytes do; after a power failure there would be a folder of zeros."""
    for path in (*folder.iterdir(), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
