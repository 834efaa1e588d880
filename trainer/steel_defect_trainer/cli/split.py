"""`steel-defect split`: training, validation and test parts as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from steel_defect.cli.console import table_console
from steel_defect_trainer.cli.options import Folder, cache_option, fetched
from steel_defect_trainer.errors import TrainerError

if TYPE_CHECKING:
    from steel_defect.location import Location
    from steel_defect_trainer.data.dataset import DataSet
    from steel_defect_trainer.data.split import Split


@click.command("split")
@click.argument("folder", type=Folder(exists=True))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default="split.csv",
    show_default=True,
    help="The file to write.",
)
@click.option("--seed", default=0, show_default=True, help="Another seed, another split.")
@click.option(
    "--subset",
    type=click.IntRange(min=2),
    nargs=2,
    metavar="TRAIN VALIDATION",
    help="Draw smaller training and validation parts, of so many pictures, from the training part.",
)
@cache_option
def command(folder: Path | Location, output: Path, seed: int, subset: tuple[int, int] | None, cache: Path) -> None:
    """Split a folder of labelled pictures: 70 % to train on, 15 % to validate, 15 % to test.

    By picture, with near-duplicates in one part, and with like shares of each combination of classes. The same folder
    and seed give the same split.

    FOLDER is laid out as Severstal's on Kaggle (train.csv, train_images/), as a table labels.csv with the columns file,
    label and, where known, mask, mask_value and group, or as folders defect/ (with a folder for each class) and clean/.
    Pictures may all be clean; the recipe 'clean' learns from them.

    \b
        steel-defect split my-pictures -o split.csv
    """  # noqa: D301 - click wants the character that it spells
    from steel_defect_trainer.data.layouts import open_data  # noqa: PLC0415 - heavy, and --help does without
    from steel_defect_trainer.data.near_duplicates import group_near_duplicates  # noqa: PLC0415 - as above
    from steel_defect_trainer.data.split import make_split, write_split  # noqa: PLC0415 - as above
    from steel_defect_trainer.data.split import subset as drawn_subset  # noqa: PLC0415 - as above

    try:
        dataset = group_near_duplicates(open_data(fetched(folder, cache)), cache)
        defects = any(picture.classes for picture in dataset.pictures)
        split = make_split(dataset, seed, defects=defects)
        if subset:
            split = drawn_subset(dataset, split, seed, *subset, defects=defects)
        write_split(split, dataset, output)
    except TrainerError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.FileError(str(output), error.strerror) from error
    _report(dataset, split)
    click.echo(f"{output} written")


def _report(dataset: DataSet, split: Split) -> None:
    from rich.table import Table  # noqa: PLC0415 - heavy, and --help does without

    from steel_defect_trainer.data.split import PARTS, UNUSED  # noqa: PLC0415 - as above

    table = Table("part", *(("pictures", "groups", "clean", "defect", *dataset.class_names)), box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for part in (*PARTS, UNUSED):
        pictures = [picture for picture in dataset.pictures if split.part_of[picture.name] == part]
        if not pictures:
            continue
        defect = sum(bool(picture.classes) for picture in pictures)
        groups = len({picture.group for picture in pictures})
        of_class = [
            sum(number in picture.classes for picture in pictures) for number in range(len(dataset.class_names))
        ]
        table.add_row(part, *map(str, (len(pictures), groups, len(pictures) - defect, defect, *of_class)))
    table_console().print(table)
