"""Clean pictures alone: learned from, judged, exported, and served; known defects choose the threshold better."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
import torch
from click.testing import CliRunner, Result
from torchvision.models import mobilenet_v2  # type: ignore[import-untyped]  # torchvision ships no types

from steel_defect.cli import main
from steel_defect.scorer import Scorer
from tests.trainer.data.folders import noise_picture, write_picture
from tests.trainer.small import woken

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

SMALL = ("--set", "input.height=64", "--set", "input.width=96", "--device", "cpu")


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of weights as ImageNet's are, but random."""
    torch.manual_seed(0)
    network = mobilenet_v2(weights=None)
    woken(network.features, channels=3)
    path = tmp_path_factory.mktemp("weights") / "weights.pth"
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `clean/` of 80 pictures, and nothing else."""
    folder = tmp_path_factory.mktemp("alone")
    for number in range(80):
        write_picture(folder / "clean" / f"{number}.png", noise_picture(number, 64, 96))
    return folder


def _damaged(seed: int) -> np.ndarray:
    pixels = noise_picture(seed, 64, 96).copy()
    pixels[20:44:2, 30:62] = 255
    pixels[21:44:2, 30:62] = 0
    return pixels


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def _done(*arguments: object) -> Result:
    result = _run(*arguments)
    assert result.exit_code == 0, result.output
    return result


def test_from_clean_pictures_to_a_file_that_serves(tmp_path: Path, clean: Path, backbone: Path) -> None:
    run, cache = tmp_path / "run", ("--cache", tmp_path / "cache")
    _done("eda", clean, "-o", tmp_path / "eda", *cache)
    _done("split", clean, "-o", tmp_path / "split.csv", *cache)
    split = ("--split", tmp_path / "split.csv")
    _done("train", "clean", clean, *split, "-o", run, "--backbone", backbone, *cache, *SMALL)
    judged = _done("evaluate", run)
    assert "has a defect: nothing is known of how many are found or passed" in judged.stderr
    assert "ROC-AUC no value" in " ".join(judged.stdout.split())
    evaluation = json.loads((run / "evaluation.json").read_text())
    assert evaluation["rule"] == "at most 5.00% of new clean pictures expected from it on"
    assert evaluation["defects"] == 0
    assert evaluation["metrics"]["roc_auc"]["value"] is evaluation["metrics"]["f1"]["value"] is None
    assert {path.stem for path in (run / "figures").iterdir()} == {"confusion", "scores"}
    assert "No defect was known when this was chosen" in (run / "report.html").read_text(encoding="utf-8")
    stricter = _done("evaluate", run, "--false-alarms", 0.3)
    assert "at most 30.00% of new clean" in " ".join(stricter.stdout.split())
    called = json.loads((run / "evaluation.json").read_text())["confusion_matrix"]["false_positives"]
    assert called == 3  # the highest three of 12: 0.3 of 13 are 3.9

    _done("export", run, *cache)
    card = (run / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "What clean training pictures did not show is called a defect" in card
    for file in ("model.onnx", "model-int8.onnx"):
        scorer = Scorer(run / file)
        contract = scorer.contract
        assert (contract.class_names, contract.threshold, contract.review_low) == (("defect",), 0.5, 0.5)
        assert scorer.size_bytes < 3_000_000
        assert "NaN" not in json.dumps(contract.metrics)
        write_picture(tmp_path / "damaged.png", _damaged(1000))
        answer = scorer.score((tmp_path / "damaged.png").read_bytes())
        assert answer.decision.value == "reject"
        assert answer.defect_map is not None
        assert answer.defect_map.shape == (1, 2, 3)
        assert answer.defect_map[0, :, 1].min() > 0.5
        passed = 0
        for seed in range(2000, 2020):
            write_picture(tmp_path / "clean.png", noise_picture(seed, 64, 96))
            passed += scorer.score((tmp_path / "clean.png").read_bytes()).decision.value == "pass"
        assert passed >= 10


def test_known_defects_are_not_learned_from_and_choose_the_threshold(
    tmp_path: Path, clean: Path, backbone: Path
) -> None:
    folder, run, cache = tmp_path / "few", tmp_path / "run", ("--cache", tmp_path / "cache")
    shutil.copytree(clean, folder)
    for number in range(4):
        write_picture(folder / "defect" / "scratch" / f"{number}.png", _damaged(3000 + number))
    _done("train", "clean", folder, "-o", run, "--backbone", backbone, *cache, *SMALL)
    assert json.loads((run / "data.json").read_text())["defects"]["train"] == 0
    _done("evaluate", run)
    evaluation = json.loads((run / "evaluation.json").read_text())
    assert evaluation["rule"] == "best F1"
    assert evaluation["defects"] >= 3
    assert evaluation["metrics"]["roc_auc"]["value"] == 1.0
    assert evaluation["confusion_matrix"]["false_negatives"] == 0
    _done("export", run, "--no-int8", *cache)
    assert Scorer(run / "model.onnx").contract.threshold == pytest.approx(evaluation["decision"]["threshold"])


def test_a_recipe_that_learns_from_both_kinds_says_what_to_do_with_clean_pictures_alone(
    tmp_path: Path, clean: Path
) -> None:
    refused = _run("train", "strip", clean, "-o", tmp_path / "run", "--cache", tmp_path / "cache", "--from-scratch",
                   *SMALL)  # fmt: skip
    assert refused.exit_code == 1
    assert "has no defect pictures; each part needs both kinds" in refused.output
    assert "steel-defect train clean" in refused.output


def test_a_recall_of_no_defect_is_refused(tmp_path: Path, clean: Path) -> None:
    run, cache = tmp_path / "run", ("--cache", tmp_path / "cache")
    _done("train", "clean", clean, "-o", run, "--from-scratch", *cache, *SMALL)
    refused = _run("evaluate", run, "--recall-floor", 0.9)
    assert refused.exit_code == 1
    assert "no threshold can be chosen by recall" in refused.output
    both = _run("evaluate", run, "--false-alarms", 0.1, "--threshold", 0.5)
    assert both.exit_code == 2
    compared = _run("compare", run, run)
    assert compared.exit_code == 1
    assert "figures need pictures of both kinds" in compared.output
