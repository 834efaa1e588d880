"""The public interface for Python: `from steel_defect import Model`."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import steel_defect
from steel_defect import Camera, Decision, Model, ModelUnavailable, Prediction, Reason, SteelDefectError
from steel_defect.registry import promote, publish
from steel_defect.scorer import Scorer
from steel_defect.settings import BUNDLED_MODEL
from steel_defect.storage import open_store
from tests.conftest import REPOSITORY, SAMPLES
from tests.probe_model import probe_model

if TYPE_CHECKING:
    from pathlib import Path

SCRATCH = SAMPLES / "scratch.jpg"


def test_bytes_and_paths_give_what_every_other_way_gives() -> None:
    model = Model.load()
    found: Prediction = model.predict(SCRATCH)
    assert found.decision is Decision.REVIEW
    expected = Scorer(BUNDLED_MODEL).score(SCRATCH.read_bytes())
    for picture in (SCRATCH, str(SCRATCH), SCRATCH.read_bytes()):
        assert model.predict(picture).defect_prob == pytest.approx(expected.defect_prob, abs=1e-6)
    assert (model.contract.name, len(model.sha256)) == ("strip-mobilenetv2", 64)


def test_a_model_comes_from_a_file_a_uri_or_a_registry(tmp_path: Path) -> None:
    path = tmp_path / "probe.onnx"
    path.write_bytes(probe_model())
    store = open_store(tmp_path.as_uri())
    sha256 = publish(store, path.read_bytes(), who="test")
    promote(store, "probe", sha256, who="test")
    name = f"{tmp_path.as_uri()}/models/probe"
    for source in (path, str(path), path.as_uri(), name, f"{name}/{sha256}"):
        assert Model.load(source, threads=1).sha256 == sha256


def test_the_environment_does_not_change_what_it_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "REVIEW_LOW": "0.999",
        "THRESHOLD": "0.999",
        "REVIEW_HIGH": "1",
        "MODEL_URI": "s3://no/models/none",
    }.items():
        monkeypatch.setenv(name, value)
    # By the environment it would pass.
    assert Model.load().predict(SCRATCH).decision is Decision.REVIEW


def test_what_cannot_be_scored_or_loaded_says_why(tmp_path: Path) -> None:
    model = Model.load()
    with pytest.raises(SteelDefectError, match="not a picture") as error:
        model.predict(b"no picture")
    assert error.value.problem()["type"] == "urn:problem-type:steel-defect:not-an-image"
    with pytest.raises(FileNotFoundError):
        model.predict(tmp_path / "none.jpg")
    with pytest.raises(ModelUnavailable):
        Model.load(tmp_path / "none.onnx")
    with pytest.raises(ValueError, match="names no model"):
        Model.load("s3://bucket/something")


def test_the_camera_is_stated_for_a_picture() -> None:
    assert Reason.SCALE not in Model.load().predict(SCRATCH, Camera(mm_per_pixel=0.2)).reasons


def test_the_public_names_are_there_and_the_readme_lists_them() -> None:
    assert all(getattr(steel_defect, name).__name__ == name for name in steel_defect.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Modell'"):
        _ = steel_defect.Modell  # type: ignore[attr-defined]  # that is the test
    stable = (
        (REPOSITORY / "README.md").read_text(encoding="utf-8").partition("## What stays\n")[2].partition("\n## ")[0]
    )
    assert all(f"`{name}`" in stable for name in steel_defect.__all__)


def test_importing_the_package_imports_nothing_of_it() -> None:
    code = "import steel_defect, sys; print([name for name in sys.modules if name.startswith('steel_defect.')])"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)  # noqa: S603 - ours
    assert run.stdout == "[]\n"


def test_the_readme_example_runs() -> None:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (example,) = [block.partition("```")[0] for block in text.split("```python\n")[1:] if "Model.load" in block]
    command = [sys.executable, "-W", "error", "-c", example]
    run = subprocess.run(command, check=True, capture_output=True, text=True, cwd=REPOSITORY)  # noqa: S603 - our README
    assert run.stdout.startswith("review 0.2")
