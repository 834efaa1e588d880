"""`steel-defect train`: a recipe and labelled pictures to a network."""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from steel_defect_trainer.cli.options import Folder, cache_option, fetched
from steel_defect_trainer.errors import TrainerError
from steel_defect_trainer.recipe import names, read_recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steel_defect.location import Location
    from steel_defect_trainer.training.distributed import World

_SHAPE: Final = ("input.height", "input.width")


@click.command("train", epilog=f"Recipes: {', '.join(names())}. With many GPUs: torchrun -m steel_defect train ...")
@click.argument("recipe")
@click.argument("folder", required=False, type=Folder(exists=True))
@click.option("-o", "--output", type=Folder(exists=False), help="The run's folder (runs/RECIPE).")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a part of the recipe.")
@click.option(
    "--split",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file from 'steel-defect split' (made anew, 70/15/15).",
)
@click.option(
    "--start-from",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A finished run whose network is trained further.",
)
@click.option(
    "--backbone",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File of ImageNet weights under torchvision's names (downloaded).",
)
@click.option("--from-scratch", is_flag=True, help="Start from random weights.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--workers", type=click.IntRange(min=0), help="Loader processes (0 on a CPU, up to 8 on a GPU).")
@cache_option
def command(  # noqa: PLR0913, PLR0917 - the command's own options
    recipe: str,
    folder: Path | Location | None,
    output: Path | Location | None,
    overrides: tuple[str, ...],
    split: Path | None,
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
    """
    import torch  # noqa: PLC0415 - heavy, and --help does without

    from steel_defect_trainer.training.distributed import joined_world  # noqa: PLC0415 - as above
    from steel_defect_trainer.training.run import Start, TrainingRequest, carry_out  # noqa: PLC0415 - as above

    try:
        resolved = read_recipe(recipe, overrides)
        if device == "cuda" and not torch.cuda.is_available():
            message = "PyTorch finds no GPU on this machine: leave --device out, or use --device cpu"
            raise click.UsageError(message)
        data = None if folder is None else fetched(folder, cache)
        output = output or Path("runs") / resolved.name
        with joined_world(device) as world, _run_folder(output, cache, world) as run_folder:
            if workers is None:
                workers = min(8, os.cpu_count() or 1) if world.device.type == "cuda" else 0
            start = Start(start_from, backbone, from_scratch)
            fits = not (recipe.endswith(".toml") or any(text.startswith(_SHAPE) for text in overrides))
            request = TrainingRequest(resolved, data, split, start, run_folder, cache, workers, fits)
            run = carry_out(request, world)
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
    if world.leads:
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


def _reason(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"
