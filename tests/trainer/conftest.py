"""What the trainer's tests share: the bundled model, and one small exported run, made once."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import steel_defect
from steel_defect.contract import InputSpec, ModelContract
from steel_defect_trainer.cli.export import command
from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.data.load import load
from steel_defect_trainer.data.split import make_split, write_split
from steel_defect_trainer.drawing.strip import draw_strip, to_jpeg
from steel_defect_trainer.evaluation.calibration import Calibration
from steel_defect_trainer.evaluation.evaluation import evaluate
from steel_defect_trainer.evaluation.evaluation_file import write_json
from steel_defect_trainer.exporting.onnx_file import export
from steel_defect_trainer.exporting.quantise import Kept
from steel_defect_trainer.networks.deployed import deploy
from steel_defect_trainer.networks.factory import build_network
from steel_defect_trainer.networks.strip import StripNet
from steel_defect_trainer.recipe import read_recipe, to_json
from steel_defect_trainer.runs.folder import RunFolder
from steel_defect_trainer.runs.run import read_run
from steel_defect_trainer.training.checkpoint import write_checkpoint
from steel_defect_trainer.training.predict import predict
from tests.trainer.small import ALONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result
    from numpy.typing import NDArray
    from torch import Tensor

    from steel_defect_trainer.networks.body import GrayMobileNet
    from steel_defect_trainer.strips import StripSet

CLASSES = ("pits", "cracks", "scratches")
# Of so few pictures none would be sensible.
CALIBRATION = Calibration(scale=0.7, offset=-0.4, threshold=0.5, review_low=0.2, review_high=0.8)


def pytest_configure(config: pytest.Config) -> None:
    """Tests that share the exported run are run by one process; without pytest-xdist the mark has no meaning."""
    config.addinivalue_line("markers", "xdist_group(name): run by the same process")


@pytest.fixture(scope="session")
def bundled_model() -> Path:
    """The model file that ships."""
    return Path(steel_defect.__file__).parent / "bundled" / "model.onnx"


@dataclass(frozen=True)
class ExportedRun:
    """A run that `steel-defect export` turned into model files; none of them may be changed.

    Attributes:
        folder: of the run; pictures, cache and this folder lie side by side.
        strips: all of its pictures.
        parts: which of them are in each part, bool (N,).
        result: of the command.
    """

    folder: Path
    strips: StripSet
    parts: dict[str, np.ndarray]
    result: Result

    @property
    def float_file(self) -> Path:
        """The float model."""
        return self.folder / "model.onnx"

    @property
    def int8_file(self) -> Path:
        """The int8 model, with three float convolutions."""
        return self.folder / "model-int8.onnx"


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> ExportedRun:
    """A run as training and evaluation leave it, exported: making it takes most of the trainer's tests' time."""
    root = tmp_path_factory.mktemp("exported")
    _write_pictures(root / "drawn")
    recipe = read_recipe("strip", ("input.height=64", "input.width=160"))
    run = RunFolder(root / "run")
    run.path.mkdir()
    run.recipe.write_text(to_json(recipe))
    dataset = open_data(root / "drawn")
    split = make_split(dataset, 0)
    write_split(split, dataset, run.split)
    strips, parts = load(dataset, recipe.input, root / "cache"), split.masks(dataset)
    counts = {part: int(mask.sum()) for part, mask in parts.items()}
    defects = {part: int((mask & strips.defect).sum()) for part, mask in parts.items()}
    about = {"folder": str(root / "drawn"), "class_names": dataset.class_names, "digest": strips.digest}
    run.data.write_text(json.dumps({**about, "pictures": counts, "defects": defects}))
    torch.manual_seed(0)
    network = build_network(recipe, len(dataset.class_names))
    assert isinstance(network, StripNet)
    train = strips.take(parts["train"])
    pixels, classes = torch.from_numpy(np.asarray(train.pixels)), torch.from_numpy(train.classes)
    cells = torch.from_numpy(train.cells)
    train_for_a_moment(network, pixels, lambda: network.loss(network(pixels), classes, cells))
    write_checkpoint(run.best, {"network": network.state_dict()})
    predict(network, strips.take(parts["validation"]), ALONE).save(run.predictions("validation"))
    write_json(replace(evaluate(read_run(run.path), "validation"), calibration=CALIBRATION))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("steel_defect_trainer.exporting.int8.CHOICES", (Kept(3),))
        result = CliRunner().invoke(command, [str(run.path), "--cache", str(root / "cache"), "--version", "2.1"])
    assert result.exit_code == 0, result.output
    return ExportedRun(run.path, strips, parts, result)


def _write_pictures(folder: Path) -> None:
    """A table of 32 drawn strips, half of them clean, as far as the small input reaches."""
    folder.mkdir()
    rows = []
    for index in range(32):
        number = index // 2 % len(CLASSES)
        drawn = draw_strip(1, index, classes=() if index % 2 else (number + 1,))
        (folder / f"{index}.jpg").write_bytes(to_jpeg(drawn.pixels[:128, :320]))
        rows.append(f"{index}.jpg,{'clean' if index % 2 else CLASSES[number]}\n")
    (folder / "labels.csv").write_text("".join(["file,label\n", *rows]))


def train_for_a_moment(network: GrayMobileNet, pixels: Tensor, loss: Callable[[], Tensor]) -> None:
    """A few steps, so that the weights are of the kind that training gives."""
    optimiser = torch.optim.Adam(network.train().parameters(), 1e-3)
    for _ in range(8):
        value = loss()
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimiser.step()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the average of all there was: the moving one lags behind so short a training
    with torch.no_grad():
        network(pixels)
    network.eval()


class SixClasses(NamedTuple):
    """A random network of six classes, and its float file."""

    network: StripNet
    path: Path


def noise(count: int, seed: int = 0) -> NDArray[np.uint8]:
    """Pictures of the size that the network of six classes takes."""
    return np.random.default_rng(seed).integers(0, 256, (count, 64, 96), dtype=np.uint8)


@pytest.fixture(scope="session")
def six_classes(tmp_path_factory: pytest.TempPathFactory) -> SixClasses:
    """Its batch normalisation has seen pictures, so that it shows whether it was folded away."""
    torch.manual_seed(0)
    network = StripNet(6)
    with torch.no_grad():
        network.head.bias.fill_(0.1)  # that of a new head would make every probability all but 0
        network.train()(torch.from_numpy(noise(4)))
    deployed = deploy(network.eval(), CALIBRATION.scale, CALIBRATION.offset)
    spec = InputSpec(height=64, width=96)
    path = tmp_path_factory.mktemp("six") / "model.onnx"
    export(deployed, ModelContract("six", "1", tuple("abcdef"), 0.5, 0.2, 0.8, "-", "-", "-", spec), path)
    return SixClasses(network, path)
