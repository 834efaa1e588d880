"""`steel-defect decide`: a model file that says something else and computes the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import onnx
import pytest
from click.testing import CliRunner, Result

from steel_defect.cli import main
from steel_defect.cli.onnx_metadata import with_metadata
from steel_defect.scorer import Scorer
from steel_defect.settings import BUNDLED_MODEL
from tests.pictures import strip_jpeg
from tests.probe_model import CONTRACT, probe_model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The probe model: 0.25, 0.5, 0.75; left and right."""
    path = tmp_path / "model.onnx"
    path.write_bytes(probe_model())
    return path


def decide(model: Path, *options: str) -> Result:
    """Run the command; the new file is beside the model."""
    return CliRunner().invoke(main, ["decide", str(model), "-o", str(new(model)), *options])


def new(model: Path) -> Path:
    """Where the new file is."""
    return model.with_name("new.onnx")


def test_the_new_file_says_what_was_given_and_everything_else_as_before(model: Path) -> None:
    run = decide(model, "--threshold", "0.6", "--review-high", "0.9", "--class-names", "pits, cracks ä")
    assert run.exit_code == 0, run.output
    scorer = Scorer(new(model))
    assert scorer.contract == replace(CONTRACT, threshold=0.6, review_high=0.9, class_names=("pits", "cracks ä"))
    assert scorer.score(strip_jpeg()).defect_prob == Scorer(model).score(strip_jpeg()).defect_prob
    rows = [line.split() for line in run.stdout.splitlines()]
    assert ["threshold", "0.5", "0.6"] in rows
    assert rows[-1][-1] == hashlib.sha256(new(model).read_bytes()).hexdigest()


@pytest.mark.parametrize("data", [probe_model(), BUNDLED_MODEL.read_bytes()], ids=["probe", "bundled"])
def test_only_the_metadata_differs_as_onnx_itself_reads_it(data: bytes) -> None:
    before, after = (
        onnx.load_from_string(each) for each in (data, with_metadata(data, {"threshold": "1", "new": "ß"}))
    )
    said = {item.key: item.value for item in after.metadata_props}
    assert said == {item.key: item.value for item in before.metadata_props} | {"threshold": "1", "new": "ß"}
    assert len(after.metadata_props) == len(said)
    for each in (before, after):
        del each.metadata_props[:]
    assert before.SerializeToString() == after.SerializeToString()


def test_a_value_that_is_there_already_changes_no_byte() -> None:
    data = probe_model()
    assert with_metadata(data, {"threshold": "0.5"}) == data


def test_every_beginning_of_a_file_is_refused_or_has_whole_fields() -> None:
    data = probe_model()
    whole = {0}
    for end in range(len(data)):
        try:
            with_metadata(data[:end], {"threshold": "0.5"})
        except ValueError:
            continue
        whole.add(end)
    assert 1 < len(whole) < 40  # At the ends of the message's few fields.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "give at least one of --threshold"),
        (("--threshold", "0.8"), "got 0.25, 0.8, 0.75; give the others as well"),
        (("--threshold", "1.2"), "not in the range"),
        (("--class-names", "one"), "takes 2 different names, one for each of left,right"),
        (("--class-names", "one,one"), "takes 2 different names"),
        (("--class-names", "one,"), "takes 2 different names"),
    ],
)
def test_what_would_be_no_decision_writes_nothing(model: Path, options: tuple[str, ...], message: str) -> None:
    run = decide(model, *options)
    assert run.exit_code
    assert message in run.output
    assert not new(model).exists()


def test_nothing_is_overwritten(model: Path) -> None:
    new(model).write_text("mine")
    run = decide(model, "--threshold", "0.6")
    assert (run.exit_code, new(model).read_text()) == (1, "mine")
    assert "is there already" in run.output


def test_what_is_no_model_is_refused(model: Path) -> None:
    model.write_bytes(model.read_bytes()[:-100])
    run = decide(model, "--threshold", "0.6")
    assert (run.exit_code, new(model).exists()) == (1, False)
    assert run.output.startswith("Error: the model file")


def test_a_registry_shows_what_a_version_decides_by(model: Path, tmp_path: Path) -> None:
    decide(model, "--threshold", "0.6")
    registry = {"MODEL_REGISTRY": (tmp_path / "registry").as_uri()}
    published = [CliRunner().invoke(main, ["publish", str(path)], env=registry) for path in (model, new(model))]
    shown = [
        json.loads(
            CliRunner().invoke(main, ["models", "show", "probe", run.output.strip(), "--json"], env=registry).output
        )
        for run in published
    ]
    assert [each["decision"]["threshold"] for each in shown] == [0.5, 0.6]
    assert shown[1]["decision"] == {
        "threshold": 0.6,
        "review_low": 0.25,
        "review_high": 0.75,
        "class_names": ["left", "right"],
    }
