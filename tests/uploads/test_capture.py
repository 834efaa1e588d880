"""Which uploads are kept for people to look at, and that this never costs a result."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import pytest
from click.testing import CliRunner

from steel_defect.capturing import Capturing
from steel_defect.cli import main
from steel_defect.location import Buckets, Location
from steel_defect.serving import FixedModel
from steel_defect.settings import SettingsError, settings_from
from steel_defect.storage import StorageUnavailable, open_store
from steel_defect.uploads import capture
from steel_defect.uploads.lot import lot_of
from steel_defect.uploads.processor import Outcome, UploadProcessor
from steel_defect.uploads.refs import ObjectRef
from steel_defect.verdicts.kept import Verdicts
from tests.pictures import encoded, gray

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from steel_defect.scorer import Scorer
    from steel_defect.storage import ObjectInfo

NEVER, NEAR = 20, 130


class Line:
    """Scores pictures as the upload function does."""

    def __init__(self, probe: Scorer, buckets: Buckets, terms: Capturing) -> None:
        self.buckets = buckets
        self.results, self.uploads = open_store(buckets.results), open_store(buckets.uploads)
        self._processor = UploadProcessor(FixedModel(probe), buckets, afterwards=partial(capture.keep, terms))

    def score(self, key: str, value: int) -> ObjectInfo:
        """A picture of one gray, scored."""
        info = self.uploads.put(key, encoded(gray(np.full((256, 1600), value, np.uint8)), "PNG"))
        scheme = cast("Literal['s3', 'gs', 'file']", self.buckets.uploads.scheme)
        ref = ObjectRef(scheme, self.buckets.uploads.bucket, key, "01", info.version, info.size, info.tag)
        for outcome in (Outcome.SCORED, Outcome.DUPLICATE):
            assert self._processor.process(ref) is outcome
        return info

    def kept(self) -> list[dict[str, Any]]:
        """The records of the pictures that were kept."""
        records = [info.key for info in self.results.list("captured/") if info.key.endswith(".json")]
        return [json.loads(self.results.get(key).data) for key in records]


@pytest.fixture
def line(make_bucket: Callable[[], str], cloud: str, probe: Scorer) -> Callable[[Capturing], Line]:
    """On buckets of a cloud."""
    return lambda terms: Line(probe, Buckets(Location(cloud, make_bucket()), Location(cloud, make_bucket())), terms)


def test_what_is_near_the_threshold_is_kept_within_the_budget(line: Callable[[Capturing], Line]) -> None:
    here = line(Capturing(daily=2, random=0))
    for number in range(4):
        here.score(f"line 3/{number}.png", NEAR)
        here.score(f"line 3/far {number}.png", NEVER)
    records = here.kept()
    assert sorted(record["source"]["key"] for record in records) == ["line 3/0.png", "line 3/1.png"]
    assert {record["kind"] for record in records} == {"near"}
    for record in records:
        assert here.results.get(record["picture"]).data == here.uploads.get(record["source"]["key"]).data


def test_a_random_share_is_drawn_by_the_lot(line: Callable[[Capturing], Line]) -> None:
    here = line(Capturing(daily=100, random=0.5))
    for number in range(12):
        here.score(f"{number}.png", NEVER)
    results = [json.loads(here.results.get(info.key).data) for info in here.results.list("scores/")]
    drawn = {result["source"]["key"] for result in results if lot_of(result["source"]) < 0.5}
    assert 0 < len(drawn) < 12
    assert {record["source"]["key"] for record in here.kept()} == drawn


def test_by_default_nothing_is_kept(line: Callable[[Capturing], Line]) -> None:
    here = line(Capturing())
    here.score("a.png", NEAR)
    assert here.kept() == []
    assert settings_from({}).capturing == Capturing()


def test_the_settings_state_it() -> None:
    stated = {"CAPTURE_DAILY": "50", "CAPTURE_RANDOM": "0.02", "CAPTURE_NEAR": "0"}
    assert settings_from(stated).capturing == Capturing(50, 0.02, 0)
    for name, value in (("CAPTURE_DAILY", "1001"), ("CAPTURE_DAILY", "1.5"), ("CAPTURE_RANDOM", "2")):
        with pytest.raises(SettingsError, match=name):
            settings_from({name: value})


def test_a_picture_that_cannot_be_kept_has_its_result(
    line: Callable[[Capturing], Line], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The store refuses no write that names it: that is a mock's part."""

    def full(*_: object) -> None:
        message = "no space"
        raise StorageUnavailable(message)

    monkeypatch.setattr(capture, "_write", full)
    line(Capturing(daily=2)).score("a.png", NEAR)
    assert "is not kept for people to look at: no space" in caplog.text


def test_labels_have_what_was_kept_of_uploads_that_are_gone(
    line: Callable[[Capturing], Line], make_bucket: Callable[[], str], cloud: str, tmp_path: Path
) -> None:
    """The bucket's rule of deletion leaves nothing: so does another bucket."""
    here = line(Capturing(daily=2, random=0))
    version = here.score("a.png", NEAR).version
    said = {"picture": "a.png", "version": version, "verdict": "pass", "who": "Anna"}
    Verdicts(here.buckets.results).keep(json.dumps(said).encode())
    empty = f"{cloud}://{make_bucket()}"
    arguments = ["labels", str(here.buckets.results), "--uploads", empty, "-o", str(tmp_path)]
    shown = CliRunner().invoke(main, arguments)
    assert shown.exit_code == 0, shown.output
    data = here.uploads.get("a.png").data
    assert [path.read_bytes() for path in (tmp_path / "pictures").iterdir()] == [data]
