"""Outcomes that somebody is still to be told, in the order in which they came, and how far behind everything is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steel_defect.watch.database import Database

# Of each receiver. While they are so many, pictures wait: a receiver that never comes back fills no disk.
MOST_OUTCOMES: Final = 10_000


@dataclass(frozen=True)
class Backlog:
    """How far behind the service is.

    Attributes:
        waiting: pictures that are not done.
        retried: those of them that were tried before.
        oldest_since: when the oldest of them came; None if there is none.
        error: why one of them could not be done.
        undelivered: how many outcomes each receiver was not told yet.
        counts: how often each outcome came since the ledger was made.
    """

    waiting: int
    retried: int
    oldest_since: float | None
    error: str | None
    undelivered: dict[str, int]
    counts: dict[str, int]


class Outbox:
    """The outcomes of one ledger. Safe to call from several threads; every method may raise `sqlite3.Error`."""

    def __init__(self, database: Database, receivers: Sequence[str]) -> None:
        """Take the file, and who is told."""
        self._database = database
        self.receivers = receivers

    def has_room(self) -> bool:
        """Whether further outcomes may come."""
        return max(self._undelivered().values(), default=0) < MOST_OUTCOMES

    def oldest(self, receiver: str, most: int) -> list[tuple[int, str]]:
        """The next outcomes for a receiver, each with its number."""
        with self._database.reading() as connection:
            find = "SELECT id, body FROM outcomes WHERE receiver = ? ORDER BY id LIMIT ?"
            return list(connection.execute(find, (receiver, most)))

    def delivered(self, number: int) -> None:
        """The receiver has it."""
        with self._database.changing() as connection:
            connection.execute("DELETE FROM outcomes WHERE id = ?", (number,))

    def backlog(self) -> Backlog:
        """How far behind it is now."""
        with self._database.reading() as connection:
            waiting, retried, oldest, error = connection.execute(
                "SELECT count(*), coalesce(sum(tries > 1), 0), min(since), max(error) FROM pictures "
                "WHERE state IN ('new', 'sent')"
            ).fetchone()
            counts = dict(connection.execute("SELECT name, value FROM counts"))
        return Backlog(waiting, retried, oldest, error, self._undelivered(), counts)

    def _undelivered(self) -> dict[str, int]:
        with self._database.reading() as connection:
            count = "SELECT count(*) FROM outcomes WHERE receiver = ?"
            return {one: connection.execute(count, (one,)).fetchone()[0] for one in self.receivers}
