"""`steel-defect evaluate`: how good a run is, and the threshold to take."""

from __future__ import annotations

from pathlib import Path

import click

from steel_defect_trainer.cli.agreement_table import print_agreement
from steel_defect_trainer.cli.evaluation_table import print_evaluation
from steel_defect_trainer.errors import TrainerError


@click.command("evaluate")
@click.argument("run", metavar="RUN")
@click.option(
    "--part",
    type=click.Choice(["validation", "test"]),
    help="Part to judge it on (default: test if the run has predictions of it, else validation).",
)
@click.option(
    "--recall-floor",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="R",
    help="Threshold with the best precision that finds at least this share of the defects (default: best F1).",
)
@click.option(
    "--false-alarms",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="F",
    help="Threshold that at most this share of new clean pictures reach (0.05 where no defect is known).",
)
@click.option(
    "--threshold", type=click.FloatRange(0, 1), metavar="T", help="Take this threshold instead of choosing one."
)
@click.option(
    "--decision-from", metavar="RUN", help="Choose threshold and calibration on the validation part of another run."
)
@click.option(
    "--inspectors",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="TABLE",
    help="CSV of file and a column for each inspector, of pictures that two or more have judged.",
)
def command(  # noqa: PLR0913, PLR0917 - the command's own options
    run: str,
    part: str | None,
    recall_floor: float | None,
    false_alarms: float | None,
    threshold: float | None,
    decision_from: str | None,
    inspectors: Path | None,
) -> None:
    """Judge a training run: a folder, or its name under runs/.

    Calibration, threshold and review band are always chosen on validation pictures. Writes evaluation.json, figures/
    and report.html into the run's folder.

    A final model learned from the validation pictures too: name the run that its recipe was tried with.

    \b
        steel-defect evaluate runs/strip --recall-floor 0.98
        steel-defect evaluate runs/strip-final --decision-from runs/strip
    """  # noqa: D301 - click wants the character that it spells
    from steel_defect_trainer.data.inspectors import read_verdicts  # noqa: PLC0415 - heavy, and --help does without
    from steel_defect_trainer.evaluation.evaluation import evaluate  # noqa: PLC0415 - as above
    from steel_defect_trainer.evaluation.evaluation_file import write_json  # noqa: PLC0415 - as above
    from steel_defect_trainer.evaluation.report import write_report  # noqa: PLC0415 - as above
    from steel_defect_trainer.runs.run import read_run  # noqa: PLC0415 - as above

    if sum(given is not None for given in (threshold, recall_floor, false_alarms)) > 1:
        message = "--threshold, --recall-floor and --false-alarms exclude each other"
        raise click.UsageError(message)
    try:
        judged = read_run(run)
        evaluation = evaluate(
            judged,
            part or ("test" if judged.has("test") else "validation"),
            chosen_by=None if decision_from is None else read_run(decision_from),
            recall_floor=recall_floor,
            false_alarms=false_alarms,
            threshold=threshold,
        )
        if inspectors is not None:
            verdicts = read_verdicts(inspectors, evaluation.class_names)
            evaluation = evaluation.beside(verdicts.names, verdicts.inspectors, verdicts.said)
        report = write_report(evaluation)
        written = write_json(evaluation)
    except (TrainerError, OSError) as error:
        raise click.ClickException(str(error)) from error
    print_evaluation(evaluation)
    if evaluation.agreement is not None:
        print_agreement(evaluation.agreement)
    click.echo(f"\n{written}\n{report}")
