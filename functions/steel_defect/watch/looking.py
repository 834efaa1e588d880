"""Finds the pictures of a folder, and tells the ledger of each that came or changed.

Notices of the kernel make it quick. They may be lost, and do not come from network shares, so the whole folder is
looked through as well: every five seconds, or less often if that takes long.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from watchfiles import watch

from steel_defect.storage.local_names import ESCAPE, path_of
from steel_defect.watch.ledger import File

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Event

    from steel_defect.watch.ledger import Ledger

_log = logging.getLogger(__name__)
_SCAN_SECONDS: Final = 5.0
_SCANNING_SHARE: Final = 0.05
_TIDY_SECONDS: Final = 3600.0
_NOTICE_MILLISECONDS: Final = 500
_BATCH: Final = 500


class Looking:
    """Looks at one folder until it is stopped."""

    def __init__(self, folder: Path, leave_alone: tuple[Path, ...], suffixes: tuple[str, ...], ledger: Ledger) -> None:
        """Take what to look at.

        Args:
            folder: absolute; folders below it are looked at, too.
            leave_alone: folders below it that have no pictures.
            suffixes: ends of names, in lower case, that no picture has, or none that is whole.
            ledger: is told.
        """
        self._folder = folder
        self._leave_alone = leave_alone
        self._suffixes = suffixes
        self._ledger = ledger
        self._named: set[Path] = set()

    def run(self, stop: Event) -> None:
        """Look until `stop`.

        Raises:
            OSError: the folder is gone or cannot be read.
        """
        scan_at = tidy_at = 0.0
        for noticed in self._notices(stop):
            now = time.monotonic()
            try:
                if now >= scan_at:
                    self._note(self._below(self._folder))
                    scan_at = time.monotonic() + max(_SCAN_SECONDS, (time.monotonic() - now) / _SCANNING_SHARE)
                elif noticed:
                    self._note(file for path in sorted(noticed) for file in self._at(path))
                if now >= tidy_at:
                    self._ledger.tidy(lambda key: (self._folder / key).exists(), time.time())
                    tidy_at = now + _TIDY_SECONDS
            except sqlite3.OperationalError as error:  # The disk is full. What was noticed is found again.
                _log.error("the ledger cannot be written: %s", error)
                scan_at = now + _SCAN_SECONDS

    def file(self, key: str) -> File | None:
        """The picture of this name as it is now; None if there is none."""
        return next((file for file in self._at(self._folder / key) if file.key == key), None)

    def _note(self, files: Iterator[File]) -> None:
        while batch := list(islice(files, _BATCH)):
            self._ledger.note(batch, time.time())

    def _notices(self, stop: Event) -> Iterator[list[Path]]:
        """What the kernel says was added or changed, every half second; from time to time nothing."""
        try:
            for changes in watch(
                self._folder,
                watch_filter=None,
                debounce=_NOTICE_MILLISECONDS,
                rust_timeout=_NOTICE_MILLISECONDS,
                yield_on_timeout=True,
                stop_event=stop,
            ):
                yield [Path(path) for _, path in changes]
        except (OSError, RuntimeError) as error:
            if not self._folder.is_dir():
                message = f"{self._folder} is gone"
                raise FileNotFoundError(message) from error
            _log.warning("no notices of %s come (%s); it is looked through every few seconds", self._folder, error)
            while not stop.wait(_NOTICE_MILLISECONDS / 1000):
                yield []

    def _at(self, path: Path) -> Iterator[File]:
        """The picture at the path, or the pictures below it."""
        if self._is_left_alone(path):
            return
        try:
            found = path.stat()
        except OSError:
            return  # It was renamed or removed.
        if stat.S_ISDIR(found.st_mode) and not path.is_symlink():
            yield from self._below(path)
        elif stat.S_ISREG(found.st_mode):
            key = path.relative_to(self._folder).as_posix()
            if _is_key(key):
                yield File(key, found.st_size, found.st_mtime_ns, found.st_ino)
            else:
                self._say_once(path, "%a cannot be scored: no result can have this name; rename it")

    def _below(self, folder: Path) -> Iterator[File]:
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    yield from self._at(Path(entry.path))
        except OSError as error:
            if folder == self._folder:
                message = f"{folder} cannot be read, or is gone: {error.strerror}"
                raise type(error)(message) from error
            if folder.exists():
                self._say_once(folder, f"%a cannot be read: {error.strerror}")

    def _say_once(self, path: Path, message: str) -> None:
        if path not in self._named and len(self._named) < _BATCH:
            self._named.add(path)
            _log.error(message, str(path))

    def _is_left_alone(self, path: Path) -> bool:
        """Whether the name says that it is no picture, or none that is whole, or not for others."""
        inside = path.relative_to(self._folder).parts
        return (
            any(part.startswith((".", ESCAPE)) for part in inside)
            or path.name.lower().endswith(self._suffixes)
            or any(path.is_relative_to(folder) for folder in self._leave_alone)
        )


def _is_key(key: str) -> bool:
    """Whether an object can have this name: see `storage.local_names`."""
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return path_of(key) == key
