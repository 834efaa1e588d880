"""A storm of uploads with instances that are killed, a promotion and a backfill in the middle of it.

The instances are processes of their own, killed with SIGKILL wherever they are; what they had not finished is delivered
again, as a queue does. Buckets, registry, versions and compare-and-swap are the emulators'.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from steel_defect.location import Buckets, Location
from steel_defect.registry import promote, publish
from steel_defect.serving import ModelSource
from steel_defect.settings import settings_from
from steel_defect.storage import open_store
from steel_defect.uploads import results
from steel_defect.uploads.backfill import Backfill
from tests.probe_model import CONTRACT, probe_model
from tests.uploads.test_storm import upload_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.uploads.test_storm import Storm

INSTANCES = 2
KILLS = 6


class Instances:
    """Processes that take messages from one queue, and are replaced when they are killed."""

    def __init__(self, arguments: list[str], messages: list[str]) -> None:
        self._arguments = arguments
        self._waiting: SimpleQueue[tuple[int, str]] = SimpleQueue()
        for item in enumerate(messages):
            self._waiting.put(item)
        self._lock = Lock()
        self._processes: list[subprocess.Popen[str]] = []
        self.done, self.kills, self.total = 0, 0, len(messages)

    def run(self, at: dict[int, Callable[[], object]]) -> None:
        """Work until the queue is empty; `at` says what happens when so many messages are done."""
        self._at = at
        threads = [Thread(target=self._feed) for _ in range(INSTANCES)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def kill_one(self, chance: random.Random) -> None:
        """Kill an instance, in whatever it does."""
        with self._lock:
            chance.choice(self._processes).kill()
            self.kills += 1

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.uploads.storm_worker", *self._arguments]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ours
        with self._lock:
            self._processes.append(process)
        return process

    def _feed(self) -> None:
        process = self._start()
        while True:
            try:
                item = self._waiting.get_nowait()
            except Empty:
                break
            if not self._handed(process, item):
                self._waiting.put(item)  # it comes again
            if process.poll() is not None:
                with self._lock:
                    self._processes.remove(process)
                process = self._start()
        with self._lock:
            self._processes.remove(process)
        process.communicate()

    def _handed(self, process: subprocess.Popen[str], item: tuple[int, str]) -> bool:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(item) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            process.wait()
            process.stdout.close()
            with suppress(BrokenPipeError):
                process.stdin.close()
            return False
        if json.loads(answer) is None:
            return False
        with self._lock:
            self.done += 1
            event = self._at.pop(self.done, None)
        if event is not None:
            event()
        return True


def test_kills_a_promotion_and_a_backfill_lose_and_spoil_nothing(
    cloud: str, make_bucket: Callable[[], str], tmp_path: Path
) -> None:
    uploads, results_uri, registry = (f"{cloud}://{make_bucket()}" for _ in range(3))
    chance = random.Random(20261127)
    store, written = open_store(uploads), open_store(results_uri)
    first, second = (
        publish(open_store(registry), probe_model(replace(CONTRACT, version=version)), who="test") for version in "12"
    )
    promote(open_store(registry), "probe", first, who="test")
    storm = upload_all(cloud, uploads.partition("://")[2], store, chance)
    told = tmp_path / "told"
    model = f"{registry}/models/probe"
    instances = Instances([cloud, uploads, results_uri, model, str(told)], storm.messages)
    backfills: list[Thread] = []

    def backfill() -> None:
        settings = settings_from({"MODEL_URI": model})
        work = Backfill(ModelSource(settings), Buckets(Location.parse(uploads), Location.parse(results_uri)))
        backfills.append(Thread(target=lambda: list(work.run(2))))
        backfills[-1].start()

    kill = lambda: instances.kill_one(chance)  # noqa: E731 - said where it is used
    at: dict[int, Any] = {(number + 1) * instances.total // (KILLS + 2): kill for number in range(KILLS)}
    at |= {
        instances.total // 3 + 1: lambda: promote(open_store(registry), "probe", second, who="test"),
        instances.total // 2 + 1: backfill,
    }
    instances.run(at)
    for thread in backfills:
        thread.join()

    assert instances.kills == KILLS
    check(storm, {info.key: json.loads(written.get(info.key).data) for info in written.list(results.FOLDER)})
    published = {tuple(line) for line in map(version_of, told.read_text("utf-8").splitlines())}
    assert {(key, ref.version) for key, (ref, _) in storm.newest.items()} <= published
    by = {json.loads(written.get(info.key).data)["model"]["sha256"] for info in written.list(results.FOLDER)}
    assert by <= {first, second}
    assert second in by


def version_of(line: str) -> tuple[str, str]:
    source = json.loads(line)["source"]
    return source["key"], source["version"]


def check(storm: Storm, found: dict[str, dict[str, Any]]) -> None:
    """Every key has the result of its newest version, and nothing else has one."""
    assert set(found) == {results.result_key(key) for key in storm.newest}
    for key, (ref, value) in storm.newest.items():
        result = found[results.result_key(key)]
        assert result["source"]["version"] == ref.version
        assert result["status"] == ("failed" if value is None else "scored")
        if value is not None:
            assert abs(result["defect_prob"] - value / 255) < 1e-5
