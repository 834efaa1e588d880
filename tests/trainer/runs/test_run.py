"""What is wrong with a run's folder is said: what, where, and what to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from steel_defect_trainer.errors import RunError
from steel_defect_trainer.predictions import Predictions
from steel_defect_trainer.runs.run import read_run
from tests.trainer.evaluation.runs import made_up_predictions, write_run

if TYPE_CHECKING:
    from pathlib import Path


def test_a_run_is_found_by_its_folder_and_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(tmp_path / "runs" / "strip", made_up_predictions())
    assert read_run(tmp_path / "runs" / "strip").name == "strip"
    monkeypatch.chdir(tmp_path)
    assert read_run("strip").name == "strip"
    monkeypatch.chdir(tmp_path / "runs" / "strip")
    assert read_run(".").name == "strip"


def test_an_unknown_run_is_refused_with_the_known_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match=r"there is no run 'strop'; there are none in runs/"):
        read_run("strop")
    write_run(tmp_path / "runs" / "strip", None)
    write_run(tmp_path / "runs" / "e1-1", None)
    with pytest.raises(RunError, match=r"there is no run 'strop'; in runs/ there are e1-1, strip"):
        read_run("strop")


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is no run: it has no recipe\.json"):
        read_run(tmp_path)


@pytest.mark.parametrize(("text", "message"), [("{", "cannot be read"), ("[]", "should hold a JSON object")])
def test_a_damaged_recipe_is_refused(tmp_path: Path, text: str, message: str) -> None:
    write_run(tmp_path, None)
    (tmp_path / "recipe.json").write_text(text)
    with pytest.raises(RunError, match=rf"recipe\.json {message}"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    ("part", "final", "message"),
    [
        ("validation", False, r"is not finished: there is no validation\.npz yet"),
        ("test", False, r"only a final model .* answers the test part"),
        ("validation", True, r"a final model learned from that part; use --part test"),
        ("test", True, r"is not finished: there is no test\.npz yet"),
    ],
)
def test_absent_predictions_are_explained(tmp_path: Path, part: str, message: str, *, final: bool) -> None:
    run = read_run(write_run(tmp_path / "run", None, final=final))
    assert not run.has(part)
    with pytest.raises(RunError, match=message):
        run.predictions(part)


@pytest.mark.parametrize(("value", "message"), [(0, "have no defect"), (1, "have a defect")])
def test_predictions_of_one_kind_are_refused(tmp_path: Path, value: int, message: str) -> None:
    same = Predictions(("a", "b"), np.full((2, 2), value, np.float32), np.zeros(2, np.float32))
    run = read_run(write_run(tmp_path / "run", same))
    with pytest.raises(RunError, match=rf"all 2 pictures of .*validation\.npz {message}; figures need"):
        run.predictions("validation")


def test_damaged_predictions_are_refused(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "run", made_up_predictions()))
    (run.folder / "validation.npz").write_bytes(b"PK\3\4 and no more")
    with pytest.raises(RunError, match=r"validation\.npz cannot be read as predictions"):
        run.predictions("validation")


def test_class_names_are_those_of_the_data_or_numbers(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "run", None))
    assert run.class_names(2) == ("pits", "cracks")
    with pytest.raises(RunError, match=r"data\.json names 2 classes, the predictions have 3"):
        run.class_names(3)
    (run.folder / "data.json").unlink()
    assert read_run(run.folder).class_names(3) == ("class 1", "class 2", "class 3")
    assert read_run(run.folder).pictures is None


def test_groups_are_those_of_the_split(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "run", None))
    assert run.groups(("a.png", "b.png")) is None
    split = run.folder / "split.csv"
    split.write_text('# seed 0\nfile,group,part\na.png,7,test\n"#b, c.png",7,test\nd.png,,train\ne.png,,train\n')
    assert run.groups(("a.png", "#b, c.png", "d.png")) == ("7", "7", "d.png")
    assert run.groups(("e.png", "d.png")) is None
    with pytest.raises(RunError, match=r"split\.csv lacks 'x\.png'"):
        run.groups(("a.png", "x.png"))
    split.write_text("file,part\na.png,test\n")
    with pytest.raises(RunError, match=r"split\.csv lacks 'group': expected columns file and group"):
        run.groups(("a.png",))


def test_the_log_tells_each_epoch_once_and_a_cut_line_is_left_out(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "run", None))
    again = json.dumps({"kind": "epoch", "epoch": 2, "train_loss": 0.25})
    with (run.folder / "log.jsonl").open("a") as file:
        file.write(f'{again}\n{{"kind": "epo')
    epochs = run.epochs()
    assert [line["epoch"] for line in epochs] == [1, 2, 3, 4, 5]
    assert epochs[1]["train_loss"] == 0.25
    (run.folder / "log.jsonl").unlink()
    assert run.epochs() == []


@pytest.mark.parametrize("damage", ["{", "7", '{"step": 3}'])
def test_a_damaged_line_within_the_log_is_named(tmp_path: Path, damage: str) -> None:
    run = read_run(write_run(tmp_path / "run", None))
    lines = (run.folder / "log.jsonl").read_text().splitlines()
    (run.folder / "log.jsonl").write_text("\n".join([*lines[:2], damage, *lines[3:]]))
    with pytest.raises(RunError, match=r"log\.jsonl, line 3: expected a JSON object with a kind"):
        run.epochs()
