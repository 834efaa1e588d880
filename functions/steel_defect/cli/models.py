"""`steel-defect models`: what is in a model registry, and which version is in production."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click
from rich.table import Table

from steel_defect.cli.console import table_console
from steel_defect.cli.models_compare import compare
from steel_defect.cli.registry import REGISTRY_OPTION, json_option, registry_errors, who_option, with_store
from steel_defect.errors import ModelUnavailable
from steel_defect.registry import (
    RegistryError,
    load_version,
    production,
    promote,
    published,
    read_manifest,
    rollback,
    verify,
    versions,
)

if TYPE_CHECKING:
    from steel_defect.registry import Manifest, Production
    from steel_defect.storage import Store

_SHOWN: Final = 12


@click.group("models")
@click.option("--registry", **REGISTRY_OPTION)
@click.pass_context
def command(context: click.Context, registry: str | None) -> None:
    """Show a model registry, and change which version is in production.

    \b
        steel-defect models list --registry s3://my-models
        steel-defect models promote strip-mobilenetv2 db9f2225 --registry s3://my-models

    \b
    A VERSION is a SHA-256, or as much of its beginning as no other version has.
    Exit status:
      0  done
      1  refused or failed; nothing was changed
      2  the command line is wrong
      3  somebody else changed it at the same time; nothing was changed
    """  # noqa: D301 - click wants the character that it spells
    context.obj = registry


@command.command("list")
@click.argument("name", required=False)
@json_option
@with_store
def list_(store: Store, name: str | None, *, as_json: bool) -> None:
    """List the versions of all models, or of one."""
    with registry_errors():
        found = versions(store, name)
        current = {each: production(store, each) for each in {manifest.name for manifest in found}}
    rows = [{**asdict(m), "production": _is_current(m, current[m.name])} for m in found]
    if as_json:
        click.echo(json.dumps(rows))
        return
    table = Table("model", "version", "sha256", "published", "who", "in production", box=None, pad_edge=False)
    for row in rows:
        mark = "yes" if row["production"] else ""
        table.add_row(row["name"], row["version"], row["sha256"][:_SHOWN], row["published"], row["who"], mark)
    table_console().print(table if rows else "no models")


@command.command("show")
@click.argument("name")
@click.argument("version", required=False)
@json_option
@with_store
def show(store: Store, name: str, version: str | None, *, as_json: bool) -> None:
    """Show one version (the one in production if none is named), how it decides, and the production history."""
    with registry_errors():
        state = production(store, name)
        if version is None and state is None:
            message = f"nothing is in production of {name}; name a version"
            raise click.ClickException(message)
        manifest = read_manifest(store, name, _version(store, name, version or (state.sha256 if state else "")))
    history = None if state is None else asdict(state)
    content = {**asdict(manifest), "decision": _decision(store, manifest), "production": history}
    _print(content, as_json=as_json)


@command.command("promote")
@click.argument("name")
@click.argument("version")
@who_option
@json_option
@with_store
def promote_(store: Store, name: str, version: str, who: str, *, as_json: bool) -> None:
    """Put a version into production, once its file is verified."""
    with registry_errors():
        state = promote(store, name, _version(store, name, version), who=who)
    _changed(name, state, as_json=as_json)


@command.command("rollback")
@click.argument("name")
@who_option
@json_option
@with_store
def rollback_(store: Store, name: str, who: str, *, as_json: bool) -> None:
    """Put the previous version back into production."""
    with registry_errors():
        state = rollback(store, name, who=who)
    _changed(name, state, as_json=as_json)


@command.command("verify")
@click.argument("name")
@click.argument("version", required=False)
@json_option
@with_store
def verify_(store: Store, name: str, version: str | None, *, as_json: bool) -> None:
    """Read a version to its end, load it and score a self-test picture; all versions of NAME if none is named."""
    with registry_errors():
        chosen = [_version(store, name, version)] if version else [sha256 for _, sha256 in published(store, name)]
    if not chosen:
        message = f"there is no version of {name}"
        raise click.ClickException(message)
    problems = {}
    for sha256 in chosen:
        try:
            with registry_errors():
                verify(store, name, sha256)
        except click.ClickException as error:
            problems[sha256] = error.message
    rows = [{"name": name, "sha256": sha256, "problem": problems.get(sha256)} for sha256 in chosen]
    if as_json:
        click.echo(json.dumps(rows))
    else:
        for row in rows:
            click.echo(f"{name} {row['sha256']}: {row['problem'] or 'good'}")
    if problems:
        raise SystemExit(1)


def _decision(store: Store, manifest: Manifest) -> dict[str, Any] | None:
    """What the file itself says, for the manifest does not; None if it is damaged, of which `verify` tells more."""
    try:
        contract = load_version(store, manifest.name, manifest.sha256).contract
    except (RegistryError, ModelUnavailable):
        return None
    return {name: getattr(contract, name) for name in ("threshold", "review_low", "review_high", "class_names")}


def _is_current(manifest: Manifest, state: Production | None) -> bool:
    return state is not None and state.sha256 == manifest.sha256


def _version(store: Store, name: str, beginning: str) -> str:
    """The one version of the name whose SHA-256 begins like this."""
    found = [sha256 for _, sha256 in published(store, name) if sha256.startswith(beginning.lower())]
    if len(found) != 1:
        what = "no version" if not found else f"{len(found)} versions"
        message = f"{name} has {what} whose SHA-256 begins with {beginning!r}"
        raise RegistryError(message)
    return found[0]


def _changed(name: str, state: Production, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"name": name, **asdict(state)}))
    else:
        before = f"; before: {state.previous[0][:_SHOWN]}" if state.previous else ""
        click.echo(f"{name}: {state.sha256[:_SHOWN]} is in production{before}")


def _print(content: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(content))
        return
    for key, value in content.items():
        click.echo(f"{key}: {json.dumps(value, indent=2) if isinstance(value, dict) else value}")


command.add_command(compare)
