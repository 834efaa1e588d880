"""What a picture as a whole says is fitted beside the map, and nothing else of the network moves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from steel_defect_trainer.networks.deployed import DeployedStripNet
from steel_defect_trainer.networks.strip import StripNet
from steel_defect_trainer.training.predict import predict
from steel_defect_trainer.training.whole import fit_whole, logistic_regression
from tests.trainer.small import ALONE, CLASSES, small_network, small_recipe, small_set

if TYPE_CHECKING:
    import pytest

    from steel_defect_trainer.strips import StripSet


def _even_set(count: int, seed: int) -> StripSet:
    """Defects show all over the picture, as a coarser grain, and in no cell more than in another."""
    strips = small_set(count, seed)
    rng = np.random.default_rng(seed)
    swing = np.where(strips.defect, 40, 15)[:, None, None]
    pixels = 90 + swing * rng.uniform(-1, 1, strips.pixels.shape)
    return replace(strips, pixels=np.asarray(np.rint(pixels), np.uint8))


def _awake(strips: StripSet) -> StripNet:
    """A network whose random features differ from picture to picture, since its normalisation has seen some."""
    network = small_network(small_recipe("network.dropout=0.0"))
    assert isinstance(network, StripNet)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        network.train()(torch.from_numpy(strips.pixels))
    return network.eval()


def _all_of(strips: StripSet) -> np.ndarray:
    return np.ones(len(strips), np.bool_)


def test_pictures_that_differ_as_a_whole_are_told_apart_and_the_map_stays() -> None:
    learned, held_out = _even_set(16, seed=1), _even_set(20, seed=2)
    network = _awake(learned)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    fit_whole(network, learned, _all_of(learned))
    logits = predict(network, held_out, ALONE).defect_logits
    assert logits[held_out.defect].min() > 0 > logits[~held_out.defect].max()
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"head.whole", "head.bias"}
    moved = network.state_dict()["head.bias"] - before["head.bias"]
    torch.testing.assert_close(moved, moved[:1].expand(CLASSES))


def test_only_the_chosen_pictures_are_learned_from() -> None:
    strips = _even_set(24, seed=3)
    wrong = np.arange(24) >= 12
    classes = np.where(wrong[:, None], 1 - strips.classes.max(axis=1, keepdims=True), strips.classes)
    network = _awake(strips)
    fit_whole(network, replace(strips, classes=classes.astype(np.float32)), ~wrong)
    logits = predict(network, strips, ALONE).defect_logits
    assert ((logits > 0) == strips.defect).all()


def test_features_that_hardly_move_are_not_stretched() -> None:
    network, strips = small_network(small_recipe()), _even_set(16, seed=6)
    assert isinstance(network, StripNet)  # untrained: its features are all but the same for every picture
    fit_whole(network, strips, _all_of(strips))
    assert network.head.whole.abs().max() < 1


def test_of_many_pictures_some_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steel_defect_trainer.training.whole._MOST", 9)
    strips, network = _even_set(40, seed=4), small_network(small_recipe())
    seen: list[int] = []
    network.features.register_forward_hook(lambda _module, _inputs, output: seen.append(len(output)))
    fit_whole(network, strips, _all_of(strips))
    assert sum(seen) == 9


def test_one_class_only_or_another_network_is_left_as_it_is() -> None:
    strips = _even_set(8, seed=5)
    for network, chosen in (
        (small_network(small_recipe()), strips.defect),
        (small_network(small_recipe(name="e1-15b")), _all_of(strips)),
    ):
        before = {name: value.clone() for name, value in network.state_dict().items()}
        fit_whole(network, strips, chosen)
        assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_network_from_before_there_was_such_a_part_is_read_and_has_nothing_in_it() -> None:
    strips = _even_set(16, seed=7)
    network = _awake(strips)
    old = {name: value.clone() for name, value in network.state_dict().items() if name != "head.whole"}
    fit_whole(network, strips, _all_of(strips))
    assert network.head.whole.any()
    network.load_state_dict(old)
    assert not network.head.whole.any()
    assert "head.whole" not in old


def test_what_is_known_already_is_not_learned_again() -> None:
    truth = (torch.arange(40) % 2).float()
    features = (2 * truth - 1)[:, None] + 0.1 * torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    unknown, _ = logistic_regression(features, truth)
    known, offset = logistic_regression(features, truth, 20 * (truth - 0.5))
    assert unknown.norm() > 0.5
    assert known.norm() < 0.01
    assert abs(offset) < 0.01


def test_where_nothing_was_fitted_the_exported_network_has_no_such_part() -> None:
    network = small_network(small_recipe())
    assert isinstance(network, StripNet)
    torch.nn.init.ones_(network.features[18][1].bias)  # random weights alone leave all features at about 0
    image = torch.randint(0, 256, (2, 64, 96), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    plain = DeployedStripNet(network.eval(), 1.0, 0.0)
    assert "head.whole" not in plain.state_dict()
    network.head.whole[0, :, 0, 0] = torch.linspace(0, 0.002, 1280)
    fitted = DeployedStripNet(network, 1.0, 0.0)
    with torch.inference_mode():
        expected = network(image).defect
        assert not torch.allclose(plain(image)[0], fitted(image)[0])
        torch.testing.assert_close(fitted(image)[0], expected.sigmoid(), atol=1e-4, rtol=1e-3)
