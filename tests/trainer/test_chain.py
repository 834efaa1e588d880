"""The whole way on a small drawn set, by the commands of the README: data to a published model that scores."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from click.testing import CliRunner

from steel_defect.cli import main
from steel_defect_trainer.drawing.strip import write_folder

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SMALL = (
    *("--set", "input.height=64", "--set", "input.width=416", "--set", "optimisation.batch=8"),
    *("--set", "optimisation.epochs=2", "--from-scratch", "--device", "cpu"),
)


def _run(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def _score(folder: Path, model: str) -> str:
    command = [sys.executable, "-m", "steel_defect", "score", str(folder), "--json"]
    environment = {**os.environ, "MODEL_URI": model}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout  # noqa: S603 - ours


def test_from_drawn_strips_to_scores_of_the_published_model(
    tmp_path: Path, samples: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "strips", count=60, seed=41, processes=2)
    registry = f"file://{tmp_path}/registry"

    _run("eda", "strips", "-o", "eda")
    assert "<img" in (tmp_path / "eda" / "report.html").read_text(encoding="utf-8")
    _run("split", "strips", "-o", "split.csv")
    _run("train", "strip", "strips", "--split", "split.csv", "-o", "runs/small", *SMALL)
    assert (tmp_path / "runs/small/split.csv").read_bytes() == (tmp_path / "split.csv").read_bytes()
    _run("evaluate", "runs/small")
    assert json.loads((tmp_path / "runs/small/evaluation.json").read_text(encoding="utf-8"))
    assert "small" in _run("compare", "runs/small")
    _run("export", "runs/small", "--name", "small")
    # The folder stands for the int8 file if that keeps its bounds, and else for the float one.
    for published in ("runs/small/model.onnx", "runs/small"):
        sha256 = _run("publish", published, "--registry", registry).strip()
        _run("models", "--registry", registry, "promote", "small", sha256)
        # A process of its own, as the settings are read once in each.
        answers = [json.loads(line) for line in _score(samples[0].parent, f"{registry}/models/small").splitlines()]
        assert len(answers) == 6
        assert {answer["model"]["sha256"] for answer in answers} == {sha256}
        assert all(0 <= answer["defect_prob"] <= 1 for answer in answers)
