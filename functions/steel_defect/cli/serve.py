"""`steel-defect serve`: the Cloud Run function, on this machine."""

from __future__ import annotations

import os
import socket
from ipaddress import ip_address
from pathlib import Path

import click

import steel_defect
from steel_defect.cli.options import model_option


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all.")
@click.option("--port", default=9696, show_default=True, type=click.IntRange(1, 65535))
@click.option("--token", envvar="STEEL_DEFECT_TOKEN", help="Answer only requests that show it as a bearer token.")
@model_option
def command(host: str, port: int, token: str | None, model: Path | None) -> None:
    """Serve the HTTP interface on this machine, until Ctrl-C.

    Others on the network reach it with --host 0.0.0.0. Give a token then, best by the variable STEEL_DEFECT_TOKEN: the
    page asks for it, and `score --url` takes it from the same variable.
    """
    if model is not None:
        os.environ["MODEL_URI"] = str(model.resolve())
    _require_free(host, port)
    click.echo(f"serving on http://{host}:{port}  (Ctrl-C stops)", err=True)
    click.echo(
        f"  curl --data-binary @picture.jpg -H 'Content-Type: image/jpeg' http://{host}:{port}/predict", err=True
    )
    if not _is_loopback(host):
        _warn(token)
    from steel_defect.cli.server import run

    run(source(), host, port, threads=4 * (os.cpu_count() or 1), token=token or None)


def source() -> Path:
    """The Cloud Run entry point: inside the package that a wheel installs, beside it in a clone."""
    package = Path(steel_defect.__file__).parent
    installed = package / "_cloud_run" / "main.py"
    return installed if installed.exists() else package.parent / "main.py"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _warn(token: str | None) -> None:
    if not token:
        click.echo("WARNING: whoever reaches this machine can use the service; give --token", err=True)
    click.echo(
        "WARNING: this is plain HTTP: pictures, and a token, can be read on their way, and the page's camera works on "
        "this machine alone. README, 'Run it elsewhere', puts TLS before it",
        err=True,
    )


def _require_free(host: str, port: int) -> None:
    """Say at once that the port is taken; the server would retry for seconds and then not name it."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            message = f"cannot listen on {host}:{port}: {error.strerror}; choose another with --host or --port"
            raise click.ClickException(message) from error
