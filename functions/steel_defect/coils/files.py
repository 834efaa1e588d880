"""Where the report of a coil is, and writing it: the same results, the same bytes."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

from steel_defect.coils.acceptance import Acceptance, read_acceptance
from steel_defect.coils.page import html_of
from steel_defect.coils.rows import csv_of
from steel_defect.storage import ObjectNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steel_defect.coils.summary import Summary
    from steel_defect.storage import Store

FOLDER: Final = "coils/"
# In the store of results. A coil of this name has a folder.
ACCEPTANCE: Final = f"{FOLDER}acceptance.toml"
_TYPES: Final = {"html": "text/html; charset=utf-8", "csv": "text/csv; charset=utf-8", "json": "application/json"}
_LONGEST: Final = 200


def report_key(coil: str, kind: str) -> str:
    """Where the report of a coil is: `coils/<coil>/report.<kind>`.

    A slash in its name is written %2F, and a percent sign %25; a name of more than 200 characters is cut, and continues
    with `~` and its SHA-256.
    """
    name = coil.replace("%", "%25").replace("/", "%2F")
    if len(name) > _LONGEST:
        name = f"{name[: _LONGEST - 80]}~{hashlib.sha256(coil.encode()).hexdigest()}"
    return f"{FOLDER}{name}/report.{kind}"


def report_files(summary: Summary) -> Iterator[tuple[str, bytes]]:
    """The kind and the bytes of each file; the JSON is the last, so that who waits for it finds the others."""
    yield "html", html_of(summary).encode()
    # Spreadsheets take a file without this mark for one of another encoding.
    yield "csv", "".join(csv_of(summary)).encode("utf-8-sig")
    yield "json", json.dumps(summary.content, indent=2, ensure_ascii=False).encode() + b"\n"


def write_report(store: Store, summary: Summary) -> str:
    """Write the files into the store of results, and give the key of the page.

    Raises:
        StorageError: it cannot be written.
    """
    for kind, data in report_files(summary):
        store.put(report_key(summary.coil.name, kind), data, content_type=_TYPES[kind])
    return report_key(summary.coil.name, "html")


def stored_acceptance(store: Store) -> Acceptance | None:
    """The acceptance table that is in the store of results; None if there is none.

    Raises:
        AcceptanceError: it cannot be read.
        StorageError: the store cannot be read.
    """
    try:
        data = store.get(ACCEPTANCE).data
    except ObjectNotFound:
        return None
    return read_acceptance(data)
