"""The model that a command on this machine uses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from steel_defect.errors import ModelUnavailable
from steel_defect.loading import load_model
from steel_defect.model_uri import ModelFile
from steel_defect.serving import ModelSource
from steel_defect.settings import SettingsError, load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect.scorer import Scorer


def model_source(path: Path | None, *, threads: int | None = None) -> ModelSource:
    """The source of the model file at `path`, or of what the environment names, which follows a registry.

    Args:
        path: None for what the environment names.
        threads: for one picture; None for as many as there are processors.

    Raises:
        click.ClickException: an environment variable is invalid.
    """
    try:
        settings = load_settings()
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    model = settings.model if path is None else ModelFile(str(path))
    return ModelSource(replace(settings, model=model, threads=threads or settings.threads))


def load_scorer(path: Path | None, *, threads: int | None = None) -> Scorer:
    """Load the model file at `path`, or the one that the environment names, or the bundled one.

    Args:
        path: None for the environment's, or the bundled one.
        threads: for one picture; None for as many as there are processors.

    Raises:
        click.ClickException: it cannot be loaded; says why.
    """
    try:
        settings = load_settings()
        return load_model(
            ModelFile(str(path)) if path else settings.model,
            settings.override,
            threads=settings.threads if threads is None else threads,
        )
    except (ModelUnavailable, SettingsError) as error:
        raise click.ClickException(str(error)) from error
