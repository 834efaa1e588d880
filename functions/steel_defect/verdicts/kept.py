"""Verdicts in the bucket of results: `verdicts/<key>/<time>-<id>.json`, each created once and never changed."""

from __future__ import annotations

import json
import re
import secrets
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

from steel_defect.body import json_in
from steel_defect.errors import MalformedBody, UploadsUnavailable
from steel_defect.parallel import in_order
from steel_defect.storage import ObjectNotFound, PreconditionFailed, StorageUnavailable, open_store
from steel_defect.uploads.results import shortened
from steel_defect.verdicts.verdict import FIELDS, Verdict, VerdictError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steel_defect.location import Location
    from steel_defect.storage import ObjectInfo, Store

FOLDER: Final = "verdicts/"
_LONGEST_KEY: Final = 800
_LONGEST_BODY: Final = 16_384
_NAME: Final = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{16}\.json", re.ASCII)
# They wait for the network.
_WORKERS: Final = 16


class Verdicts:
    """Keeps what callers of the HTTP interface say, and gives it back."""

    def __init__(self, results: Location) -> None:
        """Take the place of the results; it is opened when it is first used."""
        self._location = results

    def keep(self, body: bytes) -> dict[str, Any]:
        """Keep the verdict of a request's body; gives it as it is kept.

        Raises:
            MalformedBody: it is no verdict.
            UploadsUnavailable: it cannot be kept now.
        """
        if len(body) > _LONGEST_BODY:
            message = f"the body has {len(body):,} bytes; a verdict has at most {_LONGEST_BODY:,}"
            raise MalformedBody(message)
        try:
            verdict = Verdict.read(json_in(body), datetime.now(UTC), secrets.token_hex(8))
            write(self._store, verdict)
        except VerdictError as error:
            raise MalformedBody(str(error)) from error
        except (StorageUnavailable, PreconditionFailed) as error:
            message = "the verdict cannot be kept at the moment; send it again"
            raise UploadsUnavailable(message) from error
        return verdict.as_json()

    def of(self, picture: str) -> list[dict[str, Any]]:
        """Everything that was said of a picture, the oldest first.

        Raises:
            UploadsUnavailable: it cannot be read now.
        """
        try:
            found = read(self._store, picture_prefix(picture))
            return [verdict.as_json() for verdict in found if verdict is not None and verdict.picture == picture]
        except StorageUnavailable as error:
            message = "verdicts cannot be read at the moment; try again"
            raise UploadsUnavailable(message) from error

    @cached_property
    def _store(self) -> Store:
        return open_store(self._location)


def picture_prefix(picture: str) -> str:
    """Below it are the verdicts of a picture; a long name is shortened, as that of its result is."""
    return f"{FOLDER}{shortened(picture, _LONGEST_KEY)}/"


def write(store: Store, verdict: Verdict) -> None:
    """Keep a verdict.

    Raises:
        PreconditionFailed: it is there already.
        StorageError: it cannot be written.
    """
    key = f"{picture_prefix(verdict.picture)}{verdict.received:%Y%m%dT%H%M%S.%fZ}-{verdict.identity}.json"
    data = json.dumps(verdict.as_json(), sort_keys=True, indent=2).encode() + b"\n"
    store.put(key, data, content_type="application/json", if_absent=True)


def read(store: Store, prefix: str = FOLDER) -> Iterator[Verdict | None]:
    """Every verdict below the prefix; None for an object that is none, or was removed meanwhile.

    Raises:
        StorageError: the store cannot be read.
    """
    names = (info for info in store.list(prefix) if _NAME.fullmatch(info.key.rpartition("/")[2]))
    return in_order(partial(_read, store), names, _WORKERS)


def _read(store: Store, info: ObjectInfo) -> Verdict | None:
    try:
        content = json.loads(store.get(info.key).data)
        received, identity = datetime.fromisoformat(content["received"]), str(content["id"])
        stated = {name: value for name, value in content.items() if name in FIELDS}
        return Verdict.read(stated, received, identity)
    except (ObjectNotFound, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None  # A VerdictError is a ValueError.
