"""`steel-defect train` as a user runs it: a real kill in the middle, two processes under torchrun, and bad input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import torch
from click.testing import CliRunner, Result

from steel_defect.cli import main
from steel_defect_trainer.drawing.strip import write_folder
from steel_defect_trainer.training.checkpoint import read_checkpoint
from tests.trainer.data.folders import noise_picture, write_picture

if TYPE_CHECKING:
    from pathlib import Path

TINY = (
    *("--from-scratch", "--device", "cpu"),
    *("--set", "input.height=64", "--set", "input.width=416", "--set", "precision=float32"),
    *("--set", "optimisation.batch=4", "--set", "optimisation.epochs=2"),
)
# What makes one process and two compute the same: no chance in the network, no statistics over a part of a batch.
ALIKE = ("--set", "network.batch_norm=frozen", "--set", "network.dropout=0.0")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty drawn strips."""
    path = tmp_path_factory.mktemp("drawn")
    write_folder(path, count=40, seed=31, processes=2)
    return path


def _command(folder: Path, run: Path, *extra: str) -> list[str]:
    return ["train", "strip", str(folder), "-o", str(run), "--cache", str(folder / "cache"), *TINY, *extra]


def _weights(run: Path) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = read_checkpoint(run / "best.pt")["network"]
    return weights


def _lines(run: Path, kind: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if line["kind"] == kind]


def test_a_run_that_is_killed_goes_on_with_the_same_command_to_the_same_network(folder: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    python = [sys.executable, "-m", "steel_defect"]
    subprocess.run([*python, *_command(folder, whole)], check=True, env=ENVIRONMENT, capture_output=True, timeout=300)  # noqa: S603 - ours
    with subprocess.Popen([*python, *_command(folder, killed)], env=ENVIRONMENT, stderr=subprocess.DEVNULL) as process:  # noqa: S603 - ours
        deadline = time.monotonic() + 300
        while not (killed / "last.pt").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    subprocess.run([*python, *_command(folder, killed)], check=True, env=ENVIRONMENT, capture_output=True, timeout=300)  # noqa: S603 - ours
    one, other = _weights(whole), _weights(killed)
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert [line["epoch"] for line in _lines(killed, "epoch")] == [1, 2]
    assert (killed / "validation.npz").exists()
    assert json.loads((killed / "data.json").read_text())["pictures"]["train"] == 28
    assert list((killed / "tensorboard").iterdir())


def test_two_processes_train_as_one_does_on_the_same_batches(folder: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, _command(folder, tmp_path / "one", *ALIKE), catch_exceptions=False)
    assert result.exit_code == 0
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run(  # noqa: S603 - ours
        [*torchrun, "-m", "steel_defect", *_command(folder, tmp_path / "two", *ALIKE)],
        check=True,
        env=ENVIRONMENT,
        capture_output=True,
        timeout=300,
    )
    alone, together = _lines(tmp_path / "one", "epoch"), _lines(tmp_path / "two", "epoch")
    assert [line["validation"]["loss"] for line in together] == pytest.approx(
        [line["validation"]["loss"] for line in alone], rel=1e-4
    )
    one, two = _weights(tmp_path / "one"), _weights(tmp_path / "two")
    assert max(float((one[key].float() - two[key].float()).abs().max()) for key in one) < 1e-3
    assert any(not torch.equal(one[key], two[key]) for key in one)  # they did share the batches


def _fails(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["train", *arguments])
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    return result


def test_what_cannot_be_trained_is_said_in_a_line(folder: Path, tmp_path: Path) -> None:
    output = ("-o", str(tmp_path / "run"), "--cache", str(tmp_path / "cache"))
    assert "choose one of clean, e1-1" in _fails("resnet", str(folder), *output).output
    assert "optimisation.speed" in _fails("strip", str(folder), *output, "--set", "optimisation.speed=1").output
    (tmp_path / "empty").mkdir()
    assert str(tmp_path / "empty") in _fails("strip", str(tmp_path / "empty"), *output).output
    (tmp_path / "weights.pth").write_bytes(b"no weights")
    refused = _fails("strip", str(folder), *output, "--backbone", str(tmp_path / "weights.pth")).output
    assert "weights.pth" in refused


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_said_to_be_missing(folder: Path) -> None:
    result = CliRunner().invoke(main, ["train", "strip", str(folder), "--device", "cuda"])
    assert result.exit_code == 2
    assert "no GPU" in result.output


def test_a_run_of_something_else_is_not_overwritten(folder: Path, tmp_path: Path) -> None:
    command = _command(folder, tmp_path / "run", "--set", "optimisation.epochs=1")
    assert CliRunner().invoke(main, command, catch_exceptions=False).exit_code == 0
    before = (tmp_path / "run" / "best.pt").read_bytes()
    assert "another recipe" in _fails(*_command(folder, tmp_path / "run", "--set", "seed=4")[1:]).output
    assert (tmp_path / "run" / "best.pt").read_bytes() == before
    started = _command(folder, tmp_path / "next", "--start-from", str(tmp_path / "run"))
    assert CliRunner().invoke(main, started, catch_exceptions=False).exit_code == 0


def test_weights_of_an_earlier_run_are_kept_where_it_is_named(folder: Path, tmp_path: Path) -> None:
    few = ("--set", "optimisation.keep=0.5", "--set", "optimisation.refit=true")
    assert "--start-from" in _fails(*_command(folder, tmp_path / "few", *few)[1:]).output
    assert not (tmp_path / "few" / "best.pt").exists()
    assert CliRunner().invoke(main, _command(folder, tmp_path / "many"), catch_exceptions=False).exit_code == 0
    started = _command(folder, tmp_path / "few", "--start-from", str(tmp_path / "many"), *few)
    assert CliRunner().invoke(main, started, catch_exceptions=False).exit_code == 0
    assert read_checkpoint(tmp_path / "few" / "best.pt")["settled"]


def test_a_final_model_learns_from_validation_too_and_answers_the_test_part(folder: Path, tmp_path: Path) -> None:
    command = _command(folder, tmp_path / "run", "--set", "data.final=true", "--set", "optimisation.epochs=1")
    assert CliRunner().invoke(main, command, catch_exceptions=False).exit_code == 0
    assert (tmp_path / "run" / "test.npz").exists()
    assert not (tmp_path / "run" / "validation.npz").exists()
    assert len(_lines(tmp_path / "run", "epoch")) == 1


def test_the_input_has_the_shape_of_the_pictures_unless_one_is_stated(tmp_path: Path) -> None:
    """Tall ones, of which the recipe's own input would show 6 %."""
    for number in range(16):
        label = "clean" if number % 2 else "defect"
        write_picture(tmp_path / "tall" / label / f"{number}.jpg", noise_picture(number, 252, 100))
    few = ("--from-scratch", "--device", "cpu", "--set", "optimisation.steps=1", "--set", "optimisation.batch=2")
    common = ["train", "strip", str(tmp_path / "tall"), "--cache", str(tmp_path / "cache"), *few]
    shaped = CliRunner().invoke(main, [*common, "-o", str(tmp_path / "shaped")])
    assert shaped.exit_code == 0, shaped.output
    assert "The input of 192 x 512 is filled to 9" in shaped.output
    assert "warning: 16 of 16" not in shaped.output
    recipe = json.loads((tmp_path / "shaped" / "recipe.json").read_text())
    assert (recipe["input"]["height"], recipe["input"]["width"]) == (512, 192)
    stated = ("--set", "input.height=64", "--set", "input.width=416", "-o", str(tmp_path / "stated"))
    result = CliRunner().invoke(main, [*common, *stated])
    assert result.exit_code == 0, result.output
    assert "warning: 16 of 16 pictures fill less than half of the input of 416 x 64" in result.output
    recipe = json.loads((tmp_path / "stated" / "recipe.json").read_text())
    assert (recipe["input"]["height"], recipe["input"]["width"]) == (64, 416)
