"""The files of a unified network: int8 answers like float, masks too, and both know what is unfamiliar."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import torch

from steel_defect.contract import InputSpec, ModelContract
from steel_defect.scorer import Scorer
from steel_defect_trainer.drawing.strip import draw_strip
from steel_defect_trainer.exporting.guard import Familiar, write_guard
from steel_defect_trainer.exporting.novelty import features_of
from steel_defect_trainer.exporting.onnx_file import export
from steel_defect_trainer.exporting.parity import TOLERANCE, largest_difference, run_onnx, run_torch
from steel_defect_trainer.exporting.quantise import Kept, quantise
from steel_defect_trainer.exporting.sure_damage import hold_sure_damage
from steel_defect_trainer.networks.body import normalise
from steel_defect_trainer.networks.deployed import DeployedUnifiedNet
from steel_defect_trainer.networks.unified import UnifiedNet
from tests.pictures import encoded, gray
from tests.trainer.conftest import train_for_a_moment

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SPEC = InputSpec(height=64, width=160)
CONTRACT = ModelContract("test", "1", ("a", "b", "c"), 0.5, 0.2, 0.8, "-", "-", "-", SPEC)
FLOAT_FIRST = 3


def _pictures(count: int, seed: int) -> NDArray[np.uint8]:
    """Strips, as far as they reach: the size of the small network's input."""
    return np.stack([draw_strip(seed, index).pixels[:128:2, :320:2] for index in range(count)])


@pytest.fixture(scope="module")
def deployed() -> DeployedUnifiedNet:
    """A network that was trained for a moment, to find the brighter half of the pictures and of each picture."""
    torch.manual_seed(0)
    network, pixels = UnifiedNet(3), torch.from_numpy(_pictures(8, seed=1))
    light = pixels.float().mean(dim=(1, 2))
    classes = (light > light.median()).float()[:, None].repeat(1, 3)
    fields = torch.nn.functional.avg_pool2d(pixels.float(), 4)
    places = ((fields > fields.median()) * 100).to(torch.int8)[:, None].repeat(1, 3, 1, 1)
    torch.nn.init.normal_(network.head.pyramid.masks.weight, std=0.3)
    train_for_a_moment(network, pixels, lambda: network.loss(network(pixels), classes, places))
    return DeployedUnifiedNet(network, 0.3, 0.1)


@pytest.fixture(scope="module")
def float_file(deployed: DeployedUnifiedNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("unified") / "model.onnx"
    export(deployed, CONTRACT, path)
    return path


@pytest.fixture(scope="module")
def int8_file(float_file: Path) -> Path:
    path = float_file.with_name("model-int8.onnx")
    quantise(float_file, path, _pictures(8, seed=1), Kept(FLOAT_FIRST))
    return path


def test_the_float_file_computes_what_the_network_does(deployed: DeployedUnifiedNet, float_file: Path) -> None:
    pixels = _pictures(8, seed=2)
    assert largest_difference(run_torch(deployed, pixels), run_onnx(float_file, pixels)) < TOLERANCE


def test_the_int8_file_answers_like_the_float_one_and_so_do_its_masks(float_file: Path, int8_file: Path) -> None:
    pixels = _pictures(24, seed=2)
    expected, got = run_onnx(float_file, pixels), run_onnx(int8_file, pixels)
    assert expected.keys() == got.keys() == {"defect_prob", "class_prob", "defect_map", "mask_prob"}
    for name, values in expected.items():
        assert np.ptp(values) > 0.1
        assert np.abs(values - got[name]).mean() < 0.04


def test_in_int8_nothing_is_rounded_behind_the_last_clipped_activation(int8_file: Path) -> None:
    nodes = onnx.load(int8_file).graph.node
    convolutions = [node.op_type for node in nodes if node.op_type in {"Conv", "FusedConv", "QLinearConv"}]
    assert convolutions.count("QLinearConv") == len(convolutions) - FLOAT_FIRST - 1
    # Additions of blocks and of the pyramid; that of the calibration is none of them.
    assert sum(node.op_type == "QLinearAdd" for node in nodes) == 10 + 3
    assert sum(node.op_type == "Add" for node in nodes) == 1


def test_familiar_features_are_those_of_the_whole_picture_in_either_file(
    deployed: DeployedUnifiedNet, float_file: Path, int8_file: Path
) -> None:
    pixels = _pictures(8, seed=2)
    with torch.inference_mode():
        seventh = deployed.features[7].conv[0](deployed.features[:7](normalise(torch.from_numpy(pixels))))
        expected = seventh.std(dim=(2, 3), correction=0).sqrt().numpy()
    found, rounded = features_of(float_file, pixels), features_of(int8_file, pixels)
    assert found == pytest.approx(expected, abs=1e-3)
    # Eight bits are coarse for weights that learned for a moment; any other tensor would have nothing in common.
    assert np.corrcoef(rounded.ravel(), expected.ravel())[0, 1] > 0.8
    assert rounded.mean() == pytest.approx(expected.mean(), rel=0.1)


@pytest.mark.parametrize("kind", ["float", "int8"])
def test_either_file_tells_unfamiliar_pictures_and_scores_as_before(
    kind: str, float_file: Path, int8_file: Path, tmp_path: Path
) -> None:
    source, path = {"float": float_file, "int8": int8_file}[kind], tmp_path / "model.onnx"
    path.write_bytes(source.read_bytes())
    known, others = _pictures(60, seed=3), _pictures(20, seed=4)
    write_guard(path, Familiar(known, [str(index) for index in range(60)], [(160, 64)] * 60), SPEC)
    before, after = run_onnx(source, others), run_onnx(path, others)
    novelty = after.pop("novelty")
    assert largest_difference(before, after) < TOLERANCE
    guard = Scorer(path).contract.guard
    assert guard is not None
    assert (novelty > guard.unfamiliar).mean() <= 0.1
    chessboard = (np.indices((64, 160)).sum(axis=0) // 8) % 2 * 120 + 60
    assert "unfamiliar" in Scorer(path).score(encoded(gray(chessboard))).reasons


@pytest.mark.parametrize("threshold", [0.2831, 0.1, 0.7])
def test_what_masks_are_sure_of_is_called_a_defect_and_nothing_else_changes(
    deployed: DeployedUnifiedNet, tmp_path: Path, threshold: float
) -> None:
    path, pixels = tmp_path / "model.onnx", _pictures(12, seed=5)
    # Masks are surer for some pictures than for others; the bound lies between them.
    sure = copy.deepcopy(deployed)
    with torch.no_grad():
        masks = sure.head.pyramid.masks
        masks.weight *= 8
    export(sure, replace(CONTRACT, threshold=threshold, review_low=0.05), path)
    before = run_onnx(path, pixels)
    hold_sure_damage(path)
    after = run_onnx(path, pixels)
    fields = np.sort(before["mask_prob"].max(axis=1).reshape(len(pixels), -1), axis=1)
    held = fields[:, -round(0.01 * fields.shape[1]) :].mean(axis=1) >= 0.98
    assert held.any()
    assert (after["defect_prob"][held].astype(float) >= threshold).all()
    assert (
        after["defect_prob"][held] == np.maximum(before["defect_prob"][held], after["defect_prob"][held].min())
    ).all()
    assert (after["defect_prob"][~held] == before["defect_prob"][~held]).all()
    assert all((after[name] == before[name]).all() for name in ("class_prob", "mask_prob", "defect_map"))
