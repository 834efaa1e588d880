"""An int8 file answers like its float one, batch by batch, with the same contract; it is smaller, and weights count."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from steel_defect.contract import InputSpec, ModelContract, from_metadata
from steel_defect.registry import publish
from steel_defect.scorer import Scorer
from steel_defect.selftest import self_test
from steel_defect.storage import open_store
from steel_defect_trainer.drawing.strip import draw_strip
from steel_defect_trainer.errors import QuantisationError
from steel_defect_trainer.exporting.equalise import equalise
from steel_defect_trainer.exporting.onnx_file import export
from steel_defect_trainer.exporting.parity import TOLERANCE, largest_difference, run_onnx, run_torch
from steel_defect_trainer.exporting.quantise import Kept, nodes_to_quantise, quantise
from steel_defect_trainer.exporting.rounding import round_weights
from steel_defect_trainer.networks.deployed import DeployedStripNet
from steel_defect_trainer.networks.strip import MapHead, StripNet
from tests.trainer.conftest import train_for_a_moment
from tests.trainer.restored import restore

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SPEC = InputSpec(height=64, width=160)
CONTRACT = ModelContract("test", "1", ("a", "b", "c"), 0.5, 0.2, 0.8, "-", "-", "-", SPEC, {"roc_auc": 0.9})
FLOAT_FIRST = 3


def _pictures(count: int, seed: int) -> NDArray[np.uint8]:
    """Strips, as far as they reach: the size of the small network's input."""
    return np.stack([draw_strip(seed, index).pixels[:128:2, :320:2] for index in range(count)])


@pytest.fixture(scope="module")
def learned() -> NDArray[np.uint8]:
    """The pictures that the network was trained on, and the int8 file calibrated."""
    return _pictures(8, seed=1)


@pytest.fixture(scope="module")
def float_file(learned: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that was trained for a moment, so that its weights are of the kind that training gives.

    Not that of the shared run, which learned more pictures, cell by cell, in as few steps: its int8 file is twice as
    far from it, too far to see what an error in the rounding adds.
    """
    torch.manual_seed(0)
    network = StripNet(3)
    pixels, truth = torch.from_numpy(learned), (torch.arange(len(learned)) % 2).float()

    def loss() -> torch.Tensor:
        return torch.nn.functional.binary_cross_entropy_with_logits(network(pixels).defect, truth)

    train_for_a_moment(network, pixels, loss)
    path = tmp_path_factory.mktemp("float") / "model.onnx"
    export(DeployedStripNet(network, 1.0, 0.0), CONTRACT, path)
    return path


@pytest.fixture(scope="module")
def int8_file(float_file: Path, learned: NDArray[np.uint8]) -> Path:
    """The same network in int8."""
    path = float_file.with_name("model-int8.onnx")
    quantise(float_file, path, learned, Kept(FLOAT_FIRST))
    return path


def test_an_int8_file_answers_like_its_float_one_on_pictures_it_was_not_calibrated_on(
    float_file: Path, int8_file: Path
) -> None:
    pixels = _pictures(24, seed=2)
    expected, got = run_onnx(float_file, pixels), run_onnx(int8_file, pixels)
    assert np.ptp(expected["defect_prob"]) > 0.5
    for name in ("defect_prob", "class_prob"):
        assert np.abs(expected[name] - got[name]).mean() < 0.04
    assert got["defect_map"].shape == (24, 3, 2, 5)


def test_a_sure_network_that_was_fitted_to_whole_pictures_is_rounded_as_well(
    float_file: Path, learned: NDArray[np.uint8], tmp_path: Path
) -> None:
    deployed = restore(float_file)
    assert isinstance(deployed, DeployedStripNet)
    fitted = MapHead(3)
    fitted.load_state_dict({**deployed.head.state_dict(), "whole": torch.linspace(-0.1, 0.3, 1280).view(1, -1, 1, 1)})
    with torch.no_grad():
        fitted.bias.sub_(40)  # the probability of every cell is 0 in float32
    deployed.head, deployed.scale, deployed.offset = fitted, torch.tensor(0.2), torch.tensor(1.0)
    exact, rounded, pixels = tmp_path / "exact.onnx", tmp_path / "rounded.onnx", _pictures(24, seed=2)
    export(deployed, CONTRACT, exact)
    quantise(exact, rounded, learned, Kept(FLOAT_FIRST))
    expected, got = run_onnx(exact, pixels), run_onnx(rounded, pixels)
    assert largest_difference(run_torch(deployed, pixels), expected) < TOLERANCE
    assert np.ptp(expected["defect_prob"]) > 0.01
    assert np.abs(expected["defect_prob"] - got["defect_prob"]).mean() < 0.04
    assert largest_difference(run_torch(restore(exact), pixels), expected) < TOLERANCE
    assert torch.equal(restore(rounded).state_dict()["head.whole"], fitted.whole)


def test_its_convolutions_compute_in_8_bits_but_for_the_first_ones_and_the_head(int8_file: Path) -> None:
    model = onnx.load(int8_file)
    types = {item.name: item.data_type for item in model.graph.initializer}
    nodes = [node for node in model.graph.node if node.op_type in {"Conv", "FusedConv", "QLinearConv"}]
    kinds = [node.op_type for node in nodes]
    assert set(kinds[:FLOAT_FIRST]) | {kinds[-1]} == {"Conv", "FusedConv"}
    assert set(kinds[FLOAT_FIRST:-1]) == {"QLinearConv"}
    assert len(kinds) == 53
    for node in nodes[FLOAT_FIRST:-1]:  # inputs 2, 3 and 7: zero of what comes in, the weights, zero of what goes out
        assert [types[node.input[index]] for index in (2, 3, 7)] == [
            onnx.TensorProto.UINT8, onnx.TensorProto.INT8, onnx.TensorProto.UINT8]  # fmt: skip


def test_what_every_start_would_fuse_is_fused_in_the_file(int8_file: Path) -> None:
    kinds = Counter(node.op_type for node in onnx.load(int8_file).graph.node)
    assert kinds["DequantizeLinear"] <= 1
    assert kinds["Clip"] == 0


def convolution(model: onnx.ModelProto, number: int) -> onnx.NodeProto:
    """The convolution of this number in the graph."""
    found: list[onnx.NodeProto] = [node for node in model.graph.node if node.op_type == "Conv"]
    return found[number]


def test_weights_have_a_scale_for_each_output_channel(int8_file: Path) -> None:
    model = onnx.load(int8_file)
    initialisers = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    last = [node for node in model.graph.node if node.op_type == "QLinearConv"][-1]
    weight, scale = initialisers[last.input[3]], initialisers[last.input[4]]
    assert scale.shape == (1280,)
    assert np.ptp(scale) > 0
    # On the grid that the biases were corrected for: each channel uses its whole range. It is seven bits wide, so that
    # two products of a u8 and an s8 fit into 16 bits.
    assert (np.abs(weight.astype(np.int16)).max(axis=(1, 2, 3)) == 64).all()


def test_it_keeps_the_contract_is_one_checked_file_and_a_quarter_of_the_size(float_file: Path, int8_file: Path) -> None:
    model = onnx.load(int8_file)
    onnx.checker.check_model(model, full_check=True)
    assert from_metadata({item.key: item.value for item in model.metadata_props}) == CONTRACT
    assert [(item.domain, item.version) for item in model.opset_import] == [("", 20), ("com.microsoft", 1)]
    image = model.graph.input[0].type.tensor_type
    assert image.elem_type == onnx.TensorProto.UINT8
    assert image.shape.dim[0].dim_param == "batch"
    assert int8_file.stat().st_size < 0.33 * float_file.stat().st_size
    assert sorted(path.name for path in int8_file.parent.iterdir()) == ["model-int8.onnx", "model.onnx"]


def test_a_picture_gets_the_same_answer_alone_and_in_any_batch(int8_file: Path) -> None:
    pixels = _pictures(8, seed=3)
    together = run_onnx(int8_file, pixels, batch=8)
    for batch in (1, 3):
        for name, values in run_onnx(int8_file, pixels, batch=batch).items():
            assert values == pytest.approx(together[name], abs=1e-6)


def test_the_same_pictures_give_the_same_graph(
    float_file: Path, int8_file: Path, learned: NDArray[np.uint8], tmp_path: Path
) -> None:
    quantise(float_file, tmp_path / "again.onnx", learned, Kept(FLOAT_FIRST))
    again, first = onnx.load(tmp_path / "again.onnx"), onnx.load(int8_file)
    assert again.graph.SerializeToString(deterministic=True) == first.graph.SerializeToString(deterministic=True)


def test_rounded_weights_leave_the_mean_of_a_channel_where_it_was(float_file: Path) -> None:
    # The first convolution that is rounded gets the same input as before, so the mean of its output must stay.
    pixels = _pictures(8, seed=1)
    exact, rounded = onnx.load(float_file), onnx.load(float_file)
    first = 4  # a convolution behind a clipped activation, whose mean is not zero
    names = nodes_to_quantise(rounded, Kept(first))
    round_weights(rounded, frozenset(names), pixels)
    uncorrected = onnx.ModelProto()
    uncorrected.CopyFrom(rounded)
    biases = {item.name: item for item in exact.graph.initializer if item.name.endswith(".bias")}
    for item in uncorrected.graph.initializer:
        if item.name in biases:
            item.CopyFrom(biases[item.name])

    def means(model: onnx.ModelProto) -> NDArray[np.float64]:
        output = convolution(model, first).output[0]
        model.graph.output.append(onnx.helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None))
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        return np.asarray(session.run([output], {"image": pixels})[0].mean(axis=(0, 2, 3)), np.float64)

    true = means(exact)
    assert np.abs(means(rounded) - true).max() < 0.05 * np.abs(means(uncorrected) - true).max()


def test_its_weights_can_be_read_back_into_the_network(
    float_file: Path, int8_file: Path, learned: NDArray[np.uint8], tmp_path: Path
) -> None:
    pixels = _pictures(8, seed=3)
    # The network that was rounded: its channels had been brought to one range before.
    model = onnx.load(float_file)
    equalise(model, learned)
    onnx.save(model, tmp_path / "equalised.onnx")
    exact, back = restore(tmp_path / "equalised.onnx"), restore(int8_file)
    for (name, one), other in zip(exact.state_dict().items(), back.state_dict().values(), strict=True):
        if name.endswith("weight"):
            assert (one - other).abs().max() <= one.abs().max() / 128 * 1.001
    expected, got = run_torch(back, pixels), run_onnx(int8_file, pixels)
    assert np.abs(expected["defect_prob"] - got["defect_prob"]).mean() < 0.04


def test_it_serves_and_can_be_published(int8_file: Path, tmp_path: Path) -> None:
    self_test(Scorer(int8_file))
    sha256 = publish(open_store(f"file://{tmp_path}"), int8_file.read_bytes(), who="test")
    assert (tmp_path / "models" / "test" / sha256 / "model.onnx").read_bytes() == int8_file.read_bytes()


def test_a_graph_without_anything_to_quantise_is_refused(float_file: Path, tmp_path: Path) -> None:
    with pytest.raises(QuantisationError, match="53 convolutions"):
        quantise(float_file, tmp_path / "model.onnx", _pictures(1, seed=1), Kept(53))
    assert not list(tmp_path.iterdir())
