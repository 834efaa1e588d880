"""The exported file computes what the network computes - the bundled one, on real bytes - and says all about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import torch

from steel_defect.contract import InputSpec, ModelContract, from_metadata
from steel_defect.image import decode
from steel_defect.scorer import Scorer
from steel_defect.selftest import self_test
from steel_defect_trainer.data.load import load
from steel_defect_trainer.data.loose import open_loose_pictures
from steel_defect_trainer.errors import ExportError
from steel_defect_trainer.evaluation.evaluation_file import read_evaluation, stored_calibration
from steel_defect_trainer.exporting.metadata import read_contract
from steel_defect_trainer.exporting.onnx_file import export
from steel_defect_trainer.exporting.parity import TOLERANCE, check_parity, largest_difference, run_onnx, run_torch
from steel_defect_trainer.networks.classifier import ClassifierNet
from steel_defect_trainer.networks.deployed import deploy
from steel_defect_trainer.runs.run import read_run
from steel_defect_trainer.training.checkpoint import load_network
from steel_defect_trainer.training.predict import predict
from tests.trainer.conftest import CALIBRATION, noise
from tests.trainer.restored import restore
from tests.trainer.small import ALONE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.trainer.conftest import ExportedRun, SixClasses

pytestmark = pytest.mark.xdist_group("exported")


def _sample_pixels(samples: list[Path]) -> NDArray[np.uint8]:
    return np.stack([decode(path.read_bytes(), InputSpec()).pixels for path in samples])


def _assert_bundled_model_computes_what_its_weights_say(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Read the weights out of the file into the torch module; the graph around them is what this checks.

    What sure damage holds at the threshold is no longer what the weights say of the picture as a whole.
    """
    expected, got = run_torch(restore(path), pixels), run_onnx(path, pixels)
    held = np.isclose(got["defect_prob"], read_contract(path).threshold, rtol=0, atol=1e-6)
    assert not held.all()
    difference = np.abs(expected["defect_prob"] - got["defect_prob"])[~held]
    assert np.ptp(got["defect_prob"]) > 0.2
    if any(item.data_type == onnx.TensorProto.INT8 for item in onnx.load(path).graph.initializer):
        # An int8 file also rounds what flows between the layers, which torch does not.
        assert difference.max() < 0.2
        assert difference.mean() < 0.03
    else:
        assert largest_difference(expected, got) < TOLERANCE


def test_bundled_model_computes_what_its_weights_say_on_the_samples(bundled_model: Path, samples: list[Path]) -> None:
    _assert_bundled_model_computes_what_its_weights_say(bundled_model, _sample_pixels(samples))


def test_bundled_model_computes_what_its_weights_say_on_real_strips(
    bundled_model: Path, severstal: Path, tmp_path: Path
) -> None:
    pixels = load(open_loose_pictures(severstal), InputSpec(), tmp_path).pixels
    _assert_bundled_model_computes_what_its_weights_say(bundled_model, pixels)


def test_bundled_model_holds_its_whole_contract(bundled_model: Path) -> None:
    model = onnx.load(bundled_model)
    onnx.checker.check_model(model, full_check=True)
    contract = from_metadata({item.key: item.value for item in model.metadata_props})
    assert contract.input == InputSpec()
    assert len(contract.class_names) == 4
    assert [item.name for item in model.graph.input] == ["image"]
    assert [item.name for item in model.graph.output] == [
        *("defect_prob", "class_prob", "defect_map", "mask_prob", "novelty"),
    ]


def test_bundled_model_gives_each_strip_the_same_alone_or_in_a_batch(bundled_model: Path, samples: list[Path]) -> None:
    pixels = _sample_pixels(samples)
    alone, together = run_onnx(bundled_model, pixels, batch=1), run_onnx(bundled_model, pixels, batch=6)
    assert largest_difference(alone, together) < 1e-5


def test_the_exported_file_computes_what_the_trained_network_does(exported: ExportedRun) -> None:
    # Against the network as it was trained, batch normalisation and all.
    pixels, run = exported.strips.pixels, read_run(exported.folder)
    logits = predict(load_network(exported.folder), exported.strips, ALONE).defect_logits
    expected = stored_calibration(run, read_evaluation(run)).probabilities(logits)
    got = run_onnx(exported.float_file, pixels, batch=5)
    assert np.ptp(expected) > 0.1
    assert got["defect_prob"] == pytest.approx(expected, abs=TOLERANCE)
    assert got["class_prob"].shape == (32, 3)
    assert got["defect_map"].shape == (32, 3, 2, 5)


def test_the_batch_is_free_and_the_weights_are_in_the_file(exported: ExportedRun) -> None:
    path, pixels = exported.float_file, np.array(exported.strips.pixels[:8])
    restored = restore(path)
    for count in (1, 3, 8):
        got = run_onnx(path, pixels[:count], batch=count)
        assert largest_difference(run_torch(restored, pixels[:count]), got) < TOLERANCE


def test_a_file_that_computes_something_else_than_the_network_is_refused(
    exported: ExportedRun, samples: list[Path]
) -> None:
    restored = restore(exported.float_file)
    assert 0 < check_parity(restored, exported.float_file, samples[:2]) < TOLERANCE
    restored.offset += 0.01
    with pytest.raises(ExportError, match=r"differs from the network by .* on .*clean-dark-edge\.jpg"):
        check_parity(restored, exported.float_file, samples[:2])


def test_any_number_of_classes_exports(six_classes: SixClasses) -> None:
    # Against the network with its batch normalisation, which the file has folded away.
    network, pixels = six_classes.network, noise(8)
    with torch.no_grad():
        logits = network(torch.from_numpy(pixels)).defect
    restored = restore(six_classes.path)
    for count in (1, 3, 8):
        got = run_onnx(six_classes.path, pixels[:count], batch=count)
        assert got["defect_prob"] == pytest.approx(CALIBRATION.probabilities(logits.numpy()[:count]), abs=TOLERANCE)
        assert got["class_prob"].shape == (count, 6)
        assert got["defect_map"].shape == (count, 6, 2, 3)
        assert largest_difference(run_torch(restored, pixels[:count]), got) < TOLERANCE


def test_a_classifier_exports_one_probability_and_serves(tmp_path: Path) -> None:
    torch.manual_seed(0)
    contract = ModelContract("small", "1", ("defect",), 0.5, 0.2, 0.8, "-", "-", "-", InputSpec(height=64, width=96))
    network = ClassifierNet(contract.input, pooled=2, hidden=16, dropout=0.5)
    with torch.no_grad():
        network.train()(torch.from_numpy(noise(4)))  # so that folding batch normalisation away shows
        logits = network.eval()(torch.from_numpy(noise(8))).defect.numpy()
    path = tmp_path / "model.onnx"
    export(deploy(network, CALIBRATION.scale, CALIBRATION.offset), contract, path)
    for count in (1, 3, 8):
        got = run_onnx(path, noise(8)[:count], batch=count)
        assert list(got) == ["defect_prob"]
        assert got["defect_prob"] == pytest.approx(CALIBRATION.probabilities(logits[:count]), abs=TOLERANCE)
    scorer = Scorer(path)
    self_test(scorer)
    assert scorer.contract == contract


def test_outputs_that_only_one_has_are_a_difference() -> None:
    one = {"defect_prob": np.zeros(1, np.float32)}
    with pytest.raises(ExportError, match="one gives defect_prob, the other defect_prob, class_prob"):
        largest_difference(one, {**one, "class_prob": np.zeros((1, 4), np.float32)})


def test_a_tie_of_two_classes_in_a_field_is_no_difference_of_masks_or_map() -> None:
    masks = np.zeros((1, 2, 32, 32), np.float32)
    masks[0, 0] = 0.3
    tie = masks.copy()
    tie[0, :, 5, 5] = 0, 0.3
    one, other = (
        {"mask_prob": found, "defect_map": found.reshape(1, 2, 4, 8, 4, 8).max(axis=(3, 5))} for found in (masks, tie)
    )
    assert largest_difference(one, other) == 0
    assert largest_difference(one, {**other, "mask_prob": masks}) == pytest.approx(0.3)  # a map of no mask
    tie[0, 0, :8] = 0
    tie[0, 1, :8] = 0.3
    assert largest_difference(one, {**other, "mask_prob": tie}) == pytest.approx(0.3)  # too many for ties
