"""The model that a command on this machine uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from steel_defect.errors import ModelUnavailable
from steel_defect.scorer import Scorer
from steel_defect.settings import SettingsError, load_settings

if TYPE_CHECKING:
    from pathlib import Path


def load_scorer(path: Path | None) -> Scorer:
    """Load the model file at `path`, or the one that the environment names, or the bundled one.

    Raises:
        click.ClickException: it cannot be loaded; says why.
    """
    try:
        settings = load_settings()
        return Scorer.from_file(path or settings.model_path, threads=settings.threads)
    except (ModelUnavailable, SettingsError) as error:
        raise click.ClickException(str(error)) from error
