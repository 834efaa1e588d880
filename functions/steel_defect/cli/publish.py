"""`steel-defect publish`: a model file into a registry. Nothing serves it before it is promoted."""

from __future__ import annotations

from pathlib import Path

import click

from steel_defect.cli.registry import registry_errors, registry_option, who_option
from steel_defect.registry import publish
from steel_defect.storage import open_store


@click.command("publish")
@click.argument("model", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@registry_option
@who_option
def command(model: Path, registry: str, who: str) -> None:
    """Verify a model file and put it into the registry, under the name that it has inside.

    Publishing the same file again is harmless. 'steel-defect models promote' puts it into production.
    """
    with registry_errors():
        sha256 = publish(open_store(registry), model.read_bytes(), who=who)
    click.echo(sha256)
