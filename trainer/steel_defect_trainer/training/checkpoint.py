"""Checkpoints: written whole or not at all, so the last good one survives whatever happens."""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

import torch

from steel_defect_trainer.errors import CheckpointError, TrainerError
from steel_defect_trainer.files import replacing
from steel_defect_trainer.networks.factory import build_network
from steel_defect_trainer.recipe import from_table
from steel_defect_trainer.runs.folder import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect_trainer.networks.body import GrayMobileNet


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
    except (TrainerError, KeyError, ValueError, RuntimeError) as error:
        message = f"{folder}: the network cannot be read: {error}"
        raise CheckpointError(message) from error
    return network.eval()


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write beside the old file, then take its place in one step.

    Raises:
        OSError: the disk is full, for example; the old file is unchanged.
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
    except Exception as error:  # torch's unpickler raises many kinds
        message = f"{path} is damaged: {error}"
        raise CheckpointError(message) from error
    return state
