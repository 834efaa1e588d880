"""Options that several of the trainer's commands share."""

from __future__ import annotations

from pathlib import Path

import click

cache_option = click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    default="runs/cache",
    show_default=True,
    help="Where decoded pictures, drawn strips and hashes of pictures are kept.",
)
