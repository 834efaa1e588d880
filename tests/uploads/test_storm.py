"""A storm of uploads against real object stores: late, doubled, superseded, damaged, and every tenth call failing.

The queue is played here, since no emulator delivers in a random order on purpose: each message is tried until it
succeeds or has failed as often as a dead-letter queue allows. Buckets, versions and compare-and-swap are the servers'.
"""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from steel_defect.location import Buckets, Location
from steel_defect.serving import FixedModel
from steel_defect.storage import StorageError, StorageUnavailable, Store, open_store
from steel_defect.uploads.processor import UploadProcessor
from steel_defect.uploads.refs import ObjectRef, ref_from_cloud_storage, refs_in_text
from steel_defect.uploads.results import result_key
from tests.pictures import encoded
from tests.uploads import events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from steel_defect.scorer import Scorer

UPLOADS = 250
DOUBLED, SUPERSEDED, DAMAGED, FAILING = 0.30, 0.10, 0.05, 0.10
MOST_RECEIVES = 12
WORKERS = 4


def shade(value: int) -> bytes:
    return encoded(Image.new("L", (400, 64), value))


class Flaky:
    """A store that fails one call in ten, before or after it was done, by a seed."""

    def __init__(self, store: Store, chance: random.Random) -> None:
        self._store, self._chance, self._lock = store, chance, Lock()
        self.failures = 0
        self.sign_upload = store.sign_upload

    def _call(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - passes on
        with self._lock:
            fails, before = self._chance.random() < FAILING, self._chance.random() < 0.5
            self.failures += fails
        if fails and before:
            raise StorageUnavailable("played: no answer")
        answer = method(*arguments, **named)
        if fails:
            raise StorageUnavailable("played: the answer was lost")
        return answer

    def get(self, key: str, *, version: str | None = None) -> Any:  # noqa: ANN401 - as the store
        return self._call(self._store.get, key, version=version)

    def head(self, key: str, *, version: str | None = None) -> Any:  # noqa: ANN401 - as the store
        return self._call(self._store.head, key, version=version)

    def put(self, key: str, data: bytes, **named: Any) -> Any:  # noqa: ANN401 - as the store
        return self._call(self._store.put, key, data, **named)

    def versions(self, key: str) -> tuple[str, ...]:
        return tuple(self._call(self._store.versions, key))

    def list(self, prefix: str = "") -> Iterator[Any]:
        return self._store.list(prefix)

    def delete(self, key: str) -> None:
        self._call(self._store.delete, key)


@dataclass
class Storm:
    """What was uploaded, and the messages about it."""

    newest: dict[str, tuple[ObjectRef, int | None]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)


def upload_all(cloud: str, bucket: str, store: Store, chance: random.Random) -> Storm:
    """Upload everything; per key the newest version and its shade of gray, None where it is no picture."""
    storm, orders = Storm(), itertools.count(1)
    keys = [f"line {index % 7}/strip+{index}.png" for index in range(round(UPLOADS / (1 + SUPERSEDED)))]
    again = chance.sample(keys, UPLOADS - len(keys))
    for key in keys + again:
        value = None if chance.random() < DAMAGED else chance.randrange(256)
        data = b"no picture" if value is None else shade(value)
        info = store.put(key, data)
        if cloud == "gs":
            ref = ObjectRef("gs", bucket, key, order=str(info.version).zfill(20), version=info.version, size=len(data))
            message = json.dumps(events.cloud_storage(ref))
        else:
            order = f"{next(orders):016X}"
            ref = ObjectRef("s3", bucket, key, order, version=info.version, size=len(data), tag=info.tag.strip('"'))
            native = chance.random() < 0.5
            message = json.dumps(events.s3_notification(ref) if native else events.eventbridge(ref))
        storm.newest[key] = (ref, value)
        storm.messages += [message] * (2 if chance.random() < DOUBLED else 1)
    chance.shuffle(storm.messages)
    return storm


def deliver(messages: list[str], handle: Callable[[str], None]) -> list[str]:
    """As a queue does: several at a time, again after a failure, at last into the dead-letter queue, which is given."""
    receives: Counter[int] = Counter()
    waiting = list(enumerate(messages))
    dead: list[str] = []

    def take(item: tuple[int, str]) -> bool:
        try:
            handle(item[1])
        except StorageError:
            return False
        return True

    with ThreadPoolExecutor(WORKERS) as pool:
        while waiting:
            kept = [item for item, done in zip(waiting, pool.map(take, waiting), strict=True) if not done]
            receives.update(number for number, _ in kept)
            dead += [message for number, message in kept if receives[number] >= MOST_RECEIVES]
            waiting = [item for item in kept if receives[item[0]] < MOST_RECEIVES]
    return dead


def test_every_key_ends_with_the_right_result_of_its_newest_version(
    cloud: str, probe: Scorer, make_bucket: Callable[[], str]
) -> None:
    bucket, results_bucket = make_bucket(), make_bucket()
    chance = random.Random(20261122)
    plain = {uri: open_store(uri) for uri in (f"{cloud}://{bucket}", f"{cloud}://{results_bucket}")}
    storm = upload_all(cloud, bucket, plain[f"{cloud}://{bucket}"], chance)
    flaky = {uri: Flaky(store, chance) for uri, store in plain.items()}
    told: list[dict[str, Any]] = []
    processor = UploadProcessor(
        FixedModel(probe),
        Buckets(Location(cloud, bucket), Location(cloud, results_bucket)),
        told.append,
        open_bucket=lambda location: flaky[str(location)],
    )

    def handle(message: str) -> None:
        refs = [ref_from_cloud_storage(json.loads(message))] if cloud == "gs" else refs_in_text(message)
        for ref in refs:
            processor.process(ref)

    assert deliver(storm.messages, handle) == []

    assert sum(store.failures for store in flaky.values()) > 75
    results = plain[f"{cloud}://{results_bucket}"]
    assert len(list(results.list("scores/"))) == len(storm.newest)
    told_of = {(outcome["source"]["key"], outcome["source"]["order"]) for outcome in told}
    for key, (ref, value) in storm.newest.items():
        result = json.loads(results.get(result_key(key)).data)
        assert result["source"]["order"] == ref.order
        assert result["source"]["version"] == ref.version
        if value is None:
            assert result["problem"]["type"].endswith("not-an-image")
        else:
            assert result["defect_prob"] == pytest.approx(value / 255, abs=1e-5)
        assert (key, ref.order) in told_of


def test_the_played_queue_gives_up_at_last() -> None:
    def fail(_: str) -> None:
        raise StorageUnavailable("played")

    assert deliver(["a"], fail) == ["a"]
