"""A bucket scored from one machine, on real object stores: complete, resumable, and no harm to what events write."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from steel_defect.cli import main
from steel_defect.location import Buckets, Location
from steel_defect.scorer import Scorer
from steel_defect.serving import FixedModel
from steel_defect.settings import load_settings
from steel_defect.storage import StorageUnavailable, Store, open_store
from steel_defect.uploads.processor import Outcome, UploadProcessor
from steel_defect.uploads.refs import ObjectRef
from steel_defect.uploads.results import result_key
from tests.pictures import strip_jpeg
from tests.probe_model import CONTRACT, probe_model
from tests.servers.emulators import make_gcs_bucket, make_s3_bucket

if TYPE_CHECKING:
    from pathlib import Path

_numbers = itertools.count()


class Bucket:
    """A bucket of pictures and one of results."""

    def __init__(self, cloud: str, number: int, model: Path) -> None:
        self.cloud = cloud
        self.name = f"backfill-{cloud}-{number}"
        self.pictures_uri, self.results_uri = f"{cloud}://{self.name}", f"{cloud}://{self.name}-results"
        self.pictures: Store = open_store(self.pictures_uri)
        self.results: Store = open_store(self.results_uri)
        self.model = str(model)

    def score(self, *options: str, prefix: str = "") -> Result:
        command = ["score", f"{self.pictures_uri}/{prefix}", "--results", self.results_uri, "--model", self.model]
        return CliRunner().invoke(main, [*command, *options])

    def outcomes(self) -> dict[str, str]:
        lines = [json.loads(line) for line in self.score("--json").stdout.splitlines()]
        return {line["uri"].removeprefix(f"{self.pictures_uri}/"): line["outcome"] for line in lines}

    def result(self, key: str) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.results.get(result_key(key)).data)


@pytest.fixture(params=["s3", "gs"])
def bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, probe_file: Path) -> Bucket:
    """Empty buckets of one cloud."""
    emulator = request.getfixturevalue("ministack" if request.param == "s3" else "fake_gcs")
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    made = Bucket(request.param, next(_numbers), probe_file)
    make = make_s3_bucket if request.param == "s3" else make_gcs_bucket
    make(emulator, made.name)
    make(emulator, f"{made.name}-results")
    return made


def test_every_object_below_the_prefix_has_a_result_afterwards(bucket: Bucket) -> None:
    keys = ["line 3/a+b 100%.jpg", "line 3/ä.jpg", "line 4/c.jpg", "elsewhere.jpg"]
    for key in keys:
        bucket.pictures.put(key, strip_jpeg())
    run = bucket.score(prefix="line ")
    assert run.exit_code == 0, run.output
    assert "3 scored" in run.stdout
    assert {info.key for info in bucket.results.list()} == {result_key(key) for key in keys[:3]}
    assert bucket.result("line 3/ä.jpg")["decision"] == "review"


def test_what_has_a_result_of_the_same_model_is_passed_over(bucket: Bucket, tmp_path: Path) -> None:
    bucket.pictures.put("a.jpg", strip_jpeg())
    bucket.pictures.put("notes.jpg", b"no picture")
    assert bucket.outcomes() == {"a.jpg": "scored", "notes.jpg": "failed"}
    bucket.pictures.put("b.jpg", strip_jpeg())
    assert bucket.outcomes() == {"a.jpg": "duplicate", "b.jpg": "scored", "notes.jpg": "duplicate"}
    other = tmp_path / "other.onnx"
    other.write_bytes(probe_model(replace(CONTRACT, version="2")))
    bucket.model = str(other)
    assert set(bucket.outcomes().values()) == {"scored", "failed"}
    assert bucket.result("a.jpg")["model"]["version"] == "2"


def test_it_decides_by_the_settings_as_the_functions_do(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.pictures.put("a.jpg", strip_jpeg())
    for name, value in {"THRESHOLD": "0.2", "REVIEW_LOW": "0.1", "REVIEW_HIGH": "0.3"}.items():
        monkeypatch.setenv(name, value)
    load_settings.cache_clear()
    assert bucket.outcomes() == {"a.jpg": "scored"}
    monkeypatch.undo()
    load_settings.cache_clear()
    found = bucket.result("a.jpg")
    assert (found["threshold"], found["decision"]) == (0.2, "reject")


def test_a_picture_that_was_overwritten_is_scored_again(bucket: Bucket) -> None:
    bucket.pictures.put("a.jpg", strip_jpeg())
    bucket.score()
    bucket.pictures.put("a.jpg", b"no picture")
    assert bucket.outcomes() == {"a.jpg": "failed"}


def test_stopped_in_the_middle_it_goes_on(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    for index in range(30):
        bucket.pictures.put(f"{index:02}.jpg", strip_jpeg())
    process = UploadProcessor.process

    def stopping(self: UploadProcessor, ref: ObjectRef) -> Outcome:
        if ref.key >= "20.jpg":
            message = "played: the network is gone"
            raise StorageUnavailable(message)
        return process(self, ref)

    with monkeypatch.context() as played:
        played.setattr(UploadProcessor, "process", stopping)
        run = bucket.score()
    assert run.exit_code == 1
    assert "20 scored" in run.stdout
    assert "20.jpg: played: the network is gone" in run.stderr
    again = bucket.score()
    assert again.exit_code == 0, again.output
    assert "10 scored" in again.stdout
    assert "20 had a result of this model" in again.stdout


def test_each_result_is_read_once(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.pictures.put("a.jpg", strip_jpeg())
    read: list[str] = []
    reads = UploadProcessor._existing  # noqa: SLF001 - counts what it reads

    def counted(self: UploadProcessor, ref: ObjectRef) -> Any:  # noqa: ANN401 - passes it on
        read.append(ref.key)
        return reads(self, ref)

    monkeypatch.setattr(UploadProcessor, "_existing", counted)
    for outcome in ("scored", "duplicate"):
        assert bucket.outcomes() == {"a.jpg": outcome}
        assert read == ["a.jpg"]
        read.clear()


def test_an_event_that_is_late_does_not_undo_a_backfill(bucket: Bucket) -> None:
    old = bucket.pictures.put("a.jpg", b"no picture")
    new = bucket.pictures.put("a.jpg", strip_jpeg())
    bucket.score()
    generations = [str(info.version).zfill(20) for info in (old, new)]
    orders = ["0055", "0056"] if bucket.cloud == "s3" else generations
    scheme: Any = bucket.cloud
    scorer = Scorer(probe_model())
    processor = UploadProcessor(
        FixedModel(scorer), Buckets(Location(bucket.cloud, bucket.name), Location.parse(bucket.results_uri))
    )
    late, own = (
        ObjectRef(scheme, bucket.name, "a.jpg", order, version=info.version)
        for order, info in zip(orders, (old, new), strict=True)
    )
    assert processor.process(late) == Outcome.SUPERSEDED
    assert bucket.result("a.jpg")["status"] == "scored"
    processor.process(own)
    assert processor.process(late) == Outcome.SUPERSEDED
    assert bucket.result("a.jpg")["source"]["version"] == new.version


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["s3://uploads/b"], "with --results"),
        (["s3://uploads/b", "c.jpg", "--results", "s3://results"], "alone"),
        (["s3://uploads/b", "--results", "s3://results", "--csv"], "--csv and --fail-on"),
        (["tests", "--results", "s3://results"], "--results goes with"),
        (["s3://uploads/b", "--results", "s3://uploads/results"], "in the bucket of the pictures"),
        (["s3://uploads/b", "--results", "nowhere"], "nowhere"),
        (["s3://?", "--results", "s3://results"], "s3://?"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(arguments: list[str], complaint: str) -> None:
    run = CliRunner().invoke(main, ["score", *arguments])
    assert run.exit_code in {1, 2}
    assert complaint in run.stderr
