"""`steel-defect cross-validate`: what a recipe is worth on few pictures, and how it should decide."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from steel_defect_trainer.cli.evaluation_table import print_evaluation
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
    from steel_defect.location import Location


@click.command("cross-validate", epilog=f"Recipes:\n\n{described()}")
@click.argument("recipe")
@click.argument("folder", type=Folder(exists=True))
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the cross-validation (runs/RECIPE-folds).",
)
@click.option(
    "--folds", type=click.IntRange(min=2), default=5, show_default=True, help="Parts that are held out in turn."
)
@click.option(
    "--recall-floor",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="R",
    help="Threshold with the best precision that finds at least this share of the defects (default: best F1).",
)
@overrides_option
@minutes_option
@start_options
@cache_option
def command(  # noqa: PLR0913, PLR0917 - the command's own options
    recipe: str,
    folder: Path | Location,
    output: Path | None,
    folds: int,
    recall_floor: float | None,
    overrides: tuple[str, ...],
    minutes: float | None,
    start_from: Path | None,
    backbone: Path | None,
    from_scratch: bool,  # noqa: FBT001 - a flag of the command
    device: str,
    workers: int | None,
    cache: Path,
) -> None:
    """Judge RECIPE on all labelled pictures in FOLDER, each by a network that saw nothing of its group.

    For fewer than a few hundred defects: a validation part of them would be too small to choose or to judge by. As many
    networks are trained as there are folds. Calibration, threshold and review band are chosen on all out-of-fold
    answers; beside them stands a frozen ImageNet network with logistic regression, in the same folds. Writes
    evaluation.json and report.html. Then train on all pictures:

    \b
        steel-defect cross-validate strip my-pictures -o runs/few
        steel-defect train strip my-pictures --final runs/few -o runs/few-final
        steel-defect export runs/few-final
    """  # noqa: D301 - click wants the character that it spells
    from steel_defect_trainer.evaluation.evaluation import evaluate  # noqa: PLC0415 - heavy, and --help does without
    from steel_defect_trainer.evaluation.evaluation_file import write_json  # noqa: PLC0415 - as above
    from steel_defect_trainer.evaluation.report import write_report  # noqa: PLC0415 - as above
    from steel_defect_trainer.runs.run import read_run  # noqa: PLC0415 - as above
    from steel_defect_trainer.training.cross_validation_run import (  # noqa: PLC0415 - as above
        CrossValidationRequest,
        carry_out_folds,
    )
    from steel_defect_trainer.training.distributed import joined_world  # noqa: PLC0415 - as above
    from steel_defect_trainer.training.start import Start  # noqa: PLC0415 - as above

    with trainer_errors():
        resolved = read_recipe(recipe, overrides)
        check_device(device)
        with joined_world(device) as world:
            request = CrossValidationRequest(
                recipe=resolved,
                folder=fetched(folder, cache),
                folds=folds,
                start=Start(start_from, backbone, from_scratch),
                output=output or Path("runs") / f"{resolved.name}-folds",
                cache=cache,
                workers=loader_processes(workers, world.device.type),
                minutes=minutes,
                fits=not states_shape(recipe, overrides),
            )
            run = carry_out_folds(request, world)
        if not world.leads:
            return
        evaluation = evaluate(read_run(run.path), "validation", recall_floor=recall_floor)
        report, written = write_report(evaluation), write_json(evaluation)
    print_evaluation(evaluation)
    click.echo(
        f"\n{written}\n{report}\nnext: steel-defect train {recipe} {folder} --final {run.path}, with the same --set"
    )
