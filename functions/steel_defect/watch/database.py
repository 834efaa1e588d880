"""The SQLite file below the ledger: one connection for all threads, each change whole and on the disk."""

from __future__ import annotations

import fcntl
import sqlite3
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAME: Final = "ledger.sqlite"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS pictures (
    key TEXT PRIMARY KEY, size INTEGER NOT NULL, modified_ns INTEGER NOT NULL, inode INTEGER NOT NULL,
    state TEXT NOT NULL, since REAL NOT NULL, due REAL NOT NULL, tries INTEGER NOT NULL, sent TEXT, error TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_due ON pictures (state, due);
CREATE INDEX IF NOT EXISTS by_inode ON pictures (inode);
CREATE TABLE IF NOT EXISTS outcomes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, receiver TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS by_receiver ON outcomes (receiver, id);
CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


class InUse(Exception):
    """Another process works with this ledger."""


class Database:
    """The file `ledger.sqlite` of a folder. Its methods may raise `sqlite3.Error`, and change nothing then."""

    def __init__(self, folder: Path) -> None:
        """Open the file, or make it.

        Raises:
            InUse: another process has it open; two would score the same pictures.
            OSError, sqlite3.Error: it cannot be opened.
        """
        folder.mkdir(parents=True, exist_ok=True)
        # The kernel drops the lock of a process that dies.
        self._in_use = (folder / "lock").open("wb")
        try:
            fcntl.flock(self._in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._in_use.close()
            message = f"another process works with {folder}"
            raise InUse(message) from error
        self._lock = RLock()
        self._connection = sqlite3.connect(folder / _NAME, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA wal_autocheckpoint = 100")  # Small, for a disk that is nearly full.
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Let another process have it."""
        with self._lock:
            self._connection.close()
        self._in_use.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one question."""
        with self._lock:
            yield self._connection

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """The connection, for changes that are done all or not at all, and survive a power cut."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # A full disk may have ended it.
                    self._connection.execute("ROLLBACK")
                raise
