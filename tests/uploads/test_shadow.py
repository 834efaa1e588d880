"""A candidate in the shadow scores the same uploads and decides nothing; where it differs is listed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import pytest
from click.testing import CliRunner

from steel_defect.app import App
from steel_defect.cli import main
from steel_defect.location import Buckets, Location
from steel_defect.serving import ModelSource
from steel_defect.settings import SettingsError, settings_from
from steel_defect.storage import open_store
from steel_defect.uploads.processor import Outcome
from steel_defect.uploads.refs import ObjectRef
from steel_defect.uploads.shadow import FOLDER
from tests.pictures import encoded, gray
from tests.probe_model import CONTRACT, probe_model
from tests.servers.emulators import Emulator, make_gcs_bucket, make_s3_bucket

if TYPE_CHECKING:
    from pathlib import Path

DARK, MIDDLE, LIGHT = 20, 60, 230


@pytest.fixture(params=["file", "s3", "gs"])
def buckets(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Buckets:
    """Empty ones of each kind."""
    if request.param == "file":
        return Buckets(*(Location("file", str(tmp_path / name)) for name in ("uploads", "results")))
    emulator: Emulator = request.getfixturevalue("ministack" if request.param == "s3" else "fake_gcs")
    for name, setting in emulator.environment.items():
        monkeypatch.setenv(name, setting)
    make = make_s3_bucket if request.param == "s3" else make_gcs_bucket
    return Buckets(*(Location(request.param, make(emulator, f"shadow-{name}")) for name in ("uploads", "results")))


class Line:
    """The upload function with a candidate."""

    def __init__(self, buckets: Buckets, model: Path, candidate: Path) -> None:
        self.told: list[dict[str, Any]] = []
        self._buckets = buckets
        environment = {"MODEL_URI": str(model), "SHADOW_MODEL_URI": str(candidate)}
        environment |= {"UPLOADS_URI": str(buckets.uploads), "RESULTS_URI": str(buckets.results)}
        self._processor = App(ModelSource(settings_from(environment)), lambda _: self.told.append).processor()

    def score(self, key: str, picture: int | bytes) -> Outcome:
        """A picture of one gray, or other bytes, as the bucket's event tells of it."""
        value = picture if isinstance(picture, bytes) else encoded(gray(np.full((256, 1600), picture, np.uint8)), "PNG")
        info = open_store(self._buckets.uploads).put(key, value)
        root = self._buckets.uploads.root
        scheme = cast("Literal['s3', 'gs', 'file']", root.scheme)
        return self._processor.process(ObjectRef(scheme, root.bucket, key, "01", info.version, info.size, info.tag))


def compare(buckets: Buckets, *options: str, status: int = 0) -> str:
    done = CliRunner().invoke(main, ["models", "compare", str(buckets.results), *options])
    assert done.exit_code == status, done.output
    return done.output


@pytest.fixture
def stricter(tmp_path: Path) -> Path:
    """A candidate that rejects what is half as light."""
    path = tmp_path / "stricter.onnx"
    contract = replace(CONTRACT, version="2", threshold=0.15, review_low=0.1, review_high=0.2)
    path.write_bytes(probe_model(contract))
    return path


def test_what_a_candidate_would_decide_is_listed_and_nothing_else_changes(
    buckets: Buckets, probe_file: Path, stricter: Path
) -> None:
    line = Line(buckets, probe_file, stricter)
    for key, picture in {"dark.png": DARK, "line 3/middle.png": MIDDLE, "light.png": LIGHT}.items():
        assert line.score(key, picture) is Outcome.SCORED
    assert line.score("notes.jpg", b"no picture") is Outcome.FAILED
    store = open_store(buckets.results)
    assert len(list(store.list("scores/"))) == len(line.told) == 4
    assert {told["model"]["version"] for told in line.told} == {CONTRACT.version}
    assert len(list(store.list(FOLDER))) == 3
    found = json.loads(compare(buckets, "--json"))
    (different,) = found["differences"]
    assert different["picture"] == "line 3/middle.png"
    assert (different["production"]["decision"], different["candidate"]["decision"]) == ("pass", "reject")
    assert (found["pictures"], found["unpaired"]) == (3, 0)
    shown = compare(buckets)
    assert "line 3/middle.png" in shown
    assert "3 pictures, 2 decided as in production\n1 pass would be reject\n" in shown
    assert "no candidate" in compare(buckets, "--candidate", "abc", status=1)


@pytest.mark.parametrize("buckets", ["file"], indirect=True)
def test_a_candidate_that_cannot_be_loaded_costs_no_result(
    buckets: Buckets, probe_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    line = Line(buckets, probe_file, tmp_path / "nothing.onnx")
    assert line.score("a.png", DARK) is Outcome.SCORED
    assert "did not score" in caplog.text
    assert len(line.told) == 1


@pytest.mark.parametrize("buckets", ["file"], indirect=True)
def test_the_same_model_and_pictures_that_were_replaced_are_not_compared(
    buckets: Buckets, probe_file: Path, stricter: Path
) -> None:
    line = Line(buckets, probe_file, probe_file)
    line.score("a.png", LIGHT)
    assert "no candidate" in compare(buckets, status=1)
    Line(buckets, probe_file, stricter).score("b.png", MIDDLE)
    line.score("b.png", LIGHT)
    found = json.loads(compare(buckets, "--json"))
    assert (found["pictures"], found["unpaired"]) == (0, 1)


def test_a_candidate_is_one_version() -> None:
    with pytest.raises(SettingsError, match="must name one version"):
        settings_from({"SHADOW_MODEL_URI": "s3://models/models/strip"})
    with pytest.raises(SettingsError, match="SHADOW_MODEL_URI"):
        settings_from({"SHADOW_MODEL_URI": "s3://models/strip"})
