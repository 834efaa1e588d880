"""`steel-defect models compare`: where a candidate in the shadow decides otherwise than production."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click
from rich.table import Table

from steel_defect.cli.console import table_console
from steel_defect.cli.options import store_uri
from steel_defect.cli.registry import json_option, registry_errors
from steel_defect.storage import open_store
from steel_defect.uploads.differences import candidates, decision_of, differences
from steel_defect.uploads.history import Period

if TYPE_CHECKING:
    from steel_defect.storage import Store
    from steel_defect.uploads.differences import Differences

_MOMENT: Final = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])
_SHOWN: Final = 12


@click.command("compare")
@click.argument("results", metavar="RESULTS")
@click.option("--candidate", default="", metavar="SHA256", help="The model, or as much as tells it from others.")
@click.option("--since", type=_MOMENT, help="Only what the candidate scored from this time on, UTC.")
@click.option("--until", type=_MOMENT, help="Only what it scored before this time, UTC.")
@json_option
def compare(results: str, *, candidate: str, since: datetime | None, until: datetime | None, as_json: bool) -> None:
    """List where a candidate that runs in the shadow (SHADOW_MODEL_URI) decides otherwise than production did.

    RESULTS is the store that the upload function writes to: s3://bucket[/prefix], gs://..., file:///folder, or a folder
    with scores/ and shadow/ in it.
    """
    period = Period(*(moment and moment.replace(tzinfo=UTC) for moment in (since, until)))
    with registry_errors():
        store = open_store(store_uri(results))
        sha256 = _chosen(store, results, candidate)
        found = differences(store, sha256, period)
    if as_json:
        click.echo(json.dumps(_content(sha256, found)))
    else:
        _show(sha256, found)


def _chosen(store: Store, results: str, beginning: str) -> str:
    found = [sha256 for sha256 in candidates(store) if sha256.startswith(beginning.lower())]
    if len(found) != 1:
        which = f": {', '.join(sha256[:_SHOWN] for sha256 in found)}; name one with --candidate" if found else ""
        message = f"{results} has results of {len(found) or 'no'} candidate{'s' if len(found) > 1 else ''}{which}"
        raise click.ClickException(message)
    return found[0]


def _content(sha256: str, found: Differences) -> dict[str, Any]:
    return {
        "candidate": sha256,
        "pictures": sum(found.counts.values()),
        "counts": [
            {"production": production, "candidate": candidate, "pictures": count}
            for (production, candidate), count in sorted(found.counts.items())
        ],
        "unpaired": found.unpaired,
        "differences": [
            {
                "picture": production["source"]["key"],
                "version": production["source"]["version"],
                "production": _said(production),
                "candidate": _said(candidate),
            }
            for production, candidate in found.pairs
        ],
    }


def _said(result: dict[str, Any]) -> dict[str, Any]:
    return {"decision": decision_of(result), "defect_prob": result.get("defect_prob")}


def _show(sha256: str, found: Differences) -> None:
    console = table_console()
    if found.pairs:
        table = Table("picture", "production", "", "candidate", "", header_style="bold", box=None, pad_edge=False)
        for pair in found.pairs:
            cells = [cell for result in pair for cell in (decision_of(result), _probability(result))]
            table.add_row(pair[0]["source"]["key"], *cells)
        console.print(table)
        console.print()
    total, same = sum(found.counts.values()), sum(count for (a, b), count in found.counts.items() if a == b)
    console.print(f"candidate {sha256[:_SHOWN]}: {total:,} pictures, {same:,} decided as in production")
    for (production, candidate), count in found.counts.most_common():
        if production != candidate:
            console.print(f"{count:,} {production} would be {candidate}")
    if found.unpaired:
        console.print(f"{found.unpaired:,} results have no other to be compared with: replaced, or of the same model")


def _probability(result: dict[str, Any]) -> str:
    return f"{result['defect_prob']:.4f}" if "defect_prob" in result else ""
