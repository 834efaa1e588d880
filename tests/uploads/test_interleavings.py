"""Any order of what can happen to an upload ends with the result of its newest version, by the model in production.

A bucket in memory, two instances that score, events that come late, doubled, or never, replacements, deletions,
backfills, promotions. Before an instance writes, another one may work on another event of any key. 100 runs of each
machine; `pytest --hypothesis-profile=nightly` makes 2,000.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from PIL import Image

from steel_defect.location import Buckets, Location
from steel_defect.scorer import Scorer
from steel_defect.storage.memory import MemoryStore
from steel_defect.uploads import results
from steel_defect.uploads.backfill import Backfill
from steel_defect.uploads.processor import Outcome, UploadProcessor
from steel_defect.uploads.refs import ObjectRef
from tests.pictures import encoded
from tests.probe_model import CONTRACT, probe_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from steel_defect.storage import ObjectInfo, Stored

KEYS: Final = ("a.png", "b.png")
MODELS: Final = tuple(Scorer(probe_model(replace(CONTRACT, version=version))) for version in "123")
PICTURES: Final = [encoded(Image.new("L", (400, 64), shade)) for shade in range(40)]
BUCKETS = Buckets(Location("s3", "uploads"), Location("s3", "results"))


class Uploads(MemoryStore):
    """A bucket with versions, or one that shows none."""

    def __init__(self, *, versioned: bool) -> None:
        super().__init__()
        self._versioned = versioned

    def get(self, key: str, *, version: str | None = None) -> Stored:
        stored = super().get(key, version=version)
        return stored if self._versioned else replace(stored, info=replace(stored.info, version=None))

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        return (replace(info, version=None) for info in super().list(prefix))  # S3 lists no versions

    def versions(self, key: str) -> tuple[str, ...]:
        return super().versions(key) if self._versioned else ()


class Results(MemoryStore):
    """Runs something before a write, once, and shows each write to a check."""

    def __init__(self, check: Callable[[dict[str, Any] | None, dict[str, Any]], None]) -> None:
        super().__init__()
        self._check = check
        self.before_write: Callable[[], object] | None = None

    def put(self, key: str, data: bytes, **named: Any) -> ObjectInfo:  # noqa: ANN401 - as the store
        interruption, self.before_write = self.before_write, None
        if interruption is not None:
            interruption()
        before = self._current.get(key)
        written = super().put(key, data, **named)
        if key.startswith(results.FOLDER):
            self._check(None if before is None else json.loads(before.data), json.loads(data))
        return written


@dataclass
class Instance:
    """What one instance takes for the model in production until it asks."""

    registry: Registry
    view: Scorer

    def registered(self) -> Scorer:
        return self.view

    def confirmed(self) -> Scorer:
        self.view = self.registry.production
        return self.view


@dataclass
class Registry:
    """What is in production, and what was before it."""

    production: Scorer = MODELS[0]
    before: list[Scorer] = field(default_factory=list)


class Interleavings(RuleBasedStateMachine):
    """The rules, and what must hold after each."""

    versioned = True

    def __init__(self) -> None:
        super().__init__()
        self.uploads, self.results = Uploads(versioned=self.versioned), Results(self.check)
        self.registry = Registry()
        self.instances = [Instance(self.registry, self.registry.production) for _ in range(2)]
        stores = {"uploads": self.uploads, "results": self.results}

        def opened(location: Location) -> MemoryStore:
            return stores[location.bucket]

        self.processors = [UploadProcessor(one, BUCKETS, self.take, open_bucket=opened) for one in self.instances]
        self.backfills = [Backfill(one, BUCKETS, open_bucket=opened) for one in self.instances]
        self.ranks: dict[tuple[str, str | None], int] = {}
        self.waiting: list[ObjectRef] = []
        self.delivered: list[ObjectRef] = []
        self.told: set[tuple[str, str | None]] = set()
        self._numbers = count()

    def take(self, outcome: dict[str, Any]) -> None:
        self.told.add(self.identity(outcome["source"]))

    def identity(self, source: dict[str, Any]) -> tuple[str, str | None]:
        return (source["key"], source["version"] if self.versioned else source["etag"])

    def check(self, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
        if before is None:
            return
        assert self.ranks[self.identity(after["source"])] >= self.ranks[self.identity(before["source"])]
        assert not (before["status"] == "scored" and results.is_gone(after))
        if before["model"]["sha256"] != after["model"]["sha256"]:
            assert after["model"]["sha256"] == self.registry.production.sha256
        if before["source"]["order"] and self.identity(before["source"]) != self.identity(after["source"]):
            assert after["source"]["order"] != before["source"]["order"]

    @rule(key=st.sampled_from(KEYS), picture=st.sampled_from(PICTURES), good=st.booleans())
    def put(self, key: str, picture: bytes, good: bool) -> None:  # noqa: FBT001 - Hypothesis names it
        number = next(self._numbers)
        info = self.uploads.put(key, picture if good else b"no picture")
        version = info.version if self.versioned else None
        self.ranks[key, version if self.versioned else info.tag] = number
        self.waiting.append(ObjectRef("s3", "uploads", key, f"{number:08X}", version, info.size, info.tag))

    @rule(key=st.sampled_from(KEYS))
    def delete(self, key: str) -> None:
        self.uploads.delete(key)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), instance=st.sampled_from([0, 1]), interrupted=st.booleans())
    def deliver(self, data: st.DataObject, instance: int, interrupted: bool) -> None:  # noqa: FBT001 - as above
        ref = self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))
        if interrupted and self.waiting:
            other = data.draw(st.sampled_from(self.waiting))
            self.results.before_write = lambda: self._process(1 - instance, other)
        self.delivered.append(ref)
        self._process(instance, ref)

    @precondition(lambda self: self.delivered)
    @rule(data=st.data(), instance=st.sampled_from([0, 1]))
    def deliver_again(self, data: st.DataObject, instance: int) -> None:
        self._process(instance, data.draw(st.sampled_from(self.delivered)))

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))

    @rule(data=st.data(), instance=st.sampled_from([0, 1]))
    def backfill(self, data: st.DataObject, instance: int) -> None:
        self.instances[instance].confirmed()
        interrupted: bool = data.draw(st.booleans())
        if self.waiting and interrupted:
            other = data.draw(st.sampled_from(self.waiting))
            self.results.before_write = lambda: self._process(1 - instance, other)
        assert all(done.error is None for done in self.backfills[instance].run(1))

    @rule(model=st.sampled_from(MODELS))
    def promote(self, model: Scorer) -> None:
        self.registry.before.append(self.registry.production)
        self.registry.production = model

    @precondition(lambda self: self.registry.before)
    @rule()
    def roll_back(self) -> None:
        self.registry.production = self.registry.before.pop()

    @rule(instance=st.sampled_from([0, 1]))
    def hear_of_the_promotion(self, instance: int) -> None:
        self.instances[instance].confirmed()

    def _process(self, instance: int, ref: ObjectRef) -> Outcome:
        return self.processors[instance].process(ref)

    def teardown(self) -> None:
        """What waits is delivered, the newest first; then a backfill finds what was lost."""
        self.results.before_write = None
        for ref in reversed(self.waiting):
            self._process(0, ref)
        self.delivered += self.waiting
        self.instances[0].confirmed()
        assert all(done.error is None for done in self.backfills[0].run(1))
        there = {info.key: self.uploads.head(info.key) for info in self.uploads.list()}
        for key, info in there.items():
            result = json.loads(self.results.get(results.result_key(key)).data)
            newest = (key, info.version if self.versioned else info.tag)
            assert self.identity(result["source"]) == newest
            assert result["model"]["sha256"] == self.registry.production.sha256
            assert not results.is_gone(result)
            if any((ref.key, ref.version if self.versioned else ref.tag) == newest for ref in self.delivered):
                assert newest in self.told
        self._check_history()

    def _check_history(self) -> None:
        """Every version that had a result and is not the newest has it still."""
        kept = {info.key for info in self.results.list(results.HISTORY)}
        for info in self.results.list(results.FOLDER):
            for number in self.results.versions(info.key):
                old = json.loads(self.results.get(info.key, version=number).data)
                new = json.loads(self.results.get(info.key).data)
                if self.identity(old["source"]) != self.identity(new["source"]):
                    assert results.history_key(old) in kept


class InterleavingsWithoutVersions(Interleavings):
    """The same in a bucket that keeps no versions."""

    versioned = False


for machine in (Interleavings, InterleavingsWithoutVersions):
    machine.TestCase.settings = settings(deadline=None, stateful_step_count=50)

TestInterleavings = Interleavings.TestCase
TestInterleavingsWithoutVersions = InterleavingsWithoutVersions.TestCase
