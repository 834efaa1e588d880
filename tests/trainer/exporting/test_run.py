"""A run's folder to model files and a card by the command, and clear refusals where something is missing."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING

import onnx
import pytest
from click.testing import CliRunner

from steel_defect.contract import from_metadata
from steel_defect.scorer import Scorer
from steel_defect_trainer.cli.export import command
from steel_defect_trainer.evaluation.evaluation_file import read_evaluation, stored_calibration
from steel_defect_trainer.runs.run import read_run

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect.contract import ModelContract
    from tests.trainer.conftest import ExportedRun

pytestmark = pytest.mark.xdist_group("exported")


def _contract(path: Path) -> ModelContract:
    return from_metadata({item.key: item.value for item in onnx.load(path).metadata_props})


def test_a_run_becomes_two_model_files_and_a_card(exported: ExportedRun) -> None:
    run, result = exported.folder, exported.result
    assert result.exit_code == 0, result.output
    files = [run / name for name in ("model.onnx", "model-int8.onnx", "MODEL_CARD.md")]
    assert result.stdout.splitlines()[-3:] == [str(path) for path in files]
    assert "of the decisions equal" in result.stdout
    assert files[1].stat().st_size < 0.33 * files[0].stat().st_size


def test_the_files_hold_the_decision_and_the_figures_of_the_evaluation(exported: ExportedRun) -> None:
    run = exported.folder
    evaluation = read_evaluation(read_run(run))
    calibration = stored_calibration(read_run(run), evaluation)
    contract, int8 = _contract(run / "model.onnx"), _contract(run / "model-int8.onnx")
    assert (contract.name, contract.version) == ("strip", "2.1")
    assert contract.threshold == pytest.approx(calibration.threshold)
    assert (contract.review_low, contract.review_high) == (calibration.review_low, calibration.review_high)
    assert contract.metrics["roc_auc"] == evaluation["metrics"]["roc_auc"]
    assert (contract.input.height, contract.input.width) == (64, 160)
    noted = dict(int8.metrics)
    assert set(noted.pop("int8_against_float")) == {
        "pictures",
        "roc_auc_difference",
        "largest_difference",
        "equal_decisions",
        "holds",
    }
    assert noted == contract.metrics


def test_both_files_hold_the_reference_of_the_judged_pictures(exported: ExportedRun) -> None:
    run = exported.folder
    names = read_run(run).predictions("validation").names
    reference = _contract(run / "model.onnx").reference
    assert reference is not None
    assert reference.pictures == len(names)
    assert set(reference.statistics) == {"mean", "contrast", "dark_share", "defect_prob"}
    assert _contract(run / "model-int8.onnx").reference == reference
    scorer = Scorer(run / "model.onnx")
    means = [scorer.score((run.parent / "drawn" / name).read_bytes()).statistics.mean for name in names]
    assert set(reference.statistics["mean"].edges) <= set(means)


def test_the_file_says_of_a_picture_what_the_run_said(exported: ExportedRun) -> None:
    run = exported.folder
    opened = read_run(run)
    predictions = opened.predictions("validation")
    calibration = stored_calibration(opened, read_evaluation(opened))
    scorer = Scorer(run / "model.onnx")
    said = [scorer.score((run.parent / "drawn" / name).read_bytes()).defect_prob for name in predictions.names]
    assert said == pytest.approx(calibration.probabilities(predictions.defect_logits), abs=1e-4)


def test_the_card_names_files_data_figures_recipe_and_code(exported: ExportedRun) -> None:
    run = exported.folder
    card = (run / "MODEL_CARD.md").read_text()
    data = json.loads((run / "data.json").read_text())
    for path in (run / "model.onnx", run / "model-int8.onnx"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() in card
    assert card.startswith("# strip 2.1\n")
    assert [line for line in card.splitlines() if line.startswith("## ")] == [
        "## Intended use",
        "## Data",
        "## How good",
        "## int8 against float",
        "## Limits",
        "## How it was made",
    ]
    defects, clean = data["defects"]["train"], data["pictures"]["train"] - data["defects"]["train"]
    assert f"| train | learned from | {defects} | {clean} |" in card
    auc = json.loads((run / "evaluation.json").read_text())["metrics"]["roc_auc"]["value"]
    assert f"| roc auc | {auc:.4f} |" in card
    assert data["digest"] in card
    assert '"width": 160' in card
    assert str(run.parent) not in card


def test_without_int8_there_is_none_and_an_older_one_goes(exported: ExportedRun, tmp_path: Path) -> None:
    (tmp_path / "model-int8.onnx").write_bytes(b"of another export")
    cache = str(exported.folder.parent / "cache")
    options = ("--no-int8", "--output", str(tmp_path), "--version", "2.1", "--cache", cache)
    result = CliRunner().invoke(command, [str(exported.folder), *options])
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["MODEL_CARD.md", "model.onnx"]
    assert "int8 against float" not in (tmp_path / "MODEL_CARD.md").read_text()
    # The same weights and calibration give the same bytes.
    assert (tmp_path / "model.onnx").read_bytes() == exported.float_file.read_bytes()


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("recipe.json", "is no run: it has no recipe.json"),
        ("evaluation.json", "has no evaluation.json: run `steel-defect evaluate"),
        ("best.pt", "is no finished run"),
        ("split.csv", "split.csv"),
    ],
)
def test_what_is_missing_is_named(exported: ExportedRun, tmp_path: Path, missing: str, said: str) -> None:
    run = tmp_path / "run"
    shutil.copytree(exported.folder, run, ignore=shutil.ignore_patterns("*.onnx", "*.md", missing))
    result = CliRunner().invoke(command, [str(run), "--cache", str(exported.folder.parent / "cache")])
    assert result.exit_code == 1
    assert said in result.output
    assert not list(run.glob("*.onnx"))


@pytest.mark.parametrize("change", ["moved", "changed"])
def test_other_pictures_than_those_of_the_run_are_refused(exported: ExportedRun, tmp_path: Path, change: str) -> None:
    run = tmp_path / "run"
    shutil.copytree(exported.folder, run, ignore=shutil.ignore_patterns("*.onnx", "*.md"))
    data = json.loads((run / "data.json").read_text())
    data |= {"folder": str(tmp_path / "nowhere")} if change == "moved" else {"digest": "0" * 64}
    (run / "data.json").write_text(json.dumps(data))
    result = CliRunner().invoke(command, [str(run), "--cache", str(exported.folder.parent / "cache")])
    assert result.exit_code == 1
    assert ("put them back" if change == "moved" else "they changed since") in result.output
    assert not list(run.glob("*.onnx"))
