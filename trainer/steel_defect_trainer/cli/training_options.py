"""What `train` and `cross-validate` share: options, and errors as their user reads them."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from steel_defect_trainer.errors import TrainerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Command = TypeVar("Command", bound="Callable[..., Any]")

overrides_option = click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a part of the recipe."
)

minutes_option = click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    metavar="M",
    help="Train for about so long at most: with as many steps as fit, measured before it begins.",
)


def start_options(command: Command) -> Command:
    """Where the weights come from, and where they are trained."""
    for option in (
        click.option(
            "--start-from",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="A finished run whose network is trained further.",
        ),
        click.option(
            "--backbone",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="File of ImageNet weights under torchvision's names (downloaded).",
        ),
        click.option("--from-scratch", is_flag=True, help="Start from random weights."),
        click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True),
        click.option("--workers", type=click.IntRange(min=0), help="Loader processes (0 on a CPU, up to 8 on a GPU)."),
    )[::-1]:
        command = option(command)
    return command


def states_shape(recipe: str, overrides: tuple[str, ...]) -> bool:
    """Whether the user states the size of the input, so that it does not follow the pictures."""
    return recipe.endswith(".toml") or any(text.startswith(("input.height", "input.width")) for text in overrides)


def check_device(device: str) -> None:
    """Refuse a GPU that is not there.

    Raises:
        click.UsageError: says so.
    """
    import torch  # noqa: PLC0415 - heavy, and --help does without

    if device == "cuda" and not torch.cuda.is_available():
        message = "PyTorch finds no GPU on this machine: leave --device out, or use --device cpu"
        raise click.UsageError(message)


def loader_processes(wanted: int | None, device: str) -> int:
    """How many processes load pictures for one that trains; None is answered by the device."""
    if wanted is not None:
        return wanted
    return min(8, os.cpu_count() or 1) if device == "cuda" else 0


@contextmanager
def trainer_errors() -> Iterator[None]:
    """Turn the errors of a training into one line each."""
    import torch  # noqa: PLC0415 - heavy, and --help does without

    try:
        yield
    except TrainerError as error:
        raise click.ClickException(str(error)) from error
    except torch.OutOfMemoryError as error:
        message = f"the GPU has too little memory for this batch: try --set optimisation.batch=... ({error})"
        raise click.ClickException(message) from error
    except OSError as error:
        raise click.ClickException(_reason(error)) from error
    except KeyboardInterrupt:
        click.echo("stopped; the same command resumes from the last checkpoint", err=True)
        raise


def _reason(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"
