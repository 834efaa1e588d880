"""A run's folder, and its checkpoints: written whole or not at all, so the last good one survives whatever happens."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import torch

from steel_defect_trainer.files import replacing
from steel_defect_trainer.networks.classifier import ClassifierNet
from steel_defect_trainer.networks.model import GrayMobileNet, StripNet
from steel_defect_trainer.recipe import Recipe, RecipeError, from_table

if TYPE_CHECKING:
    from pathlib import Path


class CheckpointError(ValueError):
    """A run's folder lacks what is asked of it, or belongs to another run."""


@dataclass(frozen=True)
class RunFolder:
    """Where the files of one run are."""

    path: Path

    @property
    def recipe(self) -> Path:
        """The resolved recipe."""
        return self.path / "recipe.json"

    @property
    def data(self) -> Path:
        """What was learned from: folder, class names, counts, digest."""
        return self.path / "data.json"

    @property
    def log(self) -> Path:
        """One JSON object a line."""
        return self.path / "log.jsonl"

    @property
    def last(self) -> Path:
        """Where training goes on from."""
        return self.path / "last.pt"

    @property
    def best(self) -> Path:
        """The averaged weights that come out."""
        return self.path / "best.pt"


def build_network(recipe: Recipe, classes: int) -> GrayMobileNet:
    """Make the recipe's network with random weights.

    Args:
        recipe: its input and network sections decide.
        classes: of the data set.
    """
    plan = recipe.network
    if plan.kind == "strip":
        return StripNet(classes, dropout=plan.dropout)
    return ClassifierNet(recipe.input, pooled=plan.pooled, hidden=plan.hidden, dropout=plan.dropout)


def load_network(folder: Path) -> GrayMobileNet:
    """Read the network that a run came out with, ready for evaluation.

    Raises:
        CheckpointError: no run, not finished, or a damaged file.
    """
    run = RunFolder(folder)
    try:
        recipe = from_table(json.loads(run.recipe.read_text(encoding="utf-8")))
        classes = len(json.loads(run.data.read_text(encoding="utf-8"))["class_names"])
        network = build_network(recipe, classes)
        network.load_state_dict(read_checkpoint(run.best)["network"])
    except FileNotFoundError as error:
        message = f"{folder} is no finished run: {error.filename} is missing"
        raise CheckpointError(message) from error
    except (RecipeError, KeyError, ValueError, RuntimeError) as error:
        message = f"{folder}: the network cannot be read: {error}"
        raise CheckpointError(message) from error
    return network.eval()


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write beside the old file, then take its place in one step.

    Raises:
        OSError: no room, say; the old file is as it was.
    """
    # Through memory: torch's own writer hides what the file system says.
    buffer = BytesIO()
    torch.save(state, buffer)
    with replacing(path) as file:
        file.write(buffer.getbuffer())


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read what `write_checkpoint` wrote, onto the CPU.

    Raises:
        FileNotFoundError: there is none.
        CheckpointError: the file is damaged.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except Exception as error:  # torch's unpickler raises what it likes
        message = f"{path} is damaged: {error}"
        raise CheckpointError(message) from error
    return state
