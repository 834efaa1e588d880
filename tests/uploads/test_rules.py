"""What an inspection must never do to a result: put an older one over it, or one of a model that is behind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from steel_defect import observation
from steel_defect.scorer import Scorer
from steel_defect.storage import ObjectNotFound
from steel_defect.uploads import results
from steel_defect.uploads.backfill import Backfill
from steel_defect.uploads.processor import ForeignBucket, Outcome
from steel_defect.uploads.refs import UNKNOWN_ORDER, ObjectRef
from steel_defect.uploads.results import result_key
from tests.probe_model import CONTRACT, probe_model
from tests.uploads.test_processor import BUCKETS, World, shade

if TYPE_CHECKING:
    from collections.abc import Callable

    from steel_defect.storage import ObjectInfo, Stored


@pytest.fixture
def world(probe: Scorer) -> World:
    return World(lambda: probe)


@pytest.fixture(scope="module")
def other() -> Scorer:
    """A second model."""
    return Scorer(probe_model(replace(CONTRACT, version="2")))


def backfill(world: World) -> list[Outcome | None]:
    work = Backfill(world, BUCKETS, open_bucket=world.open)
    return [done.outcome for done in work.run(1)]


def without_versions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the bucket of the uploads look like one that keeps no versions."""
    get, head, listed = world.uploads.get, world.uploads.head, world.uploads.list

    def plain(info: ObjectInfo) -> ObjectInfo:
        return replace(info, version=None)

    def bare(key: str, *, version: str | None = None) -> Stored:
        stored = get(key, version=version)
        return replace(stored, info=plain(stored.info))

    monkeypatch.setattr(world.uploads, "get", bare)
    monkeypatch.setattr(world.uploads, "head", lambda key, version=None: plain(head(key, version=version)))
    monkeypatch.setattr(world.uploads, "list", lambda prefix="": map(plain, listed(prefix)))
    monkeypatch.setattr(world.uploads, "versions", lambda _: ())


def test_an_old_event_after_a_backfill_changes_nothing(world: World) -> None:
    old = world.upload("a", shade(5))
    world.processor.process(old)
    new = world.upload("a", shade(250))  # its event is lost
    assert backfill(world) == [Outcome.SCORED]
    assert world.processor.process(old) == Outcome.SUPERSEDED
    assert world.result("a")["decision"] == "reject"
    assert world.result("a")["source"]["version"] == new.version
    assert world.result("a")["source"]["order"] == UNKNOWN_ORDER


def test_a_first_event_after_a_backfill_and_a_deletion_changes_nothing(world: World) -> None:
    old, new = world.upload("a", shade(5)), world.upload("a", shade(250))
    assert backfill(world) == [Outcome.SCORED]
    world.uploads.delete("a")
    assert world.processor.process(old) == Outcome.SUPERSEDED
    assert world.result("a")["source"]["version"] == new.version


def test_a_newer_event_after_a_backfill_wins_though_its_object_is_deleted(world: World) -> None:
    world.upload("a", shade(5))
    backfill(world)
    newer = world.upload("a", shade(250))
    world.uploads.delete("a")
    assert world.processor.process(newer) == Outcome.SCORED
    assert world.result("a")["source"]["version"] == newer.version


def test_without_versions_a_backfill_scores_a_replaced_picture(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    without_versions(world, monkeypatch)
    world.upload("a", shade(5))
    assert backfill(world) == [Outcome.SCORED]
    assert backfill(world) == [Outcome.DUPLICATE]
    world.upload("a", shade(250))  # its event is lost
    assert backfill(world) == [Outcome.SCORED]
    assert world.result("a")["decision"] == "reject"


def test_a_result_is_never_replaced_by_a_picture_that_is_gone(
    world: World, other: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_versions(world, monkeypatch)
    ref = replace(world.upload("a", shade(250)), version=None)
    assert world.processor.process(ref) == Outcome.SCORED
    world.uploads.delete("a")
    world.scorer = lambda: other
    assert world.processor.process(ref) == Outcome.IGNORED
    assert world.result("a")["status"] == "scored"


def test_a_picture_that_was_gone_and_comes_back_with_the_same_bytes_is_scored(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_versions(world, monkeypatch)
    monkeypatch.setattr(world.uploads, "put", same_tag(world.uploads.put))
    ref = replace(world.upload("a", shade(250)), version=None, tag="same")
    get, head = world.uploads.get, world.uploads.head
    tagged = {"get": lambda *a, **k: retagged(get(*a, **k)), "head": lambda *a, **k: replace(head(*a, **k), tag="same")}
    for name, method in tagged.items():
        monkeypatch.setattr(world.uploads, name, method)
    world.uploads.delete("a")
    assert world.processor.process(ref) == Outcome.FAILED
    assert world.processor.process(ref) == Outcome.DUPLICATE
    world.uploads.put("a", shade(250))
    assert backfill(world) == [Outcome.SCORED]


def same_tag(put: Callable[..., ObjectInfo]) -> Callable[..., ObjectInfo]:
    return lambda *arguments, **named: replace(put(*arguments, **named), tag="same")


def retagged(stored: Stored) -> Stored:
    return replace(stored, info=replace(stored.info, tag="same"))


def test_an_instance_that_is_behind_asks_before_it_replaces_the_result_of_another_model(
    world: World, other: Scorer, probe: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = world.upload("a", shade(100))
    world.scorer = lambda: other
    world.processor.process(ref)  # by an instance that has heard of the promotion
    monkeypatch.setattr(world, "registered", lambda: probe)  # by one that has not; `confirmed` knows
    assert world.processor.process(ref) == Outcome.DUPLICATE
    assert world.result("a")["model"]["sha256"] == other.sha256


def test_the_result_of_an_earlier_version_stays_readable(world: World) -> None:
    old = world.upload("line 3/a", shade(250))
    world.processor.process(old)
    rejected = world.result("line 3/a")
    world.processor.process(world.upload("line 3/a", shade(5)))
    kept = world.results.get(f"history/line 3/a/{old.version}.json")
    assert results.decode(kept.data) == rejected
    assert [info.key for info in world.results.list("history/")] == [kept.info.key]


@pytest.mark.parametrize(
    ("key", "data", "reason"),
    [
        ("line 3/", b"", "folder-marker"),
        ("a.jpg", b"", "no-bytes"),
        ("a.jpg.tmp", shade(1), "suffix"),
        ("A.JPG.XML", shade(1), "suffix"),
        ("line/.DS_Store", shade(1), "suffix"),
    ],
)
def test_what_is_no_picture_has_no_result_and_is_no_failure(world: World, key: str, data: bytes, reason: str) -> None:
    ref = world.upload(key, data)
    for seen in (ref, replace(ref, size=None), replace(ref, version=None)):
        with observation.observed() as noted:
            assert world.processor.process(seen) == Outcome.IGNORED
        assert noted.facts["ignored"] == reason
    assert backfill(world) == [Outcome.IGNORED]
    assert list(world.results.list()) == []
    assert world.told == []


@pytest.mark.parametrize("key", [".", ".."])
def test_names_that_cannot_be_read_are_ignored(world: World, key: str) -> None:
    assert world.processor.process(ObjectRef("s3", "uploads", key, order="1", version="1")) == Outcome.IGNORED


def test_objects_of_another_bucket_are_refused(world: World) -> None:
    with pytest.raises(ForeignBucket, match="other objects than the uploads, s3://uploads"):
        world.processor.process(ObjectRef("s3", "uploads-of-others", "a.jpg", order="1"))
    with pytest.raises(ForeignBucket):
        world.processor.process(ObjectRef("gs", "uploads", "a.jpg", order="1"))
    with pytest.raises(ObjectNotFound):
        world.result("a.jpg")


@pytest.mark.parametrize("foreign", [b'{"schema_version": 1}', b"[1]", b"x", b'{"schema_version": 1, "source": []}'])
def test_json_of_others_in_the_place_of_a_result_stops_nothing(world: World, foreign: bytes) -> None:
    world.results.put(result_key("a"), foreign)
    ref = world.upload("a", shade(250))
    assert backfill(world) == [Outcome.SCORED]
    assert world.processor.process(ref) == Outcome.DUPLICATE


def test_no_two_keys_share_a_result() -> None:
    long = "x" * 950
    name = result_key(long).removeprefix("scores/").removesuffix(".json")
    assert result_key(name) != result_key(long)
    assert result_key(name) != f"scores/{name}.json"
