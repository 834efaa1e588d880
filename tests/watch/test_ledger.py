"""The ledger by itself: what it forgets, and what a clock that is set back does to it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from steel_defect.watch.database import Database
from steel_defect.watch.ledger import File, Ledger
from steel_defect.watch.outbox import Outbox
from tests.waiting import wait_for
from tests.watch.line import picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.watch.line import Listener, Starter

DAY = 86_400.0
A = File("a.png", 10, 1, 7)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty one."""
    found = Database(tmp_path)
    yield found
    found.close()


def finish(ledger: Ledger, file: File, now: float) -> None:
    ledger.note([file], now)
    claim = ledger.claim(now + 2, ())
    assert claim is not None
    assert claim.file == file
    ledger.finish(file, "scored", None, ())


def test_a_picture_is_due_when_it_has_settled_and_again_when_it_changed(database: Database) -> None:
    ledger = Ledger(database, 2)
    ledger.note([A], 100)
    assert ledger.claim(101.9, ()) is None
    ledger.note([File("a.png", 20, 2, 7)], 101.9)
    assert ledger.claim(103.8, ()) is None
    claim = ledger.claim(103.9, ())
    assert claim is not None
    assert (claim.file.size, claim.since) == (20, 101.9)
    assert ledger.claim(103.9, ()) is None, "what was begun does not come again at once"


def test_one_that_ends_the_process_comes_after_the_others(database: Database) -> None:
    ledger = Ledger(database, 0)
    ledger.note([A, File("b.png", 1, 1, 8)], 100)
    order = [ledger.claim(100 + 0.1 * turn, ()) for turn in range(2)]
    assert [claim and claim.file.key for claim in order] == ["a.png", "b.png"]


def test_what_is_done_is_forgotten_a_day_after_its_file_went_and_not_before(database: Database) -> None:
    ledger = Ledger(database, 0)
    finish(ledger, A, 100)
    ledger.tidy(lambda _: False, 200)
    ledger.tidy(lambda _: True, 200 + DAY)  # A disk that was mounted again.
    ledger.note([A], 200 + DAY)
    assert ledger.claim(300 + DAY, ()) is None
    ledger.tidy(lambda _: False, 300 + DAY)
    ledger.tidy(lambda _: False, 301 + 2 * DAY)
    ledger.note([A], 400 + 2 * DAY)
    assert ledger.claim(500 + 2 * DAY, ()) is not None


def test_a_clock_that_is_set_back_delays_nothing(database: Database) -> None:
    ledger = Ledger(database, 2)
    ledger.note([A], 10 * DAY)
    ledger.tidy(lambda _: True, DAY)
    assert ledger.claim(DAY + 1, ()) is not None


def test_a_ledger_that_was_removed_costs_no_result(folder: Path, watched: Starter, listener: Listener) -> None:
    line = watched(f"--webhook={listener.url}")
    for number in range(10):
        (folder / f"{number}.png").write_bytes(picture(number))
    line.wait_until_done(10)
    before = line.results()
    line.kill()
    shutil.rmtree(folder / "~watch")
    line.start()
    wait_for(lambda: line.status()["counts"] == {"scored": 10})
    assert line.results() == before
    assert not (folder / "results" / "history").exists()
    wait_for(lambda: line.status()["outcomes_waiting"] == {"webhook": 0})
    assert len({event["id"] for event in listener.told}) == 10, "told again, with the ids that they had"


def test_outcomes_of_a_receiver_that_is_not_named_for_a_while_wait(database: Database) -> None:
    ledger = Ledger(database, 0)
    ledger.note([A], 100)
    ledger.claim(100, ())
    ledger.finish(A, "scored", {"status": "scored"}, ["mqtt"])
    assert Outbox(database, []).backlog().undelivered == {}
    assert Outbox(database, ["mqtt"]).backlog().undelivered == {"mqtt": 1}
