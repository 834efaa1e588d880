"""Channels are brought to one range, and the network computes the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import torch

from steel_defect.contract import InputSpec, ModelContract
from steel_defect_trainer.exporting.equalise import equalise, ranges_of
from steel_defect_trainer.exporting.onnx_file import export, run_onnx
from steel_defect_trainer.networks.model import DeployedStripNet, StripNet

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CONTRACT = ModelContract("test", "1", ("a", "b"), 0.5, 0.2, 0.8, "-", "-", "-", InputSpec(height=64, width=96))


def noise(count: int, seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 64, 96), dtype=np.uint8)


@pytest.fixture(scope="module")
def float_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with statistics, whose linear outputs have channels of very different ranges."""
    torch.manual_seed(0)
    network = StripNet(2)
    with torch.no_grad():
        network.train()(torch.from_numpy(noise(4, seed=1)))
        for block in network.features[1:-1]:
            block.conv[-1].weight.mul_(torch.logspace(-2, 1, len(block.conv[-1].weight)))
            block.conv[-1].bias.add_(torch.randn(len(block.conv[-1].bias)))
    path = tmp_path_factory.mktemp("float") / "model.onnx"
    export(DeployedStripNet(network.eval(), 1.0, 0.0), CONTRACT, path)
    return path


def spread(model: onnx.ModelProto) -> dict[str, float]:
    """How many times as far as the least one the most moving channel moves, of what each block adds or gives."""
    names = [node.output[0] for node in model.graph.node if node.op_type == "Add"][:10]
    found = ranges_of(model, sorted(set(names)), noise(4, seed=1))
    reach = {name: (high - low).mean(axis=0) for name, (low, high) in found.items()}
    return {name: float(values.max() / values.min()) for name, values in reach.items()}


def test_the_outputs_stay_the_same(float_file: Path, tmp_path: Path) -> None:
    model = onnx.load(float_file)
    equalise(model, noise(4, seed=1))
    onnx.save(model, tmp_path / "model.onnx")
    before, after = (run_onnx(path, noise(6, seed=2)) for path in (float_file, tmp_path / "model.onnx"))
    assert np.ptp(before["defect_map"]) > 0
    for name, values in before.items():
        assert after[name] == pytest.approx(values, abs=1e-5)


def test_no_channel_is_left_far_behind(float_file: Path) -> None:
    model = onnx.load(float_file)
    before = spread(model)
    equalise(model, noise(4, seed=1))
    after = spread(model)
    assert len(before) == 10
    assert all(after[name] < 0.5 * before[name] for name in before)
