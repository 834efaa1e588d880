"""A training says how long it will take, and is shortened to a time; what was begun ends as it was planned."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from steel_defect_trainer.recipe import to_json
from steel_defect_trainer.training import estimate
from steel_defect_trainer.training.estimate import begun_with, planned, shortened
from tests.trainer.small import ALONE, small_job, small_network, small_recipe, small_set

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step takes two seconds."""
    monkeypatch.setattr(estimate, "_seconds_a_step", lambda *_: 2.0)


@pytest.mark.usefixtures("two_seconds")
def test_as_many_steps_are_planned_as_fit_into_the_minutes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = small_recipe("optimisation.epochs=100")
    job, network = small_job(tmp_path, recipe), small_network(recipe)
    assert job.steps == 200
    assert planned(network, job, ALONE, 1.0).steps == 30
    assert capsys.readouterr().err == "30 steps of 4 pictures, 2 s each: about 60 s\n"
    assert planned(network, job, ALONE, 1.0, times=3).steps == 10
    # Eight pictures to judge after every second step, in four thirds of a second.
    judged = small_job(tmp_path, recipe, validation=small_set(8, seed=1))
    assert planned(network, judged, ALONE, 1.0).steps == 22
    # 48 pictures are judged at the end, by the network or for the baseline, in 8 seconds.
    assert planned(network, job, ALONE, 1.0, judged_once=48).steps == 26
    assert planned(network, job, ALONE, 0.1, judged_once=48).steps == 1
    capsys.readouterr()
    # There is time for more than the recipe wants.
    assert planned(network, job, ALONE, 60.0) == job
    assert "about 7 min" in capsys.readouterr().err


@pytest.mark.usefixtures("two_seconds")
def test_a_run_that_has_begun_is_not_planned_again(tmp_path: Path) -> None:
    recipe = small_recipe("optimisation.epochs=100")
    job = small_job(tmp_path, recipe)
    job.run.last.write_bytes(b"a checkpoint")
    assert planned(small_network(recipe), job, ALONE, 1.0) == job
    job.run.recipe.write_text(to_json(shortened(recipe, 17, 200)), encoding="utf-8")
    assert begun_with(job.run, recipe).optimisation.steps == 17


def test_the_head_learns_alone_in_the_same_share_of_fewer_steps() -> None:
    recipe = small_recipe("optimisation.heads_first=150", "optimisation.steps=750")
    plan = shortened(recipe, 75, 750).optimisation
    assert (plan.steps, plan.heads_first) == (75, 15)


def test_measuring_changes_nothing_of_the_network(tmp_path: Path) -> None:
    recipe = small_recipe("optimisation.epochs=20")
    network = small_network(recipe)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    planned(network, small_job(tmp_path, recipe), ALONE, None)
    assert all(torch.equal(value, network.state_dict()[key]) for key, value in before.items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in network.features.parameters())


@pytest.mark.parametrize(("workers", "each"), [(0, "0.5 s"), (2, "0.2 s"), (8, "0.1 s")])
def test_loader_processes_prepare_batches_while_the_network_learns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], workers: int, each: str
) -> None:
    now = [0.0]

    def take(seconds: float) -> float:
        now[0] += seconds
        return 0.0

    def slow(*_: object, **__: object) -> Iterator[None]:
        for _number in range(4):
            take(0.4)
            yield None

    monkeypatch.setattr(estimate, "batches", slow)
    monkeypatch.setattr(estimate, "training_step", lambda *_: take(0.1))
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    recipe = small_recipe("optimisation.steps=40")
    job = replace(small_job(tmp_path, recipe), workers=workers)
    planned(small_network(recipe), job, ALONE, None)
    assert f", {each} each: about" in capsys.readouterr().err
