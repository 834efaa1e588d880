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
from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.data.load import load
from steel_defect_trainer.data.loose import open_loose_pictures
from steel_defect_trainer.drawing import strip as synthetic
from steel_defect_trainer.drawing.samples import SAMPLES
from steel_defect_trainer.evaluation.decision import Decision
from steel_defect_trainer.exporting import onnx_file as export
from steel_defect_trainer.networks.classifier import ClassifierNet
from steel_defect_trainer.networks.model import DeployedStripNet, StripNet
from steel_defect_trainer.recipe import read_recipe
from steel_defect_trainer.training.batches import mixture_of
from steel_defect_trainer.training.checkpoint import RunFolder
from steel_defect_trainer.training.distributed import World
from steel_defect_trainer.training.predict import predict
from steel_defect_trainer.training.train import Job, train

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect_trainer.networks.model import GrayMobileNet
    from steel_defect_trainer.strips import StripSet

ALONE = World(0, 1, torch.device("cpu"))
DECISION = Decision(scale=0.7, offset=-0.4, threshold=0.5, review_low=0.2, review_high=0.8)


def _trained(strips: StripSet, folder: Path, *, batch: int, steps: int) -> StripNet:
    overrides = (f"optimisation.batch={batch}", f"optimisation.steps={steps}", "optimisation.average=0.5")
    rates = ("optimisation.rate=1e-3", "optimisation.head_rate=1e-2", "network.dropout=0.0")
    recipe = read_recipe("strip", overrides + rates)
    folder.mkdir(exist_ok=True)
    network = train(StripNet(), Job(recipe, strips, mixture_of(strips, recipe), None, RunFolder(folder)), ALONE)
    assert isinstance(network, StripNet)
    return network


def _sample_pixels(folder: Path) -> NDArray[np.uint8]:
    return np.stack([decode((folder / sample.name).read_bytes(), InputSpec()).pixels for sample in SAMPLES])


def _assert_bundled_model_computes_what_its_weights_say(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Read the weights out of the file into the torch module; the graph around them is what this checks."""
    expected, got = export.run_torch(export.restore(path), pixels), export.run_onnx(path, pixels)
    difference = np.abs(expected["defect_prob"] - got["defect_prob"])
    assert np.ptp(got["defect_prob"]) > 0.2
    if any(item.data_type == onnx.TensorProto.INT8 for item in onnx.load(path).graph.initializer):
        # An int8 file also rounds what flows between the layers, which torch does not.
        assert difference.max() < 0.2
        assert difference.mean() < 0.03
    else:
        assert export.largest_difference(expected, got) < export.PARITY


def test_bundled_model_computes_what_its_weights_say_on_the_samples(bundled_model: Path, samples_folder: Path) -> None:
    _assert_bundled_model_computes_what_its_weights_say(bundled_model, _sample_pixels(samples_folder))


def test_bundled_model_computes_what_its_weights_say_on_real_strips(
    bundled_model: Path, severstal_folder: Path, tmp_path: Path
) -> None:
    pixels = load(open_loose_pictures(severstal_folder), InputSpec(), tmp_path).pixels
    _assert_bundled_model_computes_what_its_weights_say(bundled_model, pixels)


def test_bundled_model_holds_its_whole_contract(bundled_model: Path) -> None:
    model = onnx.load(bundled_model)
    onnx.checker.check_model(model, full_check=True)
    contract = from_metadata({item.key: item.value for item in model.metadata_props})
    assert contract.input == InputSpec()
    assert len(contract.class_names) == 4
    assert [item.name for item in model.graph.input] == ["image"]
    assert [item.name for item in model.graph.output] == ["defect_prob", "class_prob", "defect_map"]


def test_bundled_model_gives_each_strip_the_same_alone_or_in_a_batch(bundled_model: Path, samples_folder: Path) -> None:
    pixels = _sample_pixels(samples_folder)
    alone, together = export.run_onnx(bundled_model, pixels, batch=1), export.run_onnx(bundled_model, pixels, batch=6)
    assert export.largest_difference(alone, together) < 1e-5


def test_a_small_run_trains_and_exports(tmp_path: Path) -> None:
    synthetic.write_folder(tmp_path / "drawn", count=12, seed=9, processes=2)
    spec = InputSpec()
    strips = load(open_data(tmp_path / "drawn"), spec, tmp_path / "cache")
    torch.manual_seed(0)
    network = _trained(strips, tmp_path / "run", batch=6, steps=3)
    deployed = DeployedStripNet(network, scale=0.7, offset=-0.4)
    path = tmp_path / "model.onnx"
    contract = ModelContract("test", "0", ("a", "b", "c", "d"), 0.5, 0.2, 0.8, "-", "-", "-", spec)
    export.export(deployed, contract, path)
    got = export.run_onnx(path, strips.pixels, batch=5)
    # Against the network as it was trained, batch normalisation and all.
    logits = predict(network, strips, ALONE).defect_logits
    assert got["defect_prob"] == pytest.approx(1 / (1 + np.exp(-(0.7 * logits - 0.4))), abs=export.PARITY)
    assert got["class_prob"].shape == (12, 4)
    assert got["defect_map"].shape == (12, 4, 4, 25)
    model = onnx.load(path)
    assert from_metadata({item.key: item.value for item in model.metadata_props}) == contract
    assert export.largest_difference(export.run_torch(export.restore(path), strips.pixels), got) < export.PARITY


def _small_contract(*classes: str) -> ModelContract:
    return ModelContract("small", "1", classes, 0.5, 0.2, 0.8, "-", "-", "-", InputSpec(height=64, width=96))


def _noise(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, 64, 96), dtype=np.uint8)


def _with_statistics(network: GrayMobileNet) -> GrayMobileNet:
    """The network after its batch normalisation has seen pictures, so that folding it away shows."""
    with torch.no_grad():
        network.train()(torch.from_numpy(_noise(4)))
    return network.eval()


def test_any_number_of_classes_exports_with_a_free_batch_and_parity_on_bytes(
    samples: list[Path], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    network = _with_statistics(StripNet(6))
    deployed = export.deploy(network, DECISION)
    path = tmp_path / "model.onnx"
    export.export(deployed, _small_contract(*"abcdef"), path)
    with torch.no_grad():
        logits, _ = network.answers(network(torch.from_numpy(_noise(8))))
    for count in (1, 3, 8):
        got = export.run_onnx(path, _noise(8)[:count], batch=count)
        assert got["defect_prob"] == pytest.approx(DECISION.probabilities(logits.numpy()[:count]), abs=export.PARITY)
        assert got["class_prob"].shape == (count, 6)
        assert got["defect_map"].shape == (count, 6, 2, 3)
        assert export.largest_difference(export.run_torch(deployed, _noise(8)[:count]), got) < export.PARITY
    restored = export.restore(path)
    assert export.largest_difference(export.run_torch(restored, _noise(8)), got) < export.PARITY
    assert 0 < export.check_parity(restored, path, samples[:2]) < export.PARITY
    restored.offset += 0.01
    with pytest.raises(export.ExportError, match=r"differs from the network by .* on .*clean-dark-edge\.jpg"):
        export.check_parity(restored, path, samples[:2])


def test_a_classifier_exports_one_probability_and_serves(tmp_path: Path) -> None:
    torch.manual_seed(0)
    contract = _small_contract("defect")
    network = _with_statistics(ClassifierNet(contract.input, pooled=2, hidden=16, dropout=0.5))
    deployed = export.deploy(network, DECISION)
    path = tmp_path / "model.onnx"
    export.export(deployed, contract, path)
    with torch.no_grad():
        logits = network(torch.from_numpy(_noise(8))).numpy()
    for count in (1, 3, 8):
        got = export.run_onnx(path, _noise(8)[:count], batch=count)
        assert list(got) == ["defect_prob"]
        assert got["defect_prob"] == pytest.approx(DECISION.probabilities(logits[:count]), abs=export.PARITY)
    scorer = Scorer(path)
    self_test(scorer)
    assert scorer.contract == contract


def test_outputs_that_only_one_has_are_a_difference() -> None:
    one = {"defect_prob": np.zeros(1, np.float32)}
    with pytest.raises(export.ExportError, match="one gives defect_prob, the other defect_prob, class_prob"):
        export.largest_difference(one, {**one, "class_prob": np.zeros((1, 4), np.float32)})
