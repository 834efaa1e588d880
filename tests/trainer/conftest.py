"""What the trainer's tests share: the bundled model, and one small exported run, made once."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import steel_defect
from steel_defect_trainer.cli.export import command
from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.data.load import load
from steel_defect_trainer.data.split import make_split, write_split
from steel_defect_trainer.drawing.strip import draw_strip, to_jpeg
from steel_defect_trainer.evaluation.calibration import Calibration
from steel_defect_trainer.evaluation.evaluation import evaluate
from steel_defect_trainer.evaluation.evaluation_file import write_json
from steel_defect_trainer.networks.factory import build_network
from steel_defect_trainer.networks.strip import StripNet
from steel_defect_trainer.recipe import read_recipe, to_json
from steel_defect_trainer.runs.folder import RunFolder
from steel_defect_trainer.runs.run import read_run
from steel_defect_trainer.training.checkpoint import write_checkpoint
from steel_defect_trainer.training.predict import predict
from tests.trainer.small import ALONE

if TYPE_CHECKING:
    from click.testing import Result

    from steel_defect_trainer.strips import StripSet

CLASSES = ("pits", "cracks", "scratches")
# Of so few pictures none would be sensible.
CALIBRATION = Calibration(scale=0.5, offset=-0.4, threshold=0.5, review_low=0.2, review_high=0.8)


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
    _train_for_a_moment(network, strips.take(parts["train"]))
    write_checkpoint(run.best, {"network": network.state_dict()})
    predict(network, strips.take(parts["validation"]), ALONE).save(run.predictions("validation"))
    write_json(replace(evaluate(read_run(run.path), "validation"), calibration=CALIBRATION))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("steel_defect_trainer.exporting.run.FLOAT_FIRST", (3,))
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


def _train_for_a_moment(network: StripNet, strips: StripSet) -> None:
    """A few steps, so that the weights are of the kind that training gives."""
    optimiser = torch.optim.Adam(network.train().parameters(), 1e-3)
    pixels, classes = torch.from_numpy(np.asarray(strips.pixels)), torch.from_numpy(strips.classes)
    cells = torch.from_numpy(strips.cells)
    for _ in range(8):
        loss = network.loss(network(pixels), classes, cells)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimiser.step()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the average of all there was: the moving one lags behind so short a training
    with torch.no_grad():
        network(pixels)
    network.eval()
