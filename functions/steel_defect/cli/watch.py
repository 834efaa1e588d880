"""`steel-defect watch`: the service at the line."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import click

from steel_defect.cli.options import camera_of, camera_options, model_option
from steel_defect.errors import ModelUnavailable
from steel_defect.location import Location, LocationError
from steel_defect.storage import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from steel_defect.settings import Settings
    from steel_defect.watch.delivering import Receiver
    from steel_defect.watch.ledger import Claim
    from steel_defect.watch.steps import Step

# One that the storage leaves alone, see `storage.local_names`, and so does the service.
_STATE: Final = "~watch"
_SENDING_WORKERS: Final = 4
_HIGHEST_PORT: Final = 65_535


@click.command("watch")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--results",
    metavar="PLACE",
    help="Folder, s3:// or gs://: where results go, or come from with --to.  [default: FOLDER/results]",
)
@click.option("--to", "target", metavar="URI", help="Send pictures to s3://bucket[/prefix] or gs://; score none here.")
@model_option
@click.option("--webhook", metavar="URL", help="POST each outcome to this URL.")
@click.option("--mqtt", metavar="URL", help="Publish each outcome to mqtt[s]://[user@]host[:port]/topic.")
@click.option(
    "--settle",
    type=click.FloatRange(min=0.1),
    default=2,
    show_default=True,
    metavar="SECONDS",
    help="Read a picture when its size and time did not change for so long.",
)
@click.option(
    "--state", type=click.Path(path_type=Path), metavar="DIR", help="For the ledger [default: FOLDER/~watch]."
)
@click.option("--status", metavar="[HOST:]PORT", help="Serve /status and /metrics here.")
@camera_options
def command(  # noqa: PLR0913 - one parameter an option
    folder: Path,
    *,
    results: str | None,
    target: str | None,
    model: Path | None,
    webhook: str | None,
    mqtt: str | None,
    settle: float,
    state: Path | None,
    status: str | None,
    mm_per_pixel: str | None,
    bit_depth: str | None,
    orientation: str | None,
) -> None:
    """Score every picture that comes into FOLDER, exactly once, or send it to a bucket, until stopped.

    Names that begin with a dot or ~ or end as IGNORED_SUFFIXES says are left alone. What has no result yet when the
    service ends, however it ends, gets it when it runs again. Outcomes are told until the receiver has them.

    STEEL_DEFECT_WEBHOOK_TOKEN is sent to the webhook as a bearer token; STEEL_DEFECT_MQTT_PASSWORD is that of the
    broker's user.

    \b
        steel-defect watch /srv/camera --results /srv/results

    \b
    Exit status:
      0  stopped by SIGTERM or Ctrl-C
      1  it cannot go on; says why
      2  the command line is wrong
    """  # noqa: D301 - click wants the character that it spells
    if target is not None and results is None and (webhook or mqtt):
        message = "outcomes of pictures that are sent are known by their results: say with --results where these go"
        raise click.UsageError(message)
    if target is not None and model is not None:
        message = "--to sends pictures, and no model scores them here"
        raise click.UsageError(message)
    folder = folder.resolve()
    settings = _settings()
    settings = replace(settings, camera=camera_of(mm_per_pixel, bit_depth, orientation, settings.camera))
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    stop = Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda *_: stop.set())
    from steel_defect.watch.database import Database, InUse
    from steel_defect.watch.service import watch_folder

    place = _location(results) if results else None if target else Location.parse((folder / "results").as_uri())
    try:
        do = _sending(folder, target, place) if target else _scoring(folder, place, model, settings)
        receivers = _receivers(webhook, mqtt)
        server = None if status is None else _server(status)
        database = Database(state or folder / _STATE)
        click.echo(f"watching {folder}; Ctrl-C stops", err=True)
        watch_folder(
            folder,
            do,
            database,
            receivers,
            stop,
            workers=_SENDING_WORKERS if target else settings.threads,
            settle_seconds=settle,
            suffixes=settings.ignored_suffixes,
            leave_alone=tuple(_folders(place, state)),
            status=server,
        )
        database.close()
    except (StorageError, LocationError, ModelUnavailable, InUse, OSError, sqlite3.Error) as error:
        raise click.ClickException(str(error)) from error


def _settings() -> Settings:
    from steel_defect.settings import SettingsError, load_settings

    try:
        return load_settings()
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


def _location(place: str) -> Location:
    """A URI, or a folder."""
    try:
        return Location.parse(place if "://" in place else Path(place).resolve().as_uri())
    except LocationError as error:
        raise click.UsageError(str(error)) from error


def _scoring(folder: Path, results: Location | None, model: Path | None, settings: Settings) -> Callable[[Claim], Step]:
    from steel_defect.cli.model import model_source
    from steel_defect.watch.scoring import ScoredHere

    assert results is not None  # noqa: S101 - a default was taken
    models = model_source(model, threads=1)  # Each processor takes a picture.
    models.confirmed()  # Never the bundled model in place of one that cannot be loaded.
    return ScoredHere(folder, results, models, settings)


def _sending(folder: Path, target: str, results: Location | None) -> Callable[[Claim], Step]:
    from steel_defect.watch.sending import SentAway

    return SentAway(folder, Location.parse(target), results)


def _receivers(webhook: str | None, mqtt: str | None) -> list[Receiver]:
    receivers: list[Receiver] = []
    if webhook is not None:
        if not webhook.startswith(("http://", "https://")):
            message = f"--webhook: {webhook!r} is no URL"
            raise click.UsageError(message)
        from steel_defect.watch.webhook import Webhook

        receivers.append(Webhook(webhook, os.environ.get("STEEL_DEFECT_WEBHOOK_TOKEN")))
    if mqtt is not None:
        from steel_defect.watch.mqtt import Mqtt

        try:
            receivers.append(Mqtt.at(mqtt, os.environ.get("STEEL_DEFECT_MQTT_PASSWORD")))
        except ValueError as error:
            message = f"--mqtt: {error}"
            raise click.UsageError(message) from error
    return receivers


def _server(status: str) -> ThreadingHTTPServer:
    host, _, port = status.rpartition(":")
    if not port.isdecimal() or int(port) > _HIGHEST_PORT:
        message = f"--status: {status!r} is no port; write PORT or HOST:PORT"
        raise click.UsageError(message)
    return ThreadingHTTPServer((host or "127.0.0.1", int(port)), BaseHTTPRequestHandler)


def _folders(results: Location | None, state: Path | None) -> list[Path]:
    """Those of the service itself, which may be below the folder of the pictures."""
    own = [] if state is None else [state.resolve()]
    return own if results is None or results.scheme != "file" else [*own, Path(unquote(results.bucket))]
