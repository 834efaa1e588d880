"""Each picture of a watched folder has exactly one result, whatever happens to the service, the file or the disk."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.conftest import SAMPLES
from tests.waiting import wait_for
from tests.watch.line import Listener, picture, results_below
from tests.watch.night import memory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.watch.line import Starter


def test_pictures_are_scored_where_they_lie_and_what_is_none_is_left_alone(
    folder: Path, watched: Starter, listener: Listener
) -> None:
    (folder / "before.png").write_bytes(picture(1))
    line = watched(f"--webhook={listener.url}")
    (folder / "coil 4711").mkdir()
    (folder / "coil 4711" / "0815.png").write_bytes(picture(2))
    for name in (".hidden.png", "~draft.png", "copy.png.part", "copy.PNG.TMP", "notes.txt"):
        (folder / name).write_bytes(picture(3))
    status = line.wait_until_done(2)
    found = line.results()
    assert sorted(found) == ["before.png", "coil 4711/0815.png"]
    assert {one["status"] for one in found.values()} == {"scored"}
    assert found["coil 4711/0815.png"]["coil"] == "coil 4711"
    assert status["counts"] == {"scored": 2}
    wait_for(lambda: len(listener.told) == 2)
    assert {event["source"]["key"]: event["defect_prob"] for event in listener.told} == {
        key: result["defect_prob"] for key, result in found.items()
    }


def test_a_picture_that_comes_under_a_temporary_name_is_scored_when_it_has_its_own(
    folder: Path, watched: Starter
) -> None:
    line = watched()
    written = folder / "0815.png.part"
    written.write_bytes(picture(1)[:100])
    time.sleep(1)
    written.write_bytes(picture(1))
    written.rename(folder / "0815.png")
    assert line.wait_until_done(1)["counts"] == {"scored": 1}
    assert set(line.results()) == {"0815.png"}


def test_kill_9_at_any_moment_loses_no_picture_and_scores_none_twice(
    folder: Path, watched: Starter, listener: Listener
) -> None:
    chance, count = random.Random(7), 200
    line = watched(f"--webhook={listener.url}")
    for number in range(count):
        (folder / f"{number:04}.png").write_bytes(picture(number))
        if number % 20 == 19:
            time.sleep(chance.uniform(0.2, 1.5))
            line.kill()
            line.start()
    status = line.wait_until_done(count)
    results = line.results()
    assert len(results) == count
    assert not (folder / "results" / "history").exists(), "a second version of none was scored"
    assert status["counts"]["scored"] == count
    wait_for(lambda: line.status()["outcomes_waiting"] == {"webhook": 0})
    ids = Counter((event["source"]["key"], event["id"]) for event in listener.told)
    assert len(ids) == count, "each is told, and has one id however often it is told"
    assert ids.total() <= count + 10, "again only what was on its way at a kill"


def test_two_thousand_files_in_bursts(folder: Path, watched: Starter, listener: Listener) -> None:
    line = watched(f"--webhook={listener.url}")
    for burst in range(4):
        (folder / f"coil {burst}").mkdir()
        for number in range(500):
            (folder / f"coil {burst}" / f"{number}.png").write_bytes(picture(number))
        time.sleep(1)
    assert line.wait_until_done(2000)["counts"] == {"scored": 2000}
    results = line.results()
    assert len(results) == 2000
    for key, result in list(results.items())[::97]:
        assert result["source"]["size"] == (folder / key).stat().st_size
    wait_for(lambda: len(listener.told) == 2000)
    assert max(Counter(listener.names()).values()) == 1


def test_a_file_that_is_written_slowly_is_judged_when_it_is_whole(
    folder: Path, watched: Starter, listener: Listener
) -> None:
    data = (SAMPLES / "scratch.jpg").read_bytes()[:480_000]
    line = watched(f"--webhook={listener.url}")
    slow, stalled = folder / "slow.jpg", folder / "stalled.jpg"
    with slow.open("wb") as file:
        stalled.write_bytes(data[: len(data) // 2])
        for start in range(0, len(data), len(data) // 8 + 1):
            file.write(data[start : start + len(data) // 8 + 1])
            file.flush()
            time.sleep(0.2)
    wait_for(lambda: "slow.jpg" in line.results())
    wait_for(lambda: "half-written" in (line.status()["error"] or ""))
    assert "stalled.jpg" not in line.results()
    with stalled.open("ab") as file:
        file.write(data[len(data) // 2 :])
    line.wait_until_done(2)
    assert {key: one["status"] for key, one in line.results().items()} == {
        "slow.jpg": "scored",
        "stalled.jpg": "scored",
    }
    wait_for(lambda: sorted(listener.names()) == ["slow.jpg", "stalled.jpg"])


def test_what_never_becomes_a_whole_picture_gets_a_result_that_says_so(
    folder: Path, watched: Starter, listener: Listener
) -> None:
    cut = folder / "cut.jpg"
    cut.write_bytes((SAMPLES / "scratch.jpg").read_bytes()[:5000])
    (folder / "empty.jpg").touch()
    line = watched(f"--webhook={listener.url}")
    assert line.wait_until_done(1)["counts"] == {"failed": 1, "ignored": 1}
    assert line.results()["cut.jpg"]["problem"]["type"].endswith(":damaged-image")
    wait_for(lambda: [event["status"] for event in listener.told] == ["failed"])


def test_a_file_that_is_far_too_large_is_refused_without_being_read_into_memory(folder: Path, watched: Starter) -> None:
    with (folder / "film.mov").open("wb") as file:
        file.truncate(3 << 30)
    line = watched()
    before = memory(line.pid)[0]
    wait_for(lambda: "half-written" in (line.status()["error"] or ""))
    assert memory(line.pid)[0] - before < 100_000


def test_a_renamed_file_keeps_its_one_result(folder: Path, watched: Starter) -> None:
    line = watched()
    (folder / "done").mkdir()
    for number in range(50):
        (folder / f"{number}.png").write_bytes(picture(number % 5))  # Ten times the same bytes: pictures of their own.
    line.wait_until_done(50)
    for number in range(50):
        (folder / f"{number}.png").rename(folder / "done" / f"{number}.png")
    (folder / "0.png").write_bytes(picture(0))  # A new picture under an old name: neither moved nor scored before.
    wait_for(lambda: line.status()["counts"] == {"scored": 51, "renamed": 50})
    assert set(line.results()) == {f"{number}.png" for number in range(50)}


def test_files_that_are_renamed_while_they_wait_have_one_result_each(
    folder: Path, watched: Starter, listener: Listener
) -> None:
    line = watched(f"--webhook={listener.url}")
    chance, count = random.Random(3), 150
    for number in range(count):
        (folder / f"new-{number}.png").write_bytes(picture(number))
    names = {number: folder / f"new-{number}.png" for number in range(count)}
    for turn in range(3):
        for number in chance.sample(range(count), count // 2):
            names[number] = names[number].rename(folder / f"turn{turn}-{number}.png")
            time.sleep(0.01)
    wait_for(lambda: line.status()["counts"].get("scored", 0) >= count)
    line.wait_until_done(count)
    time.sleep(7)  # Another look at the whole folder.
    numbers = Counter(key.rpartition("-")[2] for key in line.results())
    assert len(numbers) == count
    assert max(numbers.values()) == 1, "one result each, under the name that it had when it was scored"
    assert line.status()["counts"]["scored"] == count
    assert max(Counter(key.rpartition("-")[2] for key in listener.names()).values()) == 1


def test_another_picture_under_the_same_name_is_scored_and_the_earlier_result_is_kept(
    folder: Path, watched: Starter
) -> None:
    line = watched()
    (folder / "latest.png").write_bytes(picture(1))
    line.wait_until_done(1)
    first = line.results()["latest.png"]
    (folder / "next.part").write_bytes(picture(2))
    (folder / "next.part").replace(folder / "latest.png")
    wait_for(lambda: line.status()["counts"] == {"scored": 2})
    assert line.results()["latest.png"]["source"]["etag"] != first["source"]["etag"]
    assert len(list((folder / "results" / "history").rglob("*.json"))) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(  # noqa: S603 - ours
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)],  # noqa: S607 - the system's
        check=False,
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)  # noqa: S603, S607 - as above


def fill(disk: Path) -> Path:
    """A file that takes all that is left."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return filler


def test_a_full_disk_loses_nothing(folder: Path, watched: Starter, listener: Listener, small_disk: Path) -> None:
    for number in range(20):
        (folder / f"early-{number}.png").write_bytes(picture(number))
    line = watched(
        f"--results={small_disk / 'results'}", f"--state={small_disk / 'state'}", f"--webhook={listener.url}"
    )
    wait_for(lambda: line.status()["counts"].get("scored") == 20)
    filler = fill(small_disk)
    for number in range(20, 60):
        (folder / f"late-{number}.png").write_bytes(picture(number))
    time.sleep(5)
    assert len(results_below(small_disk / "results")) < 60
    assert line.runs(), "it waits"
    line.kill()  # And while nothing can be written.
    filler.unlink()
    line.start()
    wait_for(lambda: line.status()["pictures_waiting"] == 0 and len(results_below(small_disk / "results")) == 60)
    wait_for(lambda: line.status()["outcomes_waiting"] == {"webhook": 0})
    assert line.status()["counts"]["scored"] == 60
    assert len({event["id"] for event in listener.told}) == 60
    assert not (small_disk / "results" / "history").exists()


def test_a_disk_that_was_full_for_a_while_is_used_again_without_a_restart(
    folder: Path, watched: Starter, small_disk: Path
) -> None:
    line = watched(f"--results={small_disk / 'results'}", f"--state={small_disk / 'state'}")
    filler = fill(small_disk)
    for number in range(20):
        (folder / f"{number}.png").write_bytes(picture(number))
    time.sleep(3)
    filler.unlink()
    wait_for(lambda: len(results_below(small_disk / "results")) == 20)
    assert "Traceback" not in line.output()


def test_a_second_service_over_the_same_folder_is_refused(folder: Path, watched: Starter, probe: Path) -> None:
    watched()
    command = [sys.executable, "-m", "steel_defect", "watch", str(folder), f"--model={probe}"]
    second = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)  # noqa: S603 - ours
    assert second.returncode == 1
    assert "another process works with" in second.stderr


def test_a_folder_that_cannot_be_read_ends_the_service(folder: Path, watched: Starter, tmp_path: Path) -> None:
    line = watched(f"--state={tmp_path / 'state'}")
    folder.rename(tmp_path / "unmounted")
    wait_for(lambda: not line.runs())
    assert "is gone" in line.output()


def test_stopped_by_a_signal_it_ends_at_once_and_well(folder: Path, watched: Starter) -> None:
    line = watched()
    (folder / "a.png").write_bytes(picture(1))
    line.wait_until_done(1)
    began = time.monotonic()
    line.stop()
    assert line._process.returncode == 0  # noqa: SLF001 - as above
    assert time.monotonic() - began < 5
    assert not any((folder / "results" / "~tmp").iterdir())
