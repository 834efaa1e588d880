"""`steel-defect serve`: the Cloud Run function, on this machine."""

from __future__ import annotations

import os
import socket
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

import steel_defect
from steel_defect.cli.options import model_option
from steel_defect.cli.tls import CertificateError, context_of

if TYPE_CHECKING:
    import ssl

_PEM: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all.")
@click.option("--port", default=9696, show_default=True, type=click.IntRange(1, 65535))
@click.option("--token", envvar="STEEL_DEFECT_TOKEN", help="Answer only requests that show it as a bearer token.")
@click.option("--certificate", type=_PEM, help="PEM file of a certificate for TLS, with those that it is signed by.")
@click.option("--key", type=_PEM, help="PEM file of its private key, without a password.")
@model_option
def command(  # noqa: PLR0913 - one parameter an option
    host: str,
    port: int,
    *,
    token: str | None,
    certificate: Path | None,
    key: Path | None,
    model: Path | None,
) -> None:
    """Serve the HTTP interface on this machine, until Ctrl-C.

    Others on the network reach it with --host 0.0.0.0. Give a token then, best by the variable STEEL_DEFECT_TOKEN: the
    page asks for it, and `score --url` takes it from the same variable. And give a certificate: without TLS, whoever is
    on the way reads pictures and token, and browsers let the page use no camera.

    \b
        steel-defect serve
        steel-defect serve --host 0.0.0.0 --certificate line-pc.plant.pem --key line-pc.plant.key
    """  # noqa: D301 - click wants the character that it spells
    if (certificate is None) != (key is None):
        message = "--certificate and --key go together"
        raise click.UsageError(message)
    if model is not None:
        os.environ["MODEL_URI"] = str(model.resolve())
    _require_free(host, port)
    try:
        tls = context_of(certificate, key) if certificate and key else None
    except CertificateError as error:
        raise click.ClickException(str(error)) from error
    base = f"http{'s' if tls else ''}://{_reached_by(host)}:{port}"
    click.echo(f"serving on {base}  (Ctrl-C stops); open {base}/ for the page", err=True)
    click.echo(f"  curl --data-binary @picture.jpg {base}/predict", err=True)
    if not _is_loopback(host):
        _warn(token=token, tls=tls)
    from steel_defect.cli.server import run

    run(source(), host, port, token=token or None, tls=tls)


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


def _reached_by(host: str) -> str:
    """What others call this machine by; an address that stands for all of its own is none."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return socket.gethostname()
    return f"[{address}]" if address.version == 6 else host  # noqa: PLR2004 - as RFC 3986 has it


def _warn(*, token: str | None, tls: ssl.SSLContext | None) -> None:
    if not token:
        click.echo("WARNING: whoever reaches this machine can use the service; give --token", err=True)
    if tls is None:
        click.echo(
            "WARNING: this is plain HTTP: pictures, and a token, can be read on their way, and the page's camera works "
            "on this machine alone; give --certificate and --key",
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
