"""Few pictures: cross-validated, with the frozen network in the same folds, then a final model of all of them."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from torchvision.models import mobilenet_v2  # type: ignore[import-untyped]  # torchvision ships no types

from steel_defect.cli import main
from steel_defect.scorer import Scorer
from steel_defect_trainer.drawing.strip import write_folder
from steel_defect_trainer.predictions import Predictions

if TYPE_CHECKING:
    from pathlib import Path

SMALL = (
    *("--set", "input.height=64", "--set", "input.width=416", "--set", "optimisation.batch=4"),
    *("--set", "optimisation.steps=3", "--device", "cpu"),
)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of weights as ImageNet's are, but random."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "weights.pth"
    torch.save(mobilenet_v2(weights=None).state_dict(), path)
    return path


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_few_pictures_are_judged_fold_by_fold_and_the_final_model_learns_from_all(
    tmp_path: Path, backbone: Path
) -> None:
    strips, folder, cache = tmp_path / "strips", tmp_path / "folds", ("--cache", tmp_path / "cache")
    write_folder(strips, count=24, seed=43, processes=2)
    weights = ("--backbone", backbone)
    tried = _run("cross-validate", "strip", strips, "-o", folder, "--folds", 2, *cache, *weights, *SMALL)
    assert tried.exit_code == 0, tried.output

    predictions, baseline = (Predictions.load(folder / f"validation{end}.npz") for end in ("", "-baseline"))
    rows = list(csv.DictReader(io.StringIO((folder / "split.csv").read_text(encoding="utf-8"))))
    assert predictions.names == baseline.names == tuple(row["file"] for row in rows)
    assert len(predictions) == 24
    folds = {(row["group"], row["part"]) for row in rows}
    assert {part for _, part in folds} == {"fold-1", "fold-2"}
    assert len({group for group, _ in folds}) == len(folds)
    # Each fold is answered by a network of its own; of random features so few steps make but one answer each.
    parts = np.array([row["part"] for row in rows])
    one, other = (set(predictions.defect_logits[parts == f"fold-{number}"].tolist()) for number in (1, 2))
    assert not one & other
    assert (folder / "part-2" / "best.pt").exists()

    evaluation = json.loads((folder / "evaluation.json").read_text())
    assert (evaluation["folds"], evaluation["pictures"], evaluation["chosen_on"]) == (2, 24, "2 folds of folds")
    assert {"roc_auc", "difference"} < set(evaluation["baseline"])
    assert "of 2 folds" in tried.stdout
    assert "frozen ImageNet network, same pictures: ROC-AUC" in " ".join(tried.stdout.split())
    # Before the training, and with its figures.
    assert "threshold and review band will rest on" in tried.stderr
    assert "threshold and review band rest on" in tried.stderr
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "Beside a network that never saw steel" in report

    seeded = _run("train", "strip", strips, "--final", folder, "-o", tmp_path / "other", *cache, *weights, *SMALL,
                 "--set", "seed=3")  # fmt: skip
    assert seeded.exit_code == 1
    assert "tried another recipe" in seeded.output
    final = tmp_path / "final"
    trained = _run("train", "strip", strips, "--final", folder, "-o", final, *cache, *weights, *SMALL)
    assert trained.exit_code == 0, trained.output
    assert json.loads((final / "data.json").read_text())["pictures"] == {"train": 24}
    taken = json.loads((final / "evaluation.json").read_text())
    assert (taken["run"], taken["decision"]) == ("final", evaluation["decision"])
    judged = _run("evaluate", final)
    assert judged.exit_code == 1
    assert "none is left to judge it by" in judged.output

    exported = _run("export", final, "--no-int8", *cache)
    assert exported.exit_code == 0, exported.output
    contract = Scorer(final / "model.onnx").contract
    assert contract.threshold == pytest.approx(evaluation["decision"]["threshold"])
    assert "each judged on" in (final / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_what_is_no_cross_validation_makes_no_final_model(tmp_path: Path, backbone: Path) -> None:
    write_folder(tmp_path / "strips", count=12, seed=44, processes=1)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.json").write_text("{}")
    common = (tmp_path / "strips", "--cache", tmp_path / "cache", "--backbone", backbone, *SMALL)
    refused = _run("train", "strip", *common, "--final", tmp_path / "run")
    assert refused.exit_code == 1
    assert "is no cross-validation" in refused.output
    few = _run("cross-validate", "strip", *common, "--folds", 9, "-o", tmp_path / "many")
    assert few.exit_code == 1
    assert "use fewer folds" in few.output
