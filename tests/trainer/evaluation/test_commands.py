"""`steel-defect evaluate` and `steel-defect compare`, as their user runs them."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner, Result

from steel_defect.cli import main
from steel_defect_trainer.predictions import Predictions
from tests.trainer.evaluation.runs import made_up_predictions, write_run

if TYPE_CHECKING:
    from pathlib import Path

VALIDATION = made_up_predictions(seed=1)


def steel_defect(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_evaluate_prints_figures_and_writes_its_files(tmp_path: Path) -> None:
    run = write_run(tmp_path / "strip", VALIDATION)
    result = steel_defect("evaluate", run, "--recall-floor", "0.95")
    assert result.exit_code == 0, result.output
    content = json.loads((run / "evaluation.json").read_text())
    assert f"{content['metrics']['roc_auc']['value']:.4f}" in result.output
    assert f"threshold {content['decision']['threshold']:.4g} (best precision with a recall of at least 0.95)" in (
        " ".join(result.output.split())
    )
    assert result.output.endswith(f"{run / 'evaluation.json'}\n{run / 'report.html'}\n")
    assert (run / "report.html").stat().st_size > 100_000


def test_evaluate_judges_a_final_model_by_the_decision_of_another_run(tmp_path: Path) -> None:
    tried = write_run(tmp_path / "tried", VALIDATION)
    final = write_run(tmp_path / "final", None, made_up_predictions(seed=2, part="t"), final=True)
    refused = steel_defect("evaluate", final)
    assert refused.exit_code == 1
    assert "--decision-from RUN" in refused.output
    assert not (final / "evaluation.json").exists()
    assert steel_defect("evaluate", final, "--decision-from", tried).exit_code == 0
    assert json.loads((final / "evaluation.json").read_text())["part"] == "test"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--part", "test"], 1, "only a final model"),
        (["--recall-floor", "1"], 1, "only by calling every picture a defect"),
        (["--recall-floor", "0"], 2, "0.0 is not in the range"),
        (["--threshold", "1.5"], 2, "1.5 is not in the range"),
        (["--threshold", "0.5", "--recall-floor", "0.9"], 2, "exclude each other"),
        (["--decision-from", "nowhere"], 1, "there is no run 'nowhere'"),
    ],
)
def test_evaluate_says_what_cannot_be_done(tmp_path: Path, arguments: list[str], status: int, message: str) -> None:
    far = Predictions(("a", "b", "c"), np.array([[1, 0], [0, 0], [1, 0]], np.float32), np.array([-9, 9, 9], np.float32))
    result = steel_defect("evaluate", write_run(tmp_path / "run", far), *arguments)
    assert result.exit_code == status
    assert message in result.output


def counted(true_negatives: int, false_positives: int, false_negatives: int, true_positives: int) -> Predictions:
    """Predictions with this confusion matrix at the threshold 0.5."""
    truth = [False] * (true_negatives + false_positives) + [True] * (false_negatives + true_positives)
    called = [False] * true_negatives + [True] * false_positives + [False] * false_negatives + [True] * true_positives
    return Predictions(
        tuple(f"{number}.jpg" for number in range(len(truth))),
        np.array(truth, np.float32)[:, None].repeat(2, axis=1),
        np.where(called, 1.0, -1.0).astype(np.float32),
    )


def test_compare_prints_the_table_of_experiments_to_the_digit(tmp_path: Path) -> None:
    # Confusion matrices and figures as published for the MobileNetV2 experiments this project began with.
    published = {
        "e1-1": ((594, 87, 102, 717), "0.874000,0.891791,0.875458,0.883549"),
        "e1-6": ((614, 67, 71, 748), "0.908000,0.917791,0.913309,0.915545"),
        "e1-9": ((632, 49, 71, 748), "0.920000,0.938519,0.913309,0.925743"),
        "e1-15": ((631, 50, 68, 751), "0.921333,0.937578,0.916972,0.927160"),
    }
    folders = [write_run(tmp_path / name, counted(*counts)) for name, (counts, _) in published.items()]
    table = list(csv.reader(io.StringIO(steel_defect("compare", *folders, "--csv").output)))
    assert ",".join(table[0]) == ("experiment,val_loss,val_acc,val_precision,val_recall,val_f1,val_rocauc,TN,FP,FN,TP")
    for row, (name, (counts, figures)) in zip(table[1:], published.items(), strict=True):
        assert row[0] == name
        assert ",".join(row[2:6]) == figures
        assert row[7:] == [str(count) for count in counts]


def test_compare_in_every_form_says_the_same(tmp_path: Path) -> None:
    good, bad = made_up_predictions(distance=4), made_up_predictions(distance=1)
    first, second = write_run(tmp_path / "bad", bad), write_run(tmp_path / "good", good)
    found = json.loads(steel_defect("compare", first, second, "--json").stdout)
    assert [run["name"] for run in found["runs"]] == ["bad", "good"]
    [difference] = found["differences"]
    assert difference["rocauc"]["low"] > 0
    assert difference["rocauc"]["value"] == pytest.approx(found["runs"][1]["rocauc"] - found["runs"][0]["rocauc"])
    markdown = steel_defect("compare", first, second, "--markdown").output
    text = steel_defect("compare", first, second).output
    for output in (markdown, text):
        assert f"{found['runs'][1]['rocauc']:.6f}" in output
        assert f"good against bad: ROC-AUC {difference['rocauc']['value']:+.4f} (95 % interval" in output
    assert markdown.startswith("| Experiment | val_loss |")
    assert len({line.count("|") for line in markdown.splitlines()[:4]}) == 1


def test_compare_finds_the_same_pictures_in_any_order_and_tells_others_apart(tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(len(VALIDATION))
    shuffled = Predictions(
        tuple(VALIDATION.names[place] for place in order),
        VALIDATION.classes[order],
        VALIDATION.defect_logits[order],
    )
    relabelled = Predictions(VALIDATION.names, 1 - VALIDATION.classes, VALIDATION.defect_logits)
    folders = [
        write_run(tmp_path / name, predictions)
        for name, predictions in {
            "first": VALIDATION,
            "shuffled": shuffled,
            "others": made_up_predictions(part="o"),
            "relabelled": relabelled,
        }.items()
    ]
    found = json.loads(steel_defect("compare", *folders, "--json").stdout)
    same, others, other_labels = found["differences"]
    assert same["rocauc"] == {"value": 0, "low": 0, "high": 0}
    assert others == {
        "name": "others", "against": "first", "rocauc": None,
        "why_not": "other pictures: 600 were judged in one of the two runs only",
    }  # fmt: skip
    assert other_labels["why_not"] == "other labels for the same pictures"
    assert "others against first: not compared, other pictures" in steel_defect("compare", *folders).output


def test_compare_names_runs_of_one_name_by_their_folders(tmp_path: Path) -> None:
    one, other = write_run(tmp_path / "a" / "strip", VALIDATION), write_run(tmp_path / "b" / "strip", VALIDATION)
    found = json.loads(steel_defect("compare", one, other, "--json").stdout)
    assert [run["name"] for run in found["runs"]] == [str(one), str(other)]


def test_compare_leaves_empty_what_has_no_value(tmp_path: Path) -> None:
    mute = write_run(tmp_path / "mute", counted(3, 0, 2, 0))
    assert steel_defect("compare", mute, "--csv").stdout.splitlines()[1].split(",")[3] == ""
    compared = steel_defect("compare", mute, "--json")
    assert json.loads(compared.stdout)["runs"][0]["precision"] is None
    assert "the figures of mute rest on 2 defects only" in compared.stderr
    assert steel_defect("compare", mute, tmp_path / "none").exit_code == 1


@pytest.mark.parametrize("command", ["evaluate", "compare"])
def test_help_loads_nothing_heavy(command: str) -> None:
    code = (
        f"import sys; from steel_defect.cli import main; main(['{command}', '--help'], standalone_mode=False); "
        "heavy = {'torch', 'numpy', 'scipy', 'sklearn', 'matplotlib', 'jinja2', 'rich'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)  # noqa: S603 - ours
