"""`steel-defect decide`: another threshold, review band or other class names in a copy of a model file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.table import Table

from steel_defect.cli.console import table_console
from steel_defect.cli.onnx_metadata import with_metadata
from steel_defect.contract import ContractError, to_metadata
from steel_defect.errors import ModelUnavailable
from steel_defect.scorer import Scorer
from steel_defect.selftest import self_test

if TYPE_CHECKING:
    from steel_defect.contract import ModelContract

_PROBABILITY: Final = click.FloatRange(0, 1)
_WRITTEN: Final = ("threshold", "review_low", "review_high", "class_names")


@click.command("decide")
@click.argument("model", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The new file; must not exist.",
)
@click.option("--threshold", type=_PROBABILITY, help="From this probability on, defect_status is 1.")
@click.option("--review-low", type=_PROBABILITY, help="Below this probability the decision is pass.")
@click.option("--review-high", type=_PROBABILITY, help="From this probability on the decision is reject.")
@click.option("--class-names", metavar="A,B", help="Names of all classes, in the order of the model's own.")
def command(output: Path, model: Path, class_names: str | None, **band: float | None) -> None:
    """Write another threshold, review band or other class names into a copy of a model file, without training.

    What is not given stays as it is in MODEL, and so does every probability. The new file has a SHA-256 of its own, so
    it is another version: 'steel-defect publish' puts it into a registry. To change what a deployment decides, whatever
    it serves, set THRESHOLD, REVIEW_LOW and REVIEW_HIGH there instead.

    \b
        steel-defect decide model.onnx -o strict.onnx --threshold 0.15 --review-low 0.1
    """  # noqa: D301 - click wants the character that it spells
    changed: dict[str, Any] = {name: value for name, value in band.items() if value is not None}
    if class_names is not None:
        changed["class_names"] = tuple(name.strip() for name in class_names.split(","))
    if not changed:
        message = "give at least one of --threshold, --review-low, --review-high and --class-names"
        raise click.UsageError(message)
    data = model.read_bytes()
    before = _contract(data)
    if "class_names" in changed:
        _check_names(changed["class_names"], before)
    try:
        after = replace(before, **changed)
    except ContractError as error:
        message = f"{error}; give the others as well"
        raise click.ClickException(message) from error
    metadata = to_metadata(after)
    changed_data = with_metadata(data, {name: metadata[name] for name in changed})
    if _contract(changed_data) != after:  # Never a file that says anything else than what is printed.
        message = "the new file cannot be read as it was written"
        raise click.ClickException(message)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with output.open("xb") as file:
            file.write(changed_data)
    except FileExistsError as error:
        message = f"{output} is there already; choose another name"
        raise click.ClickException(message) from error
    _show(before, after)
    click.echo(f"{output}: {Scorer(changed_data).sha256}")


def _contract(data: bytes) -> ModelContract:
    """What the file says, once it has scored a picture as a function would before it serves."""
    try:
        scorer = Scorer(data)
        self_test(scorer)
    except ModelUnavailable as error:
        raise click.ClickException(str(error)) from error
    return scorer.contract


def _check_names(names: tuple[str, ...], before: ModelContract) -> None:
    if len(names) != len(before.class_names) or len(set(names)) != len(names) or not all(names):
        own = ",".join(before.class_names)
        message = f"--class-names takes {len(before.class_names)} different names, one for each of {own}"
        raise click.UsageError(message)


def _show(before: ModelContract, after: ModelContract) -> None:
    table = Table("", "before", "after", box=None, pad_edge=False)
    for name in _WRITTEN:
        table.add_row(name, *(_text(getattr(contract, name)) for contract in (before, after)))
    table_console().print(table)


def _text(value: float | tuple[str, ...]) -> str:
    return ", ".join(value) if isinstance(value, tuple) else f"{value:g}"
