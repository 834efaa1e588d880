"""What serves while the registry changes, breaks and recovers."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from steel_defect import serving
from steel_defect.api import Api
from steel_defect.errors import ModelUnavailable
from steel_defect.http import Request, Response
from steel_defect.registry import promote, publish, rollback
from steel_defect.registry.objects import Production, encoded
from steel_defect.scorer import Scorer
from steel_defect.serving import ModelSource
from steel_defect.settings import BUNDLED_MODEL, settings_from
from steel_defect.storage import StorageUnavailable
from steel_defect.storage.local import LocalStore
from tests.pictures import strip_jpeg
from tests.probe_model import CONTRACT, probe_model
from tests.registry.conftest import Registry, broken_answers, model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PICTURE = Request("POST", "/predict", {"content-type": "image/jpeg"}, {}, strip_jpeg())


class Function:
    """A function that serves what the registry says, with a clock that the test sets."""

    def __init__(self, uri: str, now: float = 1e9, **environment: str) -> None:
        self.now = now
        self.source = ModelSource(settings_from({"MODEL_URI": uri, **environment}), clock=lambda: self.now)
        self._api = Api(self.source, self.source.state)

    def answer(self) -> Response:
        """The answer to a picture."""
        return self._api.handle(PICTURE)

    def serves(self) -> str:
        """The SHA-256 in the answer to a picture."""
        answer = self.answer()
        assert answer.status == 200, answer.body
        return str(json.loads(answer.body)["model"]["sha256"])

    def says(self) -> tuple[str, str | None]:
        """State and error in `GET /model`."""
        registry = json.loads(self._api.handle(Request("GET", "/model")).body)["registry"]
        return registry["state"], registry["error"]

    def after(self, seconds: float) -> str:
        """What serves so much later, once the look that a first request starts has come to its end."""
        self.now += seconds
        self.serves()
        wait_for_check()
        return self.serves()


def wait_for_check() -> None:
    for thread in threading.enumerate():
        if thread.name == "model-registry":
            thread.join(20)
            assert not thread.is_alive()


def in_production(registry: Registry, sha256: str) -> None:
    """Put anything into production by hand, past every check."""
    registry.store.put("models/probe/production.json", encoded(Production(sha256, (registry.first,), "now", "by hand")))


def bundled() -> str:
    return Scorer(BUNDLED_MODEL).sha256


@pytest.fixture
def function(local_registry: Registry) -> Function:
    """A function with the first version in production."""
    promote(local_registry.store, "probe", local_registry.first, who="test")
    return Function(f"{local_registry.uri}/models/probe")


def test_a_promotion_serves_without_a_restart_on_every_back_end(registry: Registry) -> None:
    promote(registry.store, "probe", registry.first, who="test")
    function = Function(f"{registry.uri}/models/probe")
    assert function.serves() == registry.first
    assert function.says() == ("current", None)
    promote(registry.store, "probe", registry.second, who="test")
    assert function.after(59) == registry.first
    assert function.after(1) == registry.second
    rollback(registry.store, "probe", who="test")
    assert function.after(60) == registry.first
    assert function.says() == ("current", None)


def unpublished(registry: Registry) -> str:
    return "0" * 64 if registry else ""


def damaged(registry: Registry) -> str:
    registry.store.put(f"models/probe/{registry.second}/model.onnx", b"bit rot")
    return registry.second


def placed(data: bytes) -> Callable[[Registry], str]:
    """Puts a file where its digest says, past the checks of `publish`."""

    def place(registry: Registry) -> str:
        import hashlib  # noqa: PLC0415 - here alone

        sha256 = hashlib.sha256(data).hexdigest()
        registry.store.put(f"models/probe/{sha256}/model.onnx", data)
        return sha256

    return place


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (unpublished, "there is no model"),
        (damaged, "is damaged: its SHA-256"),
        (placed(b"no model"), "cannot be loaded"),
        (placed(model("3")[: len(model("3")) // 2]), "cannot be loaded"),
        (placed(probe_model(metadata={"schema_version": "99"})), "schema version 99"),
        (placed(probe_model(replace(CONTRACT, name="other"))), "calls itself 'other'"),
        (placed(broken_answers()), "not all in 0..1"),
    ],
    ids=["missing", "damaged", "not ONNX", "half", "unknown schema", "another name", "probability of 100"],
)
def test_a_bad_model_never_replaces_a_good_one_and_a_roll_back_restores(
    function: Function,
    local_registry: Registry,
    make: Callable[[Registry], str],
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert function.serves() == local_registry.first
    in_production(local_registry, make(local_registry))
    assert function.after(60) == local_registry.first
    state, error = function.says()
    assert state == "stale"
    assert reason in str(error)
    assert "cannot be served; what serves stays" in caplog.text
    rollback(local_registry.store, "probe", who="test")
    assert function.after(60) == local_registry.first
    assert function.says() == ("current", None)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"schema_version": 2, "sha256": ""}'])
def test_a_senseless_production_object_changes_nothing(
    function: Function, local_registry: Registry, content: bytes
) -> None:
    assert function.serves() == local_registry.first
    local_registry.store.put("models/probe/production.json", content)
    assert function.after(60) == local_registry.first
    assert function.says()[0] == "stale"


def test_a_start_without_the_registry_serves_the_bundled_model_and_says_so(
    local_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(local_registry.store, "probe", local_registry.first, who="test")
    reads = LocalStore.get

    def fail(*_: Any, **__: Any) -> Any:  # noqa: ANN401 - as Store.get
        message = "no network"
        raise StorageUnavailable(message)

    monkeypatch.setattr(LocalStore, "get", fail)
    function = Function(f"{local_registry.uri}/models/probe")
    assert function.serves() == bundled()
    assert function.says() == ("bundled", "StorageUnavailable: no network")
    monkeypatch.setattr(LocalStore, "get", reads)
    assert function.after(60) == local_registry.first
    assert function.says() == ("current", None)


def test_an_answer_by_the_bundled_model_in_place_of_the_registrys_is_marked_and_no_upload_is_scored_by_it(
    local_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(local_registry.store, "probe", local_registry.first, who="test")
    reads = LocalStore.get

    def fail(*_: Any, **__: Any) -> Any:  # noqa: ANN401 - as Store.get
        message = "no network"
        raise StorageUnavailable(message)

    monkeypatch.setattr(LocalStore, "get", fail)
    function = Function(f"{local_registry.uri}/models/probe")
    assert json.loads(function.answer().body)["model"]["registry"] == "bundled"
    for model_of in (function.source.registered, function.source.confirmed):
        with pytest.raises(ModelUnavailable, match="no network"):
            model_of()
    monkeypatch.setattr(LocalStore, "get", reads)
    assert function.source.registered().sha256 == local_registry.first
    assert "registry" not in json.loads(function.answer().body)["model"]
    monkeypatch.setattr(LocalStore, "get", fail)
    assert function.source.registered().sha256 == local_registry.first  # production's last known one
    with pytest.raises(ModelUnavailable, match="no network"):
        function.source.confirmed()
    assert json.loads(function.answer().body)["model"]["registry"] == "stale"


def test_a_promotion_is_confirmed_at_once(local_registry: Registry) -> None:
    promote(local_registry.store, "probe", local_registry.first, who="test")
    function = Function(f"{local_registry.uri}/models/probe")
    assert function.source.confirmed().sha256 == local_registry.first
    promote(local_registry.store, "probe", local_registry.second, who="test")
    assert function.serves() == local_registry.first
    assert function.source.confirmed().sha256 == local_registry.second


def test_a_start_before_anything_is_in_production(local_registry: Registry) -> None:
    function = Function(f"{local_registry.uri}/models/probe")
    assert function.serves() == bundled()
    state, error = function.says()
    assert (state, "promote a version" in str(error)) == ("bundled", True)


def test_a_registry_that_does_not_answer_does_not_hold_up_the_start(
    local_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(local_registry.store, "probe", local_registry.first, who="test")
    answer = threading.Event()
    reads = LocalStore.get

    def wait(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as Store.get
        answer.wait(20)
        return reads(*arguments, **options)

    monkeypatch.setattr(LocalStore, "get", wait)
    monkeypatch.setattr(serving, "_START_SECONDS", 0.1)
    function = Function(f"{local_registry.uri}/models/probe")
    start = time.monotonic()
    assert function.serves() == bundled()
    assert time.monotonic() - start < 10
    assert function.says() == ("bundled", None)
    answer.set()
    wait_for_check()
    assert function.serves() == local_registry.first


def test_no_request_waits_for_the_registry_or_meets_a_half_loaded_model(
    function: Function, local_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert function.serves() == local_registry.first
    promote(local_registry.store, "probe", local_registry.second, who="test")
    answer = threading.Event()
    reads = LocalStore.get
    calls = []

    def wait(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as Store.get
        calls.append(threading.current_thread().name)
        answer.wait(20)
        return reads(*arguments, **options)

    monkeypatch.setattr(LocalStore, "get", wait)
    function.now += 60
    with ThreadPoolExecutor(8) as pool:
        # All of these are answered while the look stands still.
        assert set(pool.map(lambda _: function.serves(), range(50))) == {local_registry.first}
        assert calls == ["model-registry"]
        answers = pool.map(lambda _: function.serves(), range(200))
        answer.set()
        assert set(answers) <= {local_registry.first, local_registry.second}
    wait_for_check()
    assert set(calls) == {"model-registry"}
    assert function.serves() == local_registry.second


def test_after_a_restore_the_clock_has_jumped_and_the_registry_is_looked_at(
    function: Function, local_registry: Registry
) -> None:
    assert function.serves() == local_registry.first
    promote(local_registry.store, "probe", local_registry.second, who="test")
    assert function.after(30 * 86_400) == local_registry.second
    rollback(local_registry.store, "probe", who="test")
    assert function.after(-10 * 86_400) == local_registry.first


def test_a_restore_hook_gets_the_promoted_model_before_the_first_request(
    function: Function, local_registry: Registry
) -> None:
    assert function.serves() == local_registry.first
    promote(local_registry.store, "probe", local_registry.second, who="test")
    function.source.check_now(20)
    assert function.serves() == local_registry.second


def test_a_version_is_served_whatever_is_in_production(local_registry: Registry) -> None:
    promote(local_registry.store, "probe", local_registry.first, who="test")
    function = Function(f"{local_registry.uri}/models/probe/{local_registry.second}")
    assert function.serves() == local_registry.second
    assert function.says() == ("current", None)
    local_registry.store.delete(f"models/probe/{local_registry.second}/model.onnx")
    assert function.after(1000) == local_registry.second
    assert function.says() == ("current", None)


def test_a_file_of_a_store_is_served_without_a_registry(registry: Registry) -> None:
    registry.store.put("kept+1.onnx", model("kept"))
    function = Function(f"{registry.uri}/kept+1.onnx")
    assert function.serves() == publish(registry.store, model("kept"), who="test")
    assert function.source.state() is None


def test_a_file_uri_is_read_as_paths_write_it(tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "strip 50%.onnx"
    path.parent.mkdir()
    path.write_bytes(model("kept"))
    assert Function(path.as_uri()).serves() == Function(str(path)).serves()


def test_nothing_runs_before_the_first_call(local_registry: Registry) -> None:
    before = threading.active_count()
    Function(f"{local_registry.uri}/models/probe")
    assert threading.active_count() == before


def test_every_model_that_comes_to_serve_decides_by_the_settings(local_registry: Registry) -> None:
    promote(local_registry.store, "probe", local_registry.first, who="test")
    function = Function(f"{local_registry.uri}/models/probe", REVIEW_HIGH="0.6")
    assert function.serves() == local_registry.first
    promote(local_registry.store, "probe", local_registry.second, who="test")
    assert function.after(60) == local_registry.second
    for scorer in (function.source(), function.source.registered(), function.source.confirmed()):
        assert scorer.contract.review_high == 0.6
        assert scorer.decision_from == "settings"


def test_a_promoted_model_that_does_not_fit_the_settings_does_not_replace_one_that_does(
    local_registry: Registry,
) -> None:
    promote(local_registry.store, "probe", local_registry.first, who="test")
    function = Function(f"{local_registry.uri}/models/probe", REVIEW_HIGH="0.6")
    assert function.serves() == local_registry.first
    other = publish(local_registry.store, probe_model(replace(CONTRACT, threshold=0.7)), who="test")
    promote(local_registry.store, "probe", other, who="test")
    assert function.after(60) == local_registry.first
    state, error = function.says()
    assert state == "stale"
    assert "REVIEW_HIGH=0.6 do not fit REVIEW_LOW=0.25, THRESHOLD=0.7" in str(error)
