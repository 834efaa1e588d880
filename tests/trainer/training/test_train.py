"""Training learns, goes on exactly where it was stopped, and never loses the last good checkpoint."""

from __future__ import annotations

import json
import resource
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from steel_defect_trainer.errors import CheckpointError, RecipeError
from steel_defect_trainer.runs.folder import RunFolder
from steel_defect_trainer.training.checkpoint import read_checkpoint
from steel_defect_trainer.training.distributed import World
from steel_defect_trainer.training.optimisation import build_optimizer, rate_at
from steel_defect_trainer.training.predict import predict
from steel_defect_trainer.training.runlog import RunLog
from steel_defect_trainer.training.state import precision_on
from steel_defect_trainer.training.train import train
from tests.trainer.small import ALONE, small_job, small_network, small_recipe, small_set

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from steel_defect_trainer.recipe import Recipe


class Killed(BaseException):
    """Stands for a signal in the middle of a step."""


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = read_checkpoint(RunFolder(folder).best)["network"]
    return weights


def _train(folder: Path, recipe: Recipe) -> dict[str, torch.Tensor]:
    train(small_network(recipe), small_job(folder, recipe), ALONE)
    return _weights(folder)


@contextmanager
def _killed_at(step: int) -> Iterator[None]:
    original = RunLog.step

    def logged(self: RunLog, done: int, **figures: float) -> None:
        original(self, done, **figures)  # type: ignore[arg-type]  # passed on as they are
        if done == step:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunLog, "step", logged)
        with pytest.raises(Killed):
            yield


@pytest.mark.parametrize("name", ["strip", "e1-15b"])
def test_training_tells_defects_from_clean_pictures(tmp_path: Path, name: str) -> None:
    # A network that learns nothing, or learns the wrong sign, fails here.
    recipe = small_recipe("optimisation.steps=14", "optimisation.rate=1e-3", "optimisation.head_rate=1e-2",
                          "network.trained_blocks=19", "network.dropout=0.0", name=name)  # fmt: skip
    network = train(small_network(recipe), small_job(tmp_path, recipe), ALONE)
    network.train()  # so few steps leave the running statistics of batch normalisation behind
    strips = small_set()
    with torch.no_grad():
        logits = network(torch.from_numpy(strips.pixels)).defect.numpy()
    assert logits[strips.defect].min() > logits[~strips.defect].max()


@pytest.mark.parametrize("step", [1, 2, 3, 5, 6])
@pytest.mark.parametrize("settled", [(), ("optimisation.keep=0.5", "optimisation.refit=true")])
def test_a_run_that_was_killed_goes_on_to_the_same_weights(tmp_path: Path, step: int, settled: tuple[str, ...]) -> None:
    recipe = small_recipe(*settled)
    whole = _train(tmp_path / "whole", recipe)
    with _killed_at(step):
        _train(tmp_path / "killed", recipe)
    resumed = _train(tmp_path / "killed", recipe)
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    lines = [json.loads(line) for line in (tmp_path / "killed" / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines if line["kind"] == "epoch"] == [1, 2, 3]


def test_log_lines_of_steps_that_are_done_again_are_taken_back(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    before = [{"kind": "epoch", "step": step, "epoch": step} for step in (2, 4)]
    run.log.write_text("\n".join([*map(json.dumps, before), '{"kind": "st']))
    with RunLog(run, steps=6, done=2, talks=True) as log:
        log.epoch(2, train_loss=0.5, validation=None, best=True)
    assert [json.loads(line)["epoch"] for line in run.log.read_text().splitlines()] == [2, 2]


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    recipe = small_recipe("optimisation.epochs=1")
    first, time = _train(tmp_path, recipe), (tmp_path / "last.pt").stat().st_mtime_ns
    again = _train(tmp_path, recipe)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert (tmp_path / "last.pt").stat().st_mtime_ns == time


def test_a_share_of_the_first_weights_is_kept(tmp_path: Path) -> None:
    kept = {
        share: _train(tmp_path / str(share), small_recipe("optimisation.epochs=1", f"optimisation.keep={share}"))
        for share in (0.0, 0.25, 1.0)
    }
    first = small_network(small_recipe()).state_dict()
    for key in ("features.0.0.weight", "features.0.1.running_var", "head.weight"):
        assert not torch.equal(kept[0.0][key], first[key])
        torch.testing.assert_close(kept[0.25][key], 0.75 * kept[0.0][key] + 0.25 * first[key])
        torch.testing.assert_close(kept[1.0][key], first[key])


def test_a_finished_run_is_settled_once_and_on_its_own_pictures(tmp_path: Path) -> None:
    recipe = small_recipe("optimisation.epochs=1", "optimisation.keep=0.5", "optimisation.refit=true")
    job = small_job(tmp_path, recipe)
    job = replace(job, own=np.arange(len(job.strips)) < 4)
    with pytest.MonkeyPatch.context() as patch:
        chosen: list[list[int]] = []
        patch.setattr(
            "steel_defect_trainer.training.train.fit_whole",
            lambda _network, _strips, own: chosen.append(np.flatnonzero(own).tolist()),
        )
        train(small_network(recipe), job, ALONE)
        first = _weights(tmp_path)
        train(small_network(recipe), job, ALONE)
    assert chosen == [[0, 1, 2, 3]]
    assert all(torch.equal(value, _weights(tmp_path)[key]) for key, value in first.items())


@pytest.fixture
def file_size_limit() -> Iterator[None]:
    """No file may have more than 20 MB: room for the weights, none for a checkpoint."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_stops_the_run_and_the_last_good_checkpoint_survives(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    recipe = small_recipe()
    with _killed_at(3):
        _train(tmp_path / "run", recipe)
    good = (tmp_path / "run" / "last.pt").read_bytes()
    request.getfixturevalue("file_size_limit")
    with pytest.raises(OSError, match="File too large"):
        _train(tmp_path / "run", recipe)
    assert (tmp_path / "run" / "last.pt").read_bytes() == good
    assert not list((tmp_path / "run").glob(".*partial"))


def test_a_damaged_checkpoint_or_one_of_another_recipe_is_refused(tmp_path: Path) -> None:
    _train(tmp_path, small_recipe("optimisation.epochs=1"))
    with pytest.raises(CheckpointError, match="another recipe"):
        _train(tmp_path, small_recipe("optimisation.epochs=2"))
    (tmp_path / "last.pt").write_bytes((tmp_path / "last.pt").read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=r"last\.pt is damaged"):
        _train(tmp_path, small_recipe("optimisation.epochs=1"))


def test_what_is_frozen_stays_as_it_was_batch_normalisation_included(tmp_path: Path) -> None:
    recipe = small_recipe(name="e1-15b")
    before = {key: value.clone() for key, value in small_network(recipe).state_dict().items()}
    after = _train(tmp_path, recipe)
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    frozen = {f"features.{block}." for block in range(15)}
    assert not [key for key in changed if any(key.startswith(block) for block in frozen)]
    for block in range(15, 19):
        assert any(key.startswith(f"features.{block}.") and key.endswith("running_mean") for key in changed)
    assert any(key.startswith("head.") for key in changed)


def test_batch_normalisation_can_be_frozen_while_its_blocks_are_trained(tmp_path: Path) -> None:
    recipe = small_recipe("network.batch_norm=frozen")
    before = {key: value.clone() for key, value in small_network(recipe).state_dict().items()}
    after = _train(tmp_path, recipe)
    assert all(torch.equal(before[key], after[key]) for key in before if "running" in key)
    assert not torch.equal(before["features.0.0.weight"], after["features.0.0.weight"])


def test_the_best_epoch_comes_out_and_waiting_in_vain_ends_the_run(tmp_path: Path) -> None:
    recipe = small_recipe("optimisation.epochs=10", "optimisation.patience=2", "optimisation.rate=0.0",
                          "optimisation.head_rate=0.0", "network.batch_norm=frozen")  # fmt: skip
    job = small_job(tmp_path, recipe, validation=small_set(6, seed=1))
    network = train(small_network(recipe), job, ALONE)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    epochs = [line for line in lines if line["kind"] == "epoch"]
    assert [line["best"] for line in epochs] == [True, False, False]
    assert set(epochs[0]["validation"]) == {"loss", "accuracy", "precision", "recall", "f1", "roc_auc"}
    assert read_checkpoint(tmp_path / "best.pt")["step"] == 2
    said = predict(network, small_set(6, seed=1), ALONE)
    assert epochs[0]["validation"]["loss"] == pytest.approx(
        np.mean(np.log1p(np.exp(np.where(said.truth, -1, 1) * said.defect_logits))), rel=1e-5
    )


def test_of_epochs_that_rank_all_pictures_right_the_one_with_the_least_loss_comes_out(tmp_path: Path) -> None:
    # Separated from the start and without a change: ROC-AUC is 1 in each epoch, and only the loss can tell them apart.
    losses = iter([0.5, 0.2, 0.4])
    recipe = small_recipe("optimisation.epochs=3")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "steel_defect_trainer.training.train.figures", lambda _: {"roc_auc": 1.0, "loss": next(losses), "f1": 1.0}
        )
        train(small_network(recipe), small_job(tmp_path, recipe, validation=small_set(6, seed=1)), ALONE)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["best"] for line in lines if line["kind"] == "epoch"] == [True, True, False]
    assert read_checkpoint(tmp_path / "best.pt")["step"] == 4


def test_in_a_short_run_the_first_weights_do_not_outweigh_the_last(tmp_path: Path) -> None:
    recipe = small_recipe("optimisation.average=0.99", "optimisation.schedule=constant", "optimisation.steps=12")
    key, last = "head.weight", tmp_path / "last.pt"
    first, averaged = small_network(recipe).state_dict()[key], _train(tmp_path, recipe)[key]
    latest = read_checkpoint(last)["network"][key]
    assert (averaged - latest).norm() < 0.4 * (first - latest).norm()


def test_a_batch_that_cannot_be_shared_evenly_is_refused(tmp_path: Path) -> None:
    recipe = small_recipe()
    with pytest.raises(RecipeError, match="4 pictures cannot be shared evenly by 3"):
        train(small_network(recipe), small_job(tmp_path, recipe), World(0, 3, torch.device("cpu")))


def test_rates_rise_then_fall_by_half_a_cosine() -> None:
    plan = small_recipe("optimisation.warm_up=0.2").optimisation
    rates = [rate_at(step, 10, plan) for step in range(10)]
    assert rates[:3] == [0.5, 1.0, 1.0]
    assert rates[6] == pytest.approx(0.5)
    assert all(one >= other for one, other in pairwise(rates[2:]))
    assert {rate_at(step, 10, small_recipe(name="e1-15").optimisation) for step in range(10)} == {1.0}


def test_each_block_has_its_rate_and_offsets_do_not_decay() -> None:
    recipe = small_recipe("optimisation.layer_decay=0.9", "optimisation.rate=1.0", "optimisation.head_rate=5.0")
    network = small_network(recipe)
    groups = build_optimizer(network, recipe.optimisation).param_groups
    peaks = sorted({round(group["peak"], 6) for group in groups})
    assert peaks == sorted([*(round(0.9**depth, 6) for depth in range(19)), 5.0])
    assert all(group["weight_decay"] == (0.02 if group["params"][0].ndim > 1 else 0) for group in groups)
    assert [name for name, parameter in network.named_parameters() if not parameter.requires_grad] == ["head.whole"]
    assert sum(len(group["params"]) for group in groups) == len(list(network.parameters())) - 1


def test_precision_is_what_is_asked_for() -> None:
    assert precision_on(torch.device("cpu"), "float16") is torch.float16
    assert precision_on(torch.device("cpu"), "auto") in {torch.float32, torch.bfloat16}
