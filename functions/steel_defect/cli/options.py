"""Options that several commands share. Imports nothing heavy: `serve` must not load ONNX Runtime before it forks."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from steel_defect.camera import CameraError, Orientation, stated_camera
from steel_defect.place import PlaceError, stated_place

if TYPE_CHECKING:
    from collections.abc import Callable

    from steel_defect.camera import Camera
    from steel_defect.place import Place

model_option = click.option(
    "--model",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="ONNX file to use instead of the bundled model.",
)


def one_output(**help_of: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add a flag for each form of output, of which one may be stated; the command gets it as `output`, or None."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def call(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - the command's own
            stated = [name for name in help_of if options.pop(f"as_{name}")]
            if len(stated) > 1:
                message = f"{' and '.join(f'--{name}' for name in stated)} exclude each other"
                raise click.UsageError(message)
            return command(*arguments, output=stated[0] if stated else None, **options)

        for name, text in reversed(help_of.items()):
            call = click.option(f"--{name}", f"as_{name}", is_flag=True, help=text)(call)
        return call

    return decorate


def camera_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that state what took the pictures."""
    for option in (
        click.option(
            "--orientation", type=click.Choice([one.value for one in Orientation]), help="How the strip runs in them."
        ),
        click.option("--bit-depth", metavar="BITS", help="Bits of the camera's samples, 8 to 16."),
        click.option("--mm-per-pixel", metavar="MM", help="Millimetres of strip that a pixel covers."),
    ):
        command = option(command)
    return command


def camera_of(mm_per_pixel: str | None, bit_depth: str | None, orientation: str | None, otherwise: Camera) -> Camera:
    """What the options state, and for the rest the environment.

    Raises:
        click.UsageError: a value is not accepted.
    """
    stated = {"mm_per_pixel": mm_per_pixel, "bit_depth": bit_depth, "orientation": orientation}
    try:
        return stated_camera({name: value for name, value in stated.items() if value}, otherwise)
    except CameraError as error:
        message = f"--{str(error).replace('_', '-')}"
        raise click.UsageError(message) from error


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that state where a picture was taken."""
    for option in (
        click.option("--position-mm", metavar="MM", help="Where along the strip the picture begins; with one picture."),
        click.option("--coil", metavar="ID", help="Coil that the pictures are of; comes back with --json."),
    ):
        command = option(command)
    return command


def place_from(coil: str | None, position_mm: str | None) -> Place:
    """What the options state.

    Raises:
        click.UsageError: a value is not accepted.
    """
    stated = {"coil": coil, "position_mm": position_mm}
    try:
        return stated_place({name: value for name, value in stated.items() if value})
    except PlaceError as error:
        message = f"--{str(error).replace('_', '-')}"
        raise click.UsageError(message) from error


def store_uri(place: str) -> str:
    """The URI of a store that may be given as a folder.

    Raises:
        click.BadParameter: it is neither.
    """
    if "://" in place:
        return place
    folder = Path(place)
    if not folder.is_dir():
        message = f"{place} is no folder, and no URI such as s3://bucket"
        raise click.BadParameter(message)
    return folder.resolve().as_uri()
