"""`steel-defect publish`: a model file into a registry. Nothing serves it before it is promoted."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from steel_defect.cli.registry import registry_errors, registry_option, who_option
from steel_defect.contract import ContractError
from steel_defect.errors import ModelUnavailable
from steel_defect.registry import publish
from steel_defect.scorer import Scorer
from steel_defect.storage import open_store

# What an export writes.
_FLOAT: Final = "model.onnx"
_INT8: Final = "model-int8.onnx"


@click.command("publish")
@click.argument("model", type=click.Path(exists=True, path_type=Path))
@registry_option
@who_option
def command(model: Path, registry: str, who: str) -> None:
    """Verify a model file and put it into the registry, under the name that it has inside.

    MODEL is a file, or the folder that 'steel-defect export' wrote into: then the int8 file, if it decides as the float
    one does, and else the float one. An int8 file that does not is refused.

    Publishing the same file again is harmless. 'steel-defect models promote' puts it into production.

    \b
        steel-defect publish runs/strip --registry s3://my-models
    """  # noqa: D301 - click wants the character that it spells
    file = _chosen(model) if model.is_dir() else model
    if not _keeps_bounds(file):
        message = f"{file} decides otherwise than its float file too often: publish {file.with_name(_FLOAT)}"
        raise click.ClickException(message)
    with registry_errors():
        sha256 = publish(open_store(registry), file.read_bytes(), who=who)
    if file != model:
        click.echo(f"{file} is published", err=True)
    click.echo(sha256)


def _chosen(folder: Path) -> Path:
    int8, whole = folder / _INT8, folder / _FLOAT
    if not whole.is_file():
        message = f"{folder} has no {_FLOAT}: name a model file, or the folder of 'steel-defect export'"
        raise click.ClickException(message)
    return int8 if int8.is_file() and _keeps_bounds(int8) else whole


def _keeps_bounds(file: Path) -> bool:
    """False for an int8 file of which its export found that it differs too much; what is no model is refused later."""
    try:
        metrics = Scorer(file.read_bytes()).contract.metrics
    except (ModelUnavailable, ContractError):
        return True
    found = metrics.get("int8_against_float")
    return not (isinstance(found, dict) and found.get("holds") is False)
