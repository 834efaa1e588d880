"""Publishing, promoting, rolling back and verifying, on every back end."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from steel_defect.errors import ModelUnavailable
from steel_defect.registry import (
    PromotionLost,
    RegistryError,
    VersionDamaged,
    VersionMissing,
    fetch,
    production,
    promote,
    publish,
    rollback,
    verify,
    versions,
)
from steel_defect.storage import StorageUnavailable, open_store
from tests.probe_model import CONTRACT, probe_model
from tests.registry.conftest import broken_answers, model

if TYPE_CHECKING:
    from typing import Any

    from tests.registry.conftest import Registry


def state(registry: Registry) -> tuple[str, tuple[str, ...]]:
    found = production(registry.store, "probe")
    assert found is not None
    return found.sha256, found.previous


def test_a_version_is_its_digest(registry: Registry) -> None:
    assert registry.first == hashlib.sha256(model("1")).hexdigest()
    assert fetch(registry.store, "probe", registry.first) == model("1")
    assert registry.store.get(f"models/probe/{registry.first}/model.onnx").data == model("1")
    assert {found.sha256 for found in versions(registry.store)} == {registry.first, registry.second}
    manifest = verify(registry.store, "probe", registry.first)
    assert (manifest.version, manifest.size_bytes, manifest.who) == ("1", len(model("1")), "test")
    assert production(registry.store, "probe") is None


def test_promote_and_roll_back(registry: Registry) -> None:
    first, second = registry.first, registry.second
    promote(registry.store, "probe", first, who="ann")
    promote(registry.store, "probe", second, who="bob")
    assert state(registry) == (second, (first,))
    promote(registry.store, "probe", second, who="cat")
    assert state(registry) == (second, (first,))
    assert rollback(registry.store, "probe", who="dan").sha256 == first
    assert state(registry) == (first, ())
    with pytest.raises(RegistryError, match="no version before"):
        rollback(registry.store, "probe", who="dan")
    promote(registry.store, "probe", second, who="eve")
    found = production(registry.store, "probe")
    assert found is not None
    assert (found.who, found.previous) == ("eve", (first,))


def test_of_two_promotions_at_once_one_wins_and_the_other_is_told(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_have_read = Barrier(2)
    verified = verify

    def slow(*arguments: Any) -> Any:  # noqa: ANN401 - as verify
        both_have_read.wait()
        return verified(*arguments)

    def attempt(sha256: str) -> str | None:
        try:
            return promote(registry.store, "probe", sha256, who="test").sha256
        except PromotionLost:
            return None

    monkeypatch.setattr("steel_defect.registry.promotion.verify", slow)
    history: list[str] = []
    for _ in range(5):
        # The first time it is create-only; from then on compare-and-swap, each with what is not in production.
        publish_two = [publish(registry.store, model(f"{len(history)}-{side}"), who="t") for side in ("a", "b")]
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(attempt, publish_two))
        won = [answer for answer in answers if answer]
        assert len(won) == 1
        history.append(won[0])
        assert state(registry) == (history[-1], tuple(reversed(history[:-1])))


def test_nothing_damaged_is_promoted(registry: Registry) -> None:
    promote(registry.store, "probe", registry.first, who="test")
    registry.store.put(f"models/probe/{registry.second}/model.onnx", b"bit rot")
    with pytest.raises(VersionDamaged, match="SHA-256"):
        promote(registry.store, "probe", registry.second, who="test")
    registry.store.delete(f"models/probe/{registry.second}/model.onnx")
    with pytest.raises(VersionMissing):
        promote(registry.store, "probe", registry.second, who="test")
    assert state(registry) == (registry.first, ())


def test_a_roll_back_to_what_is_damaged_is_refused(registry: Registry) -> None:
    promote(registry.store, "probe", registry.first, who="test")
    promote(registry.store, "probe", registry.second, who="test")
    registry.store.put(f"models/probe/{registry.first}/model.onnx", b"bit rot")
    with pytest.raises(VersionDamaged):
        rollback(registry.store, "probe", who="test")
    assert state(registry) == (registry.second, (registry.first,))


def test_a_publishing_that_broke_off_is_no_version_until_it_is_done_again(registry: Registry) -> None:
    data = model("3")
    sha256 = hashlib.sha256(data).hexdigest()
    registry.store.put(f"models/probe/{sha256}/model.onnx", data)
    assert sha256 not in {found.sha256 for found in versions(registry.store, "probe")}
    with pytest.raises(VersionMissing, match="broken off"):
        promote(registry.store, "probe", sha256, who="test")
    assert publish(registry.store, data, who="test") == sha256
    promote(registry.store, "probe", sha256, who="test")


def test_publishing_again_changes_nothing(registry: Registry) -> None:
    before = versions(registry.store, "probe")
    publish(registry.store, model("1"), who="somebody else")
    assert versions(registry.store, "probe") == before


def test_publishing_where_another_file_is(registry: Registry) -> None:
    registry.store.put(f"models/probe/{registry.first}/model.onnx", b"half of it")
    with pytest.raises(VersionDamaged):
        publish(registry.store, model("1"), who="test")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no model", "cannot be loaded"),
        (b"", "cannot be loaded"),
        (probe_model(metadata={}), "no metadata"),
        (probe_model(metadata={"schema_version": "99"}), "schema version 99"),
        (broken_answers(), "not all in 0..1"),
    ],
    ids=["not ONNX", "empty", "no contract", "unknown schema", "probability of 100"],
)
def test_what_could_not_serve_is_not_published(data: bytes, reason: str) -> None:
    store = open_store("memory://refused")
    with pytest.raises(ModelUnavailable, match=reason):
        publish(store, data, who="test")
    assert list(store.list()) == []


def test_a_name_that_would_lead_elsewhere_is_not_published() -> None:
    for name in ("../up", "a/b", "", "Upper", ".hidden"):
        with pytest.raises(RegistryError):
            publish(open_store("memory://refused"), probe_model(replace(CONTRACT, name=name)), who="test")


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"schema_version": 2}', b'{"schema_version": 1, "sha256": "../x", "previous": []}']
)
def test_a_production_object_that_makes_no_sense(content: bytes) -> None:
    store = open_store("memory://senseless")
    store.put("models/probe/production.json", content)
    with pytest.raises(VersionDamaged, match=r"production\.json of probe"):
        production(store, "probe")


def test_a_lost_answer_to_a_promotion_that_was_done(local_registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    store = local_registry.store
    written = type(store).put

    def put(self: Any, key: str, data: bytes, **options: Any) -> Any:  # noqa: ANN401 - as Store.put
        written(self, key, data, **options)
        if key.endswith("production.json"):
            message = "no answer"
            raise StorageUnavailable(message)

    monkeypatch.setattr(type(store), "put", put)
    assert promote(store, "probe", local_registry.first, who="test").sha256 == local_registry.first


def test_the_production_object_is_readable(local_registry: Registry) -> None:
    promote(local_registry.store, "probe", local_registry.first, who="ann")
    content = json.loads(local_registry.store.get("models/probe/production.json").data)
    assert content["schema_version"] == 1
    assert (content["sha256"], content["previous"], content["who"]) == (local_registry.first, [], "ann")
    assert content["changed"].endswith("+00:00")
