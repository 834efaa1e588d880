"""Duplicates, any order, kills and losses: the same final result, in memory where each step can be looked at."""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from steel_defect.errors import ModelUnavailable
from steel_defect.location import Buckets, Location
from steel_defect.parallel import in_order
from steel_defect.place import USUAL_PATTERN, pattern_of
from steel_defect.scorer import Scorer
from steel_defect.settings import IGNORED_SUFFIXES
from steel_defect.storage import ObjectNotFound, PreconditionFailed, StorageUnavailable, Store, open_store
from steel_defect.uploads import results
from steel_defect.uploads.processor import ForeignBucket, Outcome, UploadProcessor
from steel_defect.uploads.refs import ObjectRef
from steel_defect.uploads.results import result_key
from tests.pictures import encoded
from tests.probe_model import CONTRACT, MASKED, probe_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from steel_defect.admission import Admission
    from steel_defect.camera import Camera
    from steel_defect.prediction import Prediction

_names = itertools.count()
BUCKETS = Buckets(Location("s3", "uploads"), Location("s3", "results", "here"))
SCHEMA = Draft202012Validator(json.loads(Path(results.__file__).with_name("result.schema.json").read_text()))


def shade(value: int) -> bytes:
    return encoded(Image.new("L", (400, 64), value))


class Tapped:
    """A store whose every method a test can replace."""

    def __init__(self, store: Store) -> None:
        self.get = store.get
        self.head = store.head
        self.put = store.put
        self.list = store.list
        self.versions = store.versions
        self.delete = store.delete
        self.sign_upload = store.sign_upload


class World:
    """Buckets in memory, with a processor between them. Its model and its listener can be replaced."""

    def __init__(self, scorer: Callable[[], Scorer]) -> None:
        number = next(_names)
        self.scorer = scorer
        self.uploads = Tapped(open_store(f"memory://uploads-{number}"))
        self.results = Tapped(open_store(f"memory://results-{number}"))
        self.told: list[dict[str, Any]] = []
        self.tell: Callable[[dict[str, Any]], None] = self.told.append
        self.stores: dict[str, Store] = {"s3://uploads": self.uploads, "s3://results/here": self.results}
        self.processor = UploadProcessor(
            self,
            BUCKETS,
            lambda outcome: self.tell(outcome),  # noqa: PLW0108 - looked up at each call
            ignored_suffixes=IGNORED_SUFFIXES,
            coil_pattern=pattern_of(USUAL_PATTERN),
            open_bucket=self.open,
        )
        self._orders = itertools.count(1)

    def open(self, location: Location) -> Store:
        """The store of a bucket."""
        return self.stores[str(location)]

    def registered(self) -> Scorer:
        """The model; see `Models`."""
        return self.scorer()

    def confirmed(self) -> Scorer:
        """The model; see `Models`."""
        return self.scorer()

    def upload(self, key: str, data: bytes) -> ObjectRef:
        """Put a picture there, as a camera does."""
        info = self.uploads.put(key, data)
        order = f"{next(self._orders):016X}"
        return ObjectRef("s3", "uploads", key, order=order, version=info.version, size=len(data), tag=info.tag)

    def result(self, key: str) -> dict[str, Any]:
        """The result that is there now."""
        content = json.loads(self.results.get(result_key(key)).data)
        assert isinstance(content, dict)
        SCHEMA.validate(content)
        return content


@pytest.fixture
def world(probe: Scorer) -> World:
    return World(lambda: probe)


def test_the_result_of_a_picture(world: World, probe: Scorer) -> None:
    ref = world.upload("line 3/a.png", shade(255))
    assert world.processor.process(ref) == Outcome.SCORED
    result = world.result("line 3/a.png")
    assert result["schema_version"] == 1
    assert result["status"] == "scored"
    assert result["decision"] == "reject"
    assert result["defect_prob"] == pytest.approx(1, abs=1e-5)
    assert result["model"]["sha256"] == probe.sha256
    assert set(result["statistics"]) == {"mean", "contrast", "dark_share"}
    assert result["source"] == {
        "uri": "s3://uploads/line 3/a.png",
        "bucket": "uploads",
        "key": "line 3/a.png",
        "version": ref.version,
        "order": ref.order,
        "etag": ref.tag,
        "size": ref.size,
    }
    (told,) = world.told
    assert told["result"] == "s3://results/here/scores/line 3/a.png.json"
    assert (told["decision"], told["defect_prob"]) == ("reject", result["defect_prob"])


@pytest.mark.parametrize(
    ("data", "slug"),
    [
        (b"no picture", "not-an-image"),
        (shade(9)[:-30], "damaged-image"),
        (bytes(CONTRACT.input.max_bytes + 1), "too-many-bytes"),
    ],
)
def test_what_can_never_be_scored_has_a_result_that_says_so(world: World, data: bytes, slug: str) -> None:
    assert world.processor.process(world.upload("a", data)) == Outcome.FAILED
    result = world.result("a")
    assert result["status"] == "failed"
    assert result["problem"]["type"].endswith(slug)
    assert world.told[0]["problem"] == result["problem"]


def test_an_upload_that_is_too_large_is_not_even_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = replace(world.upload("a", bytes(CONTRACT.input.max_bytes + 1)), size=None)
    monkeypatch.setattr(world.uploads, "get", lambda *_, **__: pytest.fail("was read"))
    assert world.processor.process(ref) == Outcome.FAILED


def test_without_versions_the_size_is_asked_for_and_not_believed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small picture was announced, and something huge has taken its place since."""
    announced = replace(world.upload("a", shade(1)), version=None)
    world.upload("a", bytes(CONTRACT.input.max_bytes + 1))
    monkeypatch.setattr(world.uploads, "get", lambda *_, **__: pytest.fail("was read"))
    assert world.processor.process(announced) == Outcome.SUPERSEDED


def test_an_upload_that_is_gone(world: World) -> None:
    ref = replace(world.upload("a", shade(1)), version=None)
    world.uploads.delete("a")
    assert world.processor.process(ref) == Outcome.FAILED
    assert world.result("a")["problem"]["type"].endswith("object-gone")


def test_a_version_that_is_gone_where_a_newer_one_is_leaves_the_picture_to_its_own_event(world: World) -> None:
    """A lifecycle rule removes old versions; a bucket that keeps none has just the newest."""
    gone = replace(world.upload("a", shade(50)), version="no-such-version")
    assert world.processor.process(gone) == Outcome.SUPERSEDED
    with pytest.raises(ObjectNotFound):
        world.result("a")


def test_a_duplicate_writes_nothing_and_tells_again(world: World) -> None:
    ref = world.upload("a", shade(100))
    world.processor.process(ref)
    before = world.results.get(result_key("a"))
    assert world.processor.process(ref) == Outcome.DUPLICATE
    assert world.results.get(result_key("a")) == before
    assert world.told[0] == world.told[1]


def test_every_order_of_three_versions_ends_with_the_newest(probe: Scorer) -> None:
    for order in itertools.permutations(range(3)):
        world = World(lambda: probe)
        refs = [world.upload("a", shade(value)) for value in (50, 100, 150)]
        for index in order:
            world.processor.process(refs[index])
        assert world.result("a")["defect_prob"] == pytest.approx(150 / 255, abs=1e-5)
        assert world.result("a")["source"]["order"] == refs[2].order


def test_an_older_version_that_is_late_is_neither_read_nor_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = world.upload("a", shade(50)), world.upload("a", shade(150))
    world.processor.process(new)
    monkeypatch.setattr(world.uploads, "get", lambda *_, **__: pytest.fail("was read"))
    assert world.processor.process(old) == Outcome.SUPERSEDED
    assert len(world.told) == 1


def test_without_versions_a_late_event_leaves_the_picture_to_its_own_event(world: World) -> None:
    old = replace(world.upload("a", shade(50)), version=None)
    new = replace(world.upload("a", shade(150)), version=None)
    assert world.processor.process(old) == Outcome.SUPERSEDED
    with pytest.raises(ObjectNotFound):
        world.result("a")
    assert world.processor.process(new) == Outcome.SCORED


def test_a_newer_result_that_appears_during_scoring_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = world.upload("a", shade(50)), world.upload("a", shade(150))
    read = world.uploads.get

    def read_slowly(key: str, *, version: str | None = None) -> Any:  # noqa: ANN401 - passes it on
        monkeypatch.setattr(world.uploads, "get", read)
        world.processor.process(new)
        return read(key, version=version)

    monkeypatch.setattr(world.uploads, "get", read_slowly)
    assert world.processor.process(old) == Outcome.SUPERSEDED
    assert world.result("a")["source"]["order"] == new.order


def test_another_model_scores_again(world: World, probe: Scorer) -> None:
    ref = world.upload("a", shade(100))
    world.processor.process(ref)
    other = Scorer(probe_model(replace(CONTRACT, version="2")))
    assert other.sha256 != probe.sha256
    world.scorer = lambda: other
    assert world.processor.process(ref) == Outcome.SCORED
    assert world.result("a")["model"]["version"] == "2"


@pytest.mark.parametrize("step", ["uploads.get", "results.get", "results.put", "tell"])
@pytest.mark.parametrize("after", [False, True])
def test_killed_before_or_after_any_step_and_delivered_again(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str, *, after: bool
) -> None:
    ref = world.upload("a", shade(100))
    clean = World(world.scorer)
    clean.processor.process(clean.upload("a", shade(100)))

    class Killed(BaseException):
        pass

    *path, name = step.split(".")
    owner = getattr(world, path[0]) if path else world
    real = getattr(owner, name)

    def dying(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - passes them on
        if after:
            with contextlib.suppress(ObjectNotFound):
                real(*arguments, **named)
        raise Killed

    monkeypatch.setattr(owner, name, dying)
    with pytest.raises(Killed):
        world.processor.process(ref)
    monkeypatch.undo()
    world.processor.process(ref)
    assert {**world.result("a"), "source": None} == {**clean.result("a"), "source": None}
    assert world.told[-1]["decision"] == "review"


def test_a_lost_race_is_run_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put = world.results.put
    losses = iter([PreconditionFailed("lost"), PreconditionFailed("lost again")])

    def losing(key: str, data: bytes, **named: Any) -> Any:  # noqa: ANN401 - passes them on
        for loss in losses:
            raise loss
        return put(key, data, **named)

    monkeypatch.setattr(world.results, "put", losing)
    assert world.processor.process(world.upload("a", shade(1))) == Outcome.SCORED


def test_a_race_without_end_is_left_to_another_try(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def losing(*_: Any, **__: Any) -> None:  # noqa: ANN401 - takes anything
        message = "lost"
        raise PreconditionFailed(message)

    monkeypatch.setattr(world.results, "put", losing)
    with pytest.raises(StorageUnavailable):
        world.processor.process(world.upload("a", shade(1)))


def test_something_else_in_the_place_of_a_result_is_replaced(world: World) -> None:
    for rubbish in (b"not json", b"[]", b'{"schema_version": 99}'):
        world.results.put(result_key("a"), rubbish)
        assert world.processor.process(world.upload("a", shade(1))) == Outcome.SCORED


def test_no_model_is_worth_another_try(world: World) -> None:
    def none() -> Scorer:
        message = "none here"
        raise ModelUnavailable(message)

    world.scorer = none
    with pytest.raises(ModelUnavailable):
        world.processor.process(world.upload("a", shade(1)))
    with pytest.raises(ObjectNotFound):
        world.result("a")


def test_a_listener_that_fails_loses_no_result_and_is_told_later(world: World) -> None:
    def fail(_: object) -> None:
        message = "the bus is down"
        raise OSError(message)

    ref = world.upload("a", shade(200))
    world.tell = fail
    with pytest.raises(OSError, match="the bus is down"):
        world.processor.process(ref)
    assert world.result("a")["decision"] == "reject"
    world.tell = world.told.append
    assert world.processor.process(ref) == Outcome.DUPLICATE
    assert world.told[0]["decision"] == "reject"


def test_results_are_never_scored(world: World) -> None:
    with pytest.raises(ForeignBucket):
        world.processor.process(ObjectRef("s3", "results", "here/scores/a.json", order="1"))


@pytest.mark.parametrize(
    "key",
    ["a b.jpg", "a+b", "100%", "a%2Bb", "ä-鋼", "../a", "a/../../b", "/a", "a//b", ".", "..", "x" * 1024, "ä" * 512],
)
def test_result_keys_keep_the_key_and_stay_in_their_folder(world: World, key: str) -> None:
    place = result_key(key)
    assert place.startswith("scores/")
    assert len(place.encode()) <= 1024 - 100
    if len(key.encode()) <= 900:
        assert place == f"scores/{key}.json"
    world.results.put(place, b"x")
    assert [info.key for info in world.results.list("scores/")] == [place]


def test_long_keys_that_begin_alike_have_results_of_their_own() -> None:
    assert result_key("x" * 1023 + "a") != result_key("x" * 1023 + "b")


def test_defects_are_in_the_result_and_masks_are_not() -> None:
    scorer = Scorer(probe_model(MASKED, masks=True))
    world = World(lambda: scorer)
    picture = Image.new("L", (1600, 256), 120)
    picture.paste(230, (400, 40, 560, 120))
    ref = world.upload("strip.png", encoded(picture))
    assert world.processor.process(ref) is Outcome.SCORED
    result = world.result("strip.png")
    assert [one["box"] for one in result["defects"]] == [{"x": 400, "y": 40, "width": 160, "height": 80}]
    assert result["defect_count"] == 1
    assert "masks" not in result


def test_of_many_uploads_no_more_are_decoded_at_a_time_than_there_are_processors(
    probe: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    world = World(lambda: probe)
    busy, most = 0, []
    counting = Lock()

    def score_slowly(data: bytes, camera: Camera, admission: Admission) -> Prediction:
        nonlocal busy
        with counting:
            busy += 1
            most.append(busy)
        time.sleep(0.02)
        with counting:
            busy -= 1
        return Scorer.score(probe, data, camera, admission)

    monkeypatch.setattr(probe, "score", score_slowly)
    refs = [world.upload(f"{number}.png", shade(number)) for number in range(12)]
    assert set(in_order(world.processor.process, refs, 6)) == {Outcome.SCORED}
    assert max(most) == 2


@pytest.mark.parametrize("data", [shade(255), b"no picture"])
def test_coil_and_position_are_in_result_and_outcome_whatever_came_of_the_picture(world: World, data: bytes) -> None:
    key = 'line-3/Ä "<b>/0012_128000mm.png'
    world.processor.process(world.upload(key, data))
    for content in (world.result(key), world.told[0]):
        assert (content["coil"], content["position_mm"]) == ('Ä "<b>', 128_000)
    world.processor.process(world.upload("alone.png", data))
    assert not {"coil", "position_mm"} & set(world.result("alone.png"))
