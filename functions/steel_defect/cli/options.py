"""Options that several commands share. Imports nothing heavy: `serve` must not load ONNX Runtime before it forks."""

from __future__ import annotations

from pathlib import Path

import click

model_option = click.option(
    "--model",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="ONNX file to use instead of the bundled model.",
)
