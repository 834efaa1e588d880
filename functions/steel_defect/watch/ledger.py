"""What is known of each picture of the folder.

A picture is `new` until it is done; it is worked on when it is due: some seconds after it was last seen to change, or
later if it was tried in vain. `sent` is one in a bucket whose result is waited for. A picture that is `done` is
remembered as long as its file is there, and a day longer (`gone`), so that it is never scored twice. What came of it is
written in the same transaction as the outcomes that others are to be told.

Times are those of the machine's clock, in seconds since 1970.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

    from steel_defect.watch.database import Database

_LONGEST_WAIT_SECONDS: Final = 60.0
# A file that is away for a moment - renamed, or on a disk that is being mounted - is not forgotten.
_FORGOTTEN_SECONDS: Final = 86_400.0
_PAGE: Final = 1000


@dataclass(frozen=True)
class File:
    """A file as it was seen.

    Attributes:
        key: its path below the folder, with slashes.
        size: bytes.
        modified_ns: when its content changed, in nanoseconds since 1970.
        inode: which file it is, whatever its name.
    """

    key: str
    size: int
    modified_ns: int
    inode: int


@dataclass(frozen=True)
class Claim:
    """A picture that is to be worked on.

    Attributes:
        file: as it was last seen.
        since: when it was first seen so.
        sent: what is known of it in its bucket; None if it was not sent yet.
    """

    file: File
    since: float
    sent: dict[str, Any] | None


class Ledger:
    """The pictures of one folder. Safe to call from several threads; every method may raise `sqlite3.Error`."""

    def __init__(self, database: Database, settle_seconds: float) -> None:
        """Take the file, and for how long a picture must not change before it is due."""
        self._database = database
        self._settle = settle_seconds

    def note(self, files: Iterable[File], now: float) -> None:
        """Take files as they are now. One that is new, or another than before, is due when it has settled."""
        with self._database.changing() as connection:
            for file in files:
                find = "SELECT size, modified_ns, inode FROM pictures WHERE key = ?"
                known = connection.execute(find, (file.key,)).fetchone()
                if known is None or known[:2] != (file.size, file.modified_ns):
                    # The picture that had this name may have been renamed, and is done all the same: it is kept under
                    # a name that no file has.
                    keep = "UPDATE pictures SET key = ?, state = 'gone', since = ? WHERE key = ? AND state = 'done'"
                    connection.execute(keep, (f"{file.key}/{uuid4()}", now, file.key))
                    values = (file.key, file.size, file.modified_ns, file.inode, now, now + self._settle)
                    replace = "INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?, 'new', ?, ?, 0, NULL, NULL)"
                    connection.execute(replace, values)
                elif known[2] != file.inode:  # Some file systems number their files anew when they are mounted.
                    connection.execute("UPDATE pictures SET inode = ? WHERE key = ?", (file.inode, file.key))

    def claim(self, now: float, taken: Iterable[str]) -> Claim | None:
        """The picture that is due longest and not in `taken`; None if none is.

        It counts as tried, and is due again later: one that ends this process does not come first in the next.
        """
        busy = set(taken)
        with self._database.changing() as connection:
            due = connection.execute(
                "SELECT key, size, modified_ns, inode, since, sent, tries FROM pictures "
                "WHERE state IN ('new', 'sent') AND due <= ? ORDER BY due, key LIMIT ?",
                (now, len(busy) + 1),
            ).fetchall()
            row = next((row for row in due if row[0] not in busy), None)
            if row is None:
                return None
            later = now + min(2.0 ** min(row[6], 10), _LONGEST_WAIT_SECONDS)
            connection.execute("UPDATE pictures SET tries = tries + 1, due = ? WHERE key = ?", (later, row[0]))
        return Claim(File(*row[:4]), row[4], None if row[5] is None else json.loads(row[5]))

    def finish(self, file: File, outcome: str, event: dict[str, Any] | None, receivers: Iterable[str]) -> None:
        """The picture is done, unless it is another one by now; each receiver is to be told the event, if any."""
        with self._database.changing() as connection:
            _set(connection, file, "state = 'done', error = NULL")
            _count(connection, outcome)
            if event is not None:
                rows = [(receiver, json.dumps(event)) for receiver in receivers]
                connection.executemany("INSERT INTO outcomes (receiver, body) VALUES (?, ?)", rows)

    def sent(self, file: File, sent: dict[str, Any], now: float) -> None:
        """The picture is in its bucket, and its result is asked for from now on."""
        with self._database.changing() as connection:
            _set(connection, file, "state = 'sent', tries = 0, error = NULL, sent = ?, due = ?", json.dumps(sent), now)
            _count(connection, "sent")

    def postpone(self, file: File, due: float, error: str | None) -> None:
        """Try the picture again at `due`; `error` says why it could not be done."""
        with self._database.changing() as connection:
            _set(connection, file, "due = ?, error = ?", due, error)

    def say(self, file: File, error: str) -> None:
        """Keep why the picture could not be done; it is tried again when `claim` said."""
        with self._database.changing() as connection:
            _set(connection, file, "error = ?", error)

    def drop(self, file: File) -> None:
        """The file is gone before it was done."""
        with self._database.changing() as connection:
            connection.execute("DELETE FROM pictures WHERE key = ? AND state IN ('new', 'sent')", (file.key,))
            _count(connection, "gone")

    def other_names(self, file: File) -> list[str]:
        """Names under which this very file was done or sent before: same inode, size and time of its content."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT key FROM pictures WHERE inode = ? AND size = ? AND modified_ns = ? AND key != ? "
                "AND state != 'new'",
                (file.inode, file.size, file.modified_ns, file.key),
            )
            return [key for (key,) in found]

    def rename(self, old_key: str, new_key: str) -> None:
        """What is known of the one name holds for the other from now on."""
        with self._database.changing() as connection:
            connection.execute("UPDATE OR REPLACE pictures SET key = ? WHERE key = ?", (new_key, old_key))
            _count(connection, "renamed")

    def tidy(self, is_there: Callable[[str], bool], now: float) -> None:
        """Forget pictures whose files went away a day ago, and do not wait for a clock that was set back."""
        with self._database.changing() as connection:
            connection.execute("UPDATE pictures SET since = ? WHERE since > ?", (now, now))
            late = now + 2 * _LONGEST_WAIT_SECONDS
            connection.execute("UPDATE pictures SET due = ? WHERE due > ? AND state IN ('new', 'sent')", (now, late))
        after = ""
        while page := self._done(after):
            there = {key: is_there(key) for key, _ in page}
            with self._database.changing() as connection:
                for key, state in page:
                    if there[key] == (state == "gone"):
                        values = ("done" if there[key] else "gone", now, key, state)
                        connection.execute(
                            "UPDATE pictures SET state = ?, since = ? WHERE key = ? AND state = ?", values
                        )
            after = page[-1][0]
        with self._database.changing() as connection:
            connection.execute("DELETE FROM pictures WHERE state = 'gone' AND since < ?", (now - _FORGOTTEN_SECONDS,))

    def _done(self, after: str) -> list[tuple[str, str]]:
        with self._database.reading() as connection:
            find = "SELECT key, state FROM pictures WHERE key > ? AND state IN ('done', 'gone') ORDER BY key LIMIT ?"
            return list(connection.execute(find, (after, _PAGE)))


def _set(connection: sqlite3.Connection, file: File, what: str, *values: object) -> None:
    """Change the row of the file, unless it is of another content by now."""
    connection.execute(
        f"UPDATE pictures SET {what} WHERE key = ? AND size = ? AND modified_ns = ?",  # noqa: S608 - ours
        (*values, file.key, file.size, file.modified_ns),
    )


def _count(connection: sqlite3.Connection, name: str) -> None:
    add = "INSERT INTO counts VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1"
    connection.execute(add, (name,))
