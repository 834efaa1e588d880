"""`steel-defect score`: pictures on this machine, a table for people or lines for programs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from steel_defect.cli.find import find_pictures, read_picture
from steel_defect.cli.options import (
    camera_of,
    camera_options,
    model_option,
    one_output,
    place_from,
    place_options,
)
from steel_defect.cli.report import Row
from steel_defect.cli.show import SEVERITY, hides_progress, report_for, show
from steel_defect.client.errors import ServiceProblem
from steel_defect.errors import SteelDefectError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from steel_defect.camera import Camera

_PARALLEL: Final = 8
_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_FOLDER: Final = click.Path(file_okay=False, path_type=Path)


@click.command("score")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@one_output(json="One JSON object a line, as POST /predict answers.", csv="Comma-separated values with a header.")
@click.option("--map", "with_map", is_flag=True, help="With --json: add a map of each class over the picture.")
@click.option("--masks", "with_masks", is_flag=True, help="With --json: add which pixels each class is seen in.")
@click.option("--defects", "by_defect", is_flag=True, help="One row a defect, in the table or with --csv.")
@click.option("--overlay", type=_FOLDER, help="Write each picture with the outlines of its defects into this folder.")
@click.option("--rle", type=_FILE, help="Write run lengths of pixels, as Kaggle's competition takes them.")
@click.option("--coco", type=_FILE, help="Write the defects as annotations in COCO's format.")
@click.option("--fail-on", type=click.Choice(SEVERITY[1:]), help="Exit with 3 on this decision, or a worse one.")
@click.option(
    "--results", metavar="URI", help="With a bucket: where to write results, s3://bucket[/prefix] or gs://..."
)
@click.option("--url", metavar="URL", help="Let this deployment score: https://..., lambda://FUNCTION or its ARN.")
@click.option("--token", envvar="STEEL_DEFECT_TOKEN", show_envvar=True, help="With --url: bearer token to send.")
@click.option(
    "--parallel", type=click.IntRange(1, 256), help=f"With --url: requests at the same time.  [default: {_PARALLEL}]"
)
@place_options
@camera_options
@model_option
def command(  # noqa: PLR0913 - one parameter an option
    paths: tuple[str, ...],
    output: str | None,
    *,
    with_map: bool,
    with_masks: bool,
    by_defect: bool,
    overlay: Path | None,
    rle: Path | None,
    coco: Path | None,
    fail_on: str | None,
    results: str | None,
    url: str | None,
    token: str | None,
    parallel: int | None,
    coil: str | None,
    position_mm: str | None,
    mm_per_pixel: str | None,
    bit_depth: str | None,
    orientation: str | None,
    model: Path | None,
) -> None:
    """Score pictures: files, folders (searched through) or patterns such as 'line-3/**/*.jpg'.

    Pictures are scored here with the bundled model, or with --url by a deployment; requests are repeated while it is
    busy. Requests to AWS are signed with the credentials of this machine, those to Cloud Run carry an identity token;
    --token replaces both.

    The pictures may be in a bucket: 'score s3://uploads/prefix --results s3://results' writes a result for each object
    that has none of this model yet, as the upload function does. A run that was stopped continues where it was.

    \b
        steel-defect score 'line-3/**/*.jpg' --csv
        steel-defect score line-3 --url https://abc123.execute-api.eu-central-1.amazonaws.com

    \b
    Exit status:
      0    every picture was scored
      1    at least one could not be scored; the others were
      2    the command line is wrong
      3    a picture has the decision of --fail-on, or a worse one
      130  stopped by Ctrl-C; what was scored until then is shown
    """  # noqa: D301 - click wants the character that it spells
    in_bucket = any(path.startswith(("s3://", "gs://", "file://")) for path in paths)
    to_files = {"overlay": overlay, "rle": rle, "coco": coco}
    from_here = by_defect or any(to_files.values())
    _refuse(
        {
            "--map goes with --json": with_map and output != "json",
            "--masks goes with --json": with_masks and output != "json",
            "--defects goes with the table or --csv; --json has them anyway": by_defect and output == "json",
            "--parallel goes with --url": url is None and parallel is not None,
            "--url goes with pictures of this machine, and without --model": url and (in_bucket or model is not None),
            "--defects, --overlay, --rle and --coco go with pictures of this machine": in_bucket and from_here,
            "--coil and --position-mm go with pictures of this machine; COIL_PATTERN tells them from a bucket's keys": (
                in_bucket and (coil or position_mm)
            ),
            "--results goes with s3://bucket/prefix, gs://bucket/prefix or file:///folder": results and not in_bucket,
        }
    )
    place = place_from(coil, position_mm)
    camera = camera_of(mm_per_pixel, bit_depth, orientation, _camera_of_environment())
    # Each way to a score has packages of its own, imported when it is taken.
    if in_bucket:
        from steel_defect.cli.backfill import backfill

        backfill(paths, results, output, fail_on, model=model, camera=camera)
        return
    files = find_pictures(paths)
    _refuse({"--position-mm goes with one picture": position_mm and len(files) > 1})
    rows: Iterable[Row]
    ask_masks = with_masks or any(to_files.values())
    from steel_defect.parallel import in_order

    if url is not None:
        from steel_defect.cli.remote import connected

        workers = parallel or _PARALLEL
        deployment, class_names = connected(url, token, workers)
        predict = partial(deployment.predict, with_map=with_map, with_masks=ask_masks, camera=camera, place=place)
        rows = in_order(partial(_row, predict), files, workers)
    else:
        from steel_defect.answer import answer
        from steel_defect.cli.model import load_scorer
        from steel_defect.settings import load_settings

        # One picture has all processors to itself; of many, each processor takes one at a time.
        scorer = load_scorer(model, threads=None if len(files) == 1 else 1)
        workers = 1 if len(files) == 1 else load_settings().threads
        class_names = scorer.contract.class_names

        def score(picture: bytes) -> dict[str, Any]:
            return answer(scorer.score(picture, camera), scorer, with_map=with_map, with_masks=ask_masks, place=place)

        rows = in_order(partial(_row, score), files, workers)
    hidden = hides_progress(len(files), output)
    report = report_for(output, class_names, by_defect=by_defect)
    if any(to_files.values()):
        from steel_defect.cli.mask_files import Reports, mask_files

        report = Reports(report, mask_files(files, class_names, **to_files), with_masks=with_masks)
    if status := show(rows, report, fail_on, count=len(files), hidden=hidden):
        raise SystemExit(status)


def _refuse(wrong: Mapping[str, object]) -> None:
    """Refuse a command line for the first message that is true of it."""
    message = next((message for message, is_so in wrong.items() if is_so), None)
    if message is not None:
        raise click.UsageError(message)


def _camera_of_environment() -> Camera:
    from steel_defect.settings import SettingsError, load_settings

    try:
        return load_settings().camera
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


def _row(predict: Callable[[bytes], dict[str, Any]], path: Path) -> Row:
    try:
        return Row(str(path), answer=predict(read_picture(path)))
    except ServiceProblem as error:
        return Row(str(path), problem=error.content)
    except SteelDefectError as error:
        return Row(str(path), problem=error.problem())
