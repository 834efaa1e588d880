"""What the commands of a model registry share: options, the store, and one line for each error."""

from __future__ import annotations

import getpass
import socket
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec

import click

from steel_defect.errors import ModelUnavailable
from steel_defect.registry import PromotionLost, RegistryError
from steel_defect.storage import StorageError, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from steel_defect.storage import Store

P = ParamSpec("P")


def _me() -> str:
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):
        return socket.gethostname()


REGISTRY_OPTION: Final[dict[str, Any]] = {
    "envvar": "MODEL_REGISTRY",
    "show_envvar": True,
    "metavar": "URI",
    "help": "s3://bucket, gs://...",
}
registry_option = click.option("--registry", required=True, **REGISTRY_OPTION)
json_option = click.option("--json", "as_json", is_flag=True, help="JSON for programs instead of text for people.")
who_option = click.option("--who", default=_me, show_default="you@this machine", help="Written beside the change.")


def with_store(function: Callable[Concatenate[Store, P], None]) -> Callable[P, None]:
    """Give a command the store of `--registry`, which may stand before the command or behind it."""

    @click.option("--registry", "behind", metavar="URI", help="As before the command.")
    @click.pass_obj
    @wraps(function)
    def call(before: str | None, /, *arguments: P.args, **options: P.kwargs) -> None:
        behind = options.pop("behind")
        registry = before if behind is None else str(behind)
        if registry is None:
            message = "Missing option '--registry' (env var: 'MODEL_REGISTRY')."
            raise click.UsageError(message)
        with registry_errors():
            store = open_store(registry)
        function(store, *arguments, **options)

    return call


class _Lost(click.ClickException):
    exit_code = 3


@contextmanager
def registry_errors() -> Iterator[None]:
    """Say what is wrong in one line, with the right exit status."""
    try:
        yield
    except PromotionLost as error:
        raise _Lost(str(error)) from error
    except (RegistryError, StorageError, ModelUnavailable) as error:
        raise click.ClickException(str(error)) from error
