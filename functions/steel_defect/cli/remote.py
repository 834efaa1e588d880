"""`steel-defect score --url`: the deployment that scores, checked before the first picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from steel_defect.client import connect
from steel_defect.errors import SteelDefectError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steel_defect.client import Deployment


def connected(url: str, token: str | None, parallel: int) -> tuple[Deployment, Sequence[str]]:
    """The deployment, and the names of its classes.

    If nothing answers or access is denied, asking for these first shows that once, not for each picture.

    Raises:
        click.ClickException: it does not answer as it should; says what to do.
    """
    try:
        deployment = connect(url, token=token, parallel=parallel)
        return deployment, deployment.model()["class_names"]
    except SteelDefectError as error:
        raise click.ClickException(str(error)) from error
