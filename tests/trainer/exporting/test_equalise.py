"""Channels are brought to one range, and the network computes the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from steel_defect_trainer.exporting.equalise import equalise, ranges_of
from steel_defect_trainer.exporting.parity import run_onnx
from tests.trainer.conftest import noise

if TYPE_CHECKING:
    from pathlib import Path

    from tests.trainer.conftest import SixClasses

pytestmark = pytest.mark.xdist_group("exported")


@pytest.fixture
def float_file(six_classes: SixClasses, tmp_path: Path) -> Path:
    """A network whose linear outputs have channels of very different ranges: the widest a thousand times the least."""
    model = onnx.load(six_classes.path)
    activated = {node.input[0] for node in model.graph.node if node.op_type == "Clip"}
    weights = {item.name: item for item in model.graph.initializer}
    rng = np.random.default_rng(0)
    stretched = 0
    for node in model.graph.node:
        if node.op_type == "Conv" and node.input[1].startswith("features.") and node.output[0] not in activated:
            stretched += 1
            weight, bias = (weights[name] for name in node.input[1:3])
            factor = np.logspace(-2, 1, bias.dims[0])
            changed = numpy_helper.to_array(weight) * factor[:, None, None, None]
            weight.CopyFrom(numpy_helper.from_array(changed.astype(np.float32), weight.name))
            changed = numpy_helper.to_array(bias) * factor + rng.normal(0, 1, len(factor))
            bias.CopyFrom(numpy_helper.from_array(changed.astype(np.float32), bias.name))
    assert stretched == 17  # the last convolution of each block
    path = tmp_path / "uneven.onnx"
    onnx.save(model, path)
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
