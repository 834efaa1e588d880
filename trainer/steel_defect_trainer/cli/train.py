"""`steel-defect train`: a recipe and labelled pictures to a network."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from steel_defect_trainer.cli.options import Folder, cache_option, fetched
from steel_defect_trainer.cli.training_options import (
    check_device,
    loader_processes,
    minutes_option,
    overrides_option,
    start_options,
    states_shape,
    trainer_errors,
)
from steel_defect_trainer.recipe import described, read_recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steel_defect.location import Location
    from steel_defect_trainer.training.distributed import World


@click.command("train", epilog=f"With many GPUs: torchrun -m steel_defect train ...\n\nRecipes:\n\n{described()}")
@click.argument("recipe")
@click.argument("folder", required=False, type=Folder(exists=True))
@click.option("-o", "--output", type=Folder(exists=False), help="The run's folder (runs/RECIPE).")
@overrides_option
@minutes_option
@click.option(
    "--split",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file from 'steel-defect split' (made anew, 70/15/15).",
)
@click.option(
    "--final",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="RUN",
    help="Learn from all pictures; figures and decision are those of this cross-validation.",
)
@start_options
@cache_option
def command(  # noqa: PLR0913, PLR0917 - the command's own options
    recipe: str,
    folder: Path | Location | None,
    output: Path | Location | None,
    overrides: tuple[str, ...],
    minutes: float | None,
    split: Path | None,
    final: Path | None,
    start_from: Path | None,
    backbone: Path | None,
    from_scratch: bool,  # noqa: FBT001 - a flag of the command
    device: str,
    workers: int | None,
    cache: Path,
) -> None:
    """Train RECIPE, the name of one or a .toml file, on the labelled pictures in FOLDER.

    The input of a recipe that keeps the aspect gets the shape of the median picture, with as many pixels as the
    recipe's, unless --set input.height or input.width state another, or RECIPE is a file.

    FOLDER and --output may be in a bucket, s3://bucket/folder or gs://bucket/folder: then they are copied to the cache,
    where later only what changed is copied, and the run's folder goes to its bucket every three minutes and at the end.

    Without FOLDER, 2,000 strips are drawn and trained on. 'steel-defect split --help' says how a folder is laid out.
    A run can be resumed with the same command however it was stopped, and ends with the same weights. The run's folder
    gets the resolved recipe, the split, the log, curves for TensorBoard, checkpoints, and the predictions for the
    validation pictures, or for the test pictures if the recipe trains a final model.

    \b
        steel-defect train strip my-pictures -o runs/strip --minutes 60
    """  # noqa: D301 - click wants the character that it spells
    from steel_defect_trainer.training.distributed import joined_world  # noqa: PLC0415 - heavy, and --help does without
    from steel_defect_trainer.training.run import TrainingRequest, carry_out  # noqa: PLC0415 - as above
    from steel_defect_trainer.training.start import Start  # noqa: PLC0415 - as above

    if final is not None and (split is not None or folder is None):
        message = "--final learns from all pictures of FOLDER, so it takes no --split"
        raise click.UsageError(message)
    with trainer_errors():
        resolved = read_recipe(recipe, overrides)
        check_device(device)
        data = None if folder is None else fetched(folder, cache)
        output = output or Path("runs") / resolved.name
        with joined_world(device) as world, _run_folder(output, cache, world) as run_folder:
            request = TrainingRequest(
                recipe=resolved,
                folder=data,
                split=split,
                start=Start(start_from, backbone, from_scratch),
                output=run_folder,
                cache=cache,
                workers=loader_processes(workers, world.device.type),
                fits=not states_shape(recipe, overrides),
                final=final,
                minutes=minutes,
            )
            run = carry_out(request, world)
    if world.leads and final is not None:
        click.echo(f"{run.path} is trained; next: steel-defect export {run.path}")
    elif world.leads:
        click.echo(f"{run.path} is trained; next: steel-defect evaluate {run.path}")


@contextmanager
def _run_folder(output: Path | Location, cache: Path, world: World) -> Iterator[Path]:
    """The run's folder on this machine; one in a bucket is fetched before and brought back after."""
    if isinstance(output, Path):
        yield output
        return
    from steel_defect_trainer.buckets.copies import Copy  # noqa: PLC0415 - most runs are not in a bucket

    copy = Copy(output, cache)
    if world.leads:
        copy.fetch_run()
    world.gather(None)  # the others wait for the files
    with copy.kept() if world.leads else nullcontext():
        yield copy.folder
