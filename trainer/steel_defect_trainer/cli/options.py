"""Options that several of the trainer's commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from steel_defect.location import Location, LocationError

if TYPE_CHECKING:
    from typing import Any

cache_option = click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    default="runs/cache",
    show_default=True,
    help="Where decoded pictures, drawn strips and hashes of pictures are kept.",
)


class Folder(click.ParamType[Path | Location]):
    """A folder of this machine, or one in a bucket."""

    name = "folder"

    def __init__(self, *, exists: bool) -> None:
        """Take whether a folder of this machine must be there already."""
        self._local = click.Path(exists=exists, file_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path | Location:  # noqa: ANN401 - click's signature
        """Read `s3://bucket/folder`, `gs://bucket/folder`, or a path."""
        if isinstance(value, Location):
            return value
        if not str(value).startswith(("s3://", "gs://")):
            path: Path = self._local.convert(value, param, ctx)
            return path
        try:
            return Location.parse(str(value))
        except LocationError as error:
            self.fail(str(error), param, ctx)


def fetched(folder: Path | Location, cache: Path) -> Path:
    """A folder of data on this machine: the same, or a copy that has what the bucket has now.

    Raises:
        BucketError: it cannot be read.
    """
    if isinstance(folder, Path):
        return folder
    from steel_defect_trainer.buckets.copies import Copy  # noqa: PLC0415 - most data is not in a bucket

    copy = Copy(folder, cache)
    count = copy.fetch()
    click.echo(f"{folder}: {count:,} objects copied to {copy.folder}", err=True)
    return copy.folder
