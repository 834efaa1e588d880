"""Training a unified network: the head first, statistics measured once, and resumed as if nothing had happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from steel_defect_trainer.networks.body import Answers
from steel_defect_trainer.networks.unified import UnifiedNet, statistics_of, tapped
from steel_defect_trainer.runs.folder import RunFolder
from steel_defect_trainer.training.checkpoint import read_checkpoint
from steel_defect_trainer.training.predict import predict_masks
from steel_defect_trainer.training.runlog import RunLog
from steel_defect_trainer.training.train import train
from steel_defect_trainer.training.whole import begin_whole
from tests.trainer.small import ALONE, small_job, small_network, small_recipe, small_set

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect_trainer.recipe import Recipe

STEPS = 6
SHORT = (f"optimisation.steps={STEPS}", "optimisation.heads_first=3")


class Killed(BaseException):
    """Stands for a signal in the middle of a step."""


def _network(recipe: Recipe) -> UnifiedNet:
    network = small_network(recipe)
    assert isinstance(network, UnifiedNet)
    return network


def _let_signals_through(network: UnifiedNet) -> None:
    """Give the body the statistics of the small set: with random weights alone its features are the same everywhere."""
    layers = [module for module in network.features.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for layer in layers:
        layer.momentum = None  # the average, not a moving one
    with torch.no_grad():
        network.train()(torch.from_numpy(small_set().pixels))


def _best(folder: Path) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = read_checkpoint(RunFolder(folder).best)["network"]
    return weights


@pytest.mark.parametrize("step", [2, 3, 5])
def test_a_run_that_was_killed_before_or_after_the_body_learns_goes_on_to_the_same_weights(
    tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small_recipe(*SHORT, "augmentation.paste=0.5", "augmentation.window=0.5", name="unified")
    train(_network(recipe), small_job(tmp_path / "whole", recipe), ALONE)
    original = RunLog.step

    def killing(self: RunLog, done: int, **figures: float) -> None:
        original(self, done, **figures)  # type: ignore[arg-type]  # passed on as they are
        if done == step:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(RunLog, "step", killing)
        with pytest.raises(Killed):
            train(_network(recipe), small_job(tmp_path / "killed", recipe), ALONE)
    train(_network(recipe), small_job(tmp_path / "killed", recipe), ALONE)
    whole, killed = _best(tmp_path / "whole"), _best(tmp_path / "killed")
    assert all(torch.equal(whole[name], killed[name]) for name in whole)


@pytest.mark.parametrize(("heads_first", "moves"), [(STEPS, False), (STEPS - 1, True)])
def test_the_body_rests_while_the_head_learns_first(tmp_path: Path, heads_first: int, moves: bool) -> None:  # noqa: FBT001 - a case
    recipe = small_recipe(*SHORT, f"optimisation.heads_first={heads_first}", name="unified")
    before = {name: value.clone() for name, value in _network(recipe).state_dict().items()}
    after = train(_network(recipe), small_job(tmp_path, recipe), ALONE).state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert "head.whole.weight" in moved
    assert "head.pyramid.masks.weight" in moved
    assert any(name.startswith("features.") for name in moved) is moves


def test_it_learns_whether_what_and_where(tmp_path: Path) -> None:
    # A network that learns nothing, or learns the wrong sign, fails here. Strips stay as they are: a class is a row of
    # the small set, and light moves random features more than a patch does.
    recipe = small_recipe("optimisation.steps=30", "optimisation.heads_first=20", "optimisation.head_rate=3e-3",
                          "network.dropout=0.0", "augmentation.vertical_flip=0.0", "augmentation.exposure=0.0",
                          "augmentation.contrast=0.0", "augmentation.window=0.0", "augmentation.paste=0.0",
                          name="unified")  # fmt: skip
    network = _network(recipe)
    _let_signals_through(network)
    learned = train(network, small_job(tmp_path, recipe), ALONE)
    learned.head.train()  # so few steps leave the running statistics of batch normalisation behind
    strips = small_set()
    with torch.no_grad():
        answers = learned(torch.from_numpy(strips.pixels))
    defect, classes, places = (values.numpy() for values in answers)
    assert defect[strips.defect].min() > defect[~strips.defect].max()
    assert classes[strips.classes > 0].min() > classes[strips.classes == 0].max()
    assert places[strips.masks > 0].mean() > places[strips.masks == 0].mean() + 2


def test_statistics_are_measured_before_learning_and_never_after() -> None:
    recipe = small_recipe(name="unified")
    network, strips = _network(recipe), small_set()
    _let_signals_through(network)
    begin_whole(network, strips, strips.defect, rests=False)
    measured = network.head.mean.clone()
    assert measured.abs().max() > 0.1
    assert (network.head.deviation >= 0.01).all()
    others = small_set(seed=1)
    begin_whole(network, others, np.ones(len(others), np.bool_), rests=False)
    assert not torch.equal(network.head.mean, measured)  # it has not learned yet
    measured = network.head.mean.clone()
    torch.nn.init.normal_(network.head.whole.weight)
    begin_whole(network, strips, strips.defect, rests=False)
    assert torch.equal(network.head.mean, measured)


def test_a_frozen_network_judges_whole_pictures_by_logistic_regression_and_learns_masks(tmp_path: Path) -> None:
    recipe = small_recipe("optimisation.steps=4", "optimisation.batch=4", "augmentation.window=0.0", name="frozen")
    network, strips = _network(recipe), small_set()
    _let_signals_through(network)
    body = {name: value.clone() for name, value in network.features.state_dict().items()}
    masks = network.head.pyramid.masks.weight.clone()
    learned = train(network, small_job(tmp_path, recipe, validation=small_set(seed=1)), ALONE)
    assert isinstance(learned, UnifiedNet)
    assert all(torch.equal(value, learned.features.state_dict()[name]) for name, value in body.items())
    assert not torch.equal(learned.head.pyramid.masks.weight, masks)
    # By pictures all epochs are alike, and the masks of the last are kept.
    assert read_checkpoint(RunFolder(tmp_path).best)["step"] == 4

    # Weights and offset are where the loss of all pictures, with the unit penalty on the weights, is least.
    with torch.no_grad():
        statistics = statistics_of(
            tapped(learned.features, torch.from_numpy(strips.pixels))[0], torch.from_numpy(strips.pixels)
        )
        standard = (statistics - learned.head.mean) / learned.head.deviation
        logits = learned.head.judge(statistics)
    for row, truth in enumerate((strips.defect, *(strips.classes.T > 0))):
        missed = torch.sigmoid(logits[:, row]) - torch.from_numpy(np.asarray(truth, np.float32))
        assert missed.sum().abs() < 0.05
        assert (missed @ standard + learned.head.whole.weight[row]).abs().max() < 0.05


def test_a_frozen_network_begins_anew_from_another_run() -> None:
    recipe = small_recipe(name="frozen")
    network, strips = _network(recipe), small_set()
    _let_signals_through(network)
    torch.nn.init.normal_(network.head.whole.weight)
    before = network.head.whole.weight.clone()
    begin_whole(network, strips, np.ones(len(strips), np.bool_), rests=True)
    assert not torch.equal(network.head.whole.weight, before)
    network.freeze(trained_blocks=0, batch_norm=True)
    assert not network.head.whole.weight.requires_grad


def test_a_class_that_a_frozen_network_never_saw_is_unlikely() -> None:
    recipe = small_recipe(name="frozen")
    network, strips = _network(recipe), small_set()
    begin_whole(network, strips, strips.classes[:, 1] == 0, rests=True)
    assert not network.head.whole.weight[2].any()
    seen = int((strips.classes[:, 1] == 0).sum())
    assert network.head.whole.bias[2].sigmoid().item() == pytest.approx(0.5 / (seen + 1), rel=1e-4)


def test_masks_are_counted_for_each_picture_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, strips = small_recipe(name="unified"), small_set(5)
    network = _network(recipe)

    def perfect(image: torch.Tensor) -> Answers:
        bright = (image > 150).float().unsqueeze(1)  # the patch of `small_set`
        field = torch.nn.functional.avg_pool2d(bright, 4) * 20 - 10
        rows = torch.arange(field.shape[2]).view(1, 1, -1, 1) // 8
        places = torch.cat([torch.where(rows == number, field, -10) for number in range(2)], dim=1)
        return Answers(torch.zeros(len(image)), torch.zeros(len(image), 2), places)

    monkeypatch.setattr(network, "forward", perfect)
    counts = predict_masks(network, strips, ALONE, batch=2)
    assert counts.names == strips.names
    assert np.array_equal(counts.predicted[:, :, 50], counts.true)
    assert np.array_equal(counts.overlap[:, :, 50], counts.true)
    assert counts.true[:, -1].tolist() == [576, 0, 576, 0, 576]
