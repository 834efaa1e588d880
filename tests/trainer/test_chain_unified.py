"""The unified network the whole way on a small drawn set, by the commands of the README."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner

from steel_defect.cli import main
from steel_defect.image import decode
from steel_defect.scorer import Scorer
from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.data.load import load
from steel_defect_trainer.drawing.strip import write_folder
from steel_defect_trainer.exporting.metadata import read_contract
from steel_defect_trainer.exporting.parity import TOLERANCE, largest_difference, run_onnx, run_torch
from steel_defect_trainer.networks.deployed import deploy
from steel_defect_trainer.recipe import read_recipe
from steel_defect_trainer.runs.folder import RunFolder
from steel_defect_trainer.training.checkpoint import load_network, read_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

SMALL = (
    *("--set", "input.height=64", "--set", "input.width=416", "--set", "precision=float32"),
    *("--set", "optimisation.batch=4", "--set", "optimisation.steps=8", "--set", "optimisation.heads_first=4"),
    *("--from-scratch", "--device", "cpu"),
)

pytestmark = pytest.mark.xdist_group("unified")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty drawn strips, and the run of them."""
    path = tmp_path_factory.mktemp("unified")
    write_folder(path / "strips", count=40, seed=31, processes=2)
    return path


def _command(folder: Path, run: Path) -> list[str]:
    return ["train", "unified", str(folder / "strips"), "-o", str(run), "--cache", str(folder / "cache"), *SMALL]


def _run(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def run(folder: Path) -> RunFolder:
    """A trained, evaluated and exported run."""
    path = folder / "run"
    _run(*_command(folder, path))
    printed = _run("evaluate", path)
    assert "mask Dice, any damage" in printed
    assert "Kaggle's mean Dice" in printed
    _run("export", path, "--name", "small", "--cache", folder / "cache")
    return RunFolder(path)


def test_the_evaluation_has_figures_of_the_masks(run: RunFolder) -> None:
    masks = json.loads(run.evaluation.read_text())["masks"]
    assert masks["pictures"] > 0
    assert set(masks["classes"]) == {"class 1", "class 2", "class 3", "class 4"}
    for name in ("dice", "iou", "kaggle_dice"):
        assert 0 <= masks[name]["low"] <= masks[name]["value"] <= masks[name]["high"] <= 1
    assert "pyramid to a mask of each class" in (run.path / "MODEL_CARD.md").read_text()
    assert "Against the true masks" in (run.path / "report.html").read_text()


def test_both_files_give_masks_and_the_float_one_what_the_network_does(folder: Path, run: RunFolder) -> None:
    recipe = read_recipe("unified", tuple(word for word in SMALL if "=" in word))
    pixels = np.asarray(load(open_data(folder / "strips"), recipe.input, folder / "cache").pixels[:6])
    decision = json.loads(run.evaluation.read_text())["decision"]
    expected = run_torch(deploy(load_network(run.path), decision["scale"], decision["offset"]), pixels)
    found = run_onnx(run.path / "model.onnx", pixels)
    assert set(found) == {"defect_prob", "class_prob", "defect_map", "mask_prob"}
    assert found["mask_prob"].shape == (6, 4, 16, 104)
    assert found["mask_prob"].dtype == np.float32
    assert found["mask_prob"].std() > 0
    assert largest_difference(found, expected) < TOLERANCE
    rounded = run_onnx(run.path / "model-int8.onnx", pixels)
    for name in ("defect_prob", "class_prob"):
        assert np.abs(found[name] - rounded[name]).max() < 0.25
    # Which class a field belongs to may differ where two are as likely as each other.
    assert np.abs(found["mask_prob"].max(axis=1) - rounded["mask_prob"].max(axis=1)).max() < 0.25


def test_both_files_say_how_their_masks_are_read(run: RunFolder) -> None:
    rule = json.loads(run.evaluation.read_text())["masks"]["rule"]
    for name in ("model.onnx", "model-int8.onnx"):
        terms = read_contract(run.path / name).masks
        assert terms is not None
        assert terms.threshold == (rule["threshold"],) * 4
        # A drawn strip of 1600 x 256 is scaled to a quarter of its width.
        assert terms.least_area == (16 * rule["least_area"],) * 4


def test_the_scorer_serves_the_file_with_its_map_and_its_masks(folder: Path, run: RunFolder) -> None:
    picture = next((folder / "strips" / "train_images").iterdir())
    for name in ("model.onnx", "model-int8.onnx"):
        scorer = Scorer(run.path / name)
        prediction = scorer.score(picture.read_bytes())
        pixels = decode(picture.read_bytes(), scorer.contract.input).pixels[None]
        outputs = run_onnx(run.path / name, pixels)
        assert prediction.defect_prob == pytest.approx(float(outputs["defect_prob"][0]), abs=1e-6)
        assert list(prediction.class_prob.values()) == pytest.approx(outputs["class_prob"][0].tolist(), abs=1e-6)
        assert prediction.defect_map == pytest.approx(outputs["defect_map"][0], abs=1e-6)
        assert prediction.mask is not None
        # 400 columns of the input show the strip, and the rest is padding.
        assert prediction.mask.prob == pytest.approx(outputs["mask_prob"][0, :, :, :100], abs=1e-6)


def test_two_processes_train_it_through_both_of_its_phases(folder: Path, run: RunFolder, tmp_path: Path) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [*torchrun, "-m", "steel_defect", *_command(folder, tmp_path / "two")]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=300, check=False)  # noqa: S603 - ours
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    one, two = (read_checkpoint(RunFolder(path).best)["network"] for path in (run.path, tmp_path / "two"))
    assert one.keys() == two.keys()
    assert RunFolder(tmp_path / "two").mask_counts("validation").exists()
