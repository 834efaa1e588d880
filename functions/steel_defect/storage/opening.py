"""From a location to a store."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from steel_defect.location import FORMS, Location, LocationError
from steel_defect.storage.errors import StorageRefused

if TYPE_CHECKING:
    from steel_defect.storage.port import Store

# What both clouds allow; each checks its exact rules itself.
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")


def open_store(location: Location | str) -> Store:
    """Open the store at a location or URI. Nothing is read yet, so a missing bucket shows at the first call.

    Slashes at the end of a prefix do not count. Only `file:` URIs are percent-decoded, as `Path.as_uri` writes them.

    Raises:
        StorageRefused: the URI is of no known form, or its back end is not installed or has no credentials.
    """
    try:
        where = Location.parse(location) if isinstance(location, str) else location
    except LocationError as error:
        raise StorageRefused(str(error)) from error
    try:
        return _open(where)
    except ModuleNotFoundError as error:
        message = f"{where.scheme}:// needs the package {error.name}, which is not installed"
        raise StorageRefused(message) from error


# A back end costs up to half a second to import; only the one that is used is imported.
def _open(where: Location) -> Store:
    if where.scheme == "memory":
        from steel_defect.storage.memory import memory_store

        return memory_store(where.bucket)
    if where.scheme == "file":
        from steel_defect.storage.local import LocalStore

        return LocalStore(unquote(where.bucket))
    if where.scheme not in {"s3", "gs"} or not _BUCKET.fullmatch(where.bucket):
        message = f"{str(where)!r} is not the URI of a store; write {FORMS}"
        raise StorageRefused(message)
    prefix = where.prefix.rstrip("/")
    if where.scheme == "s3":
        from steel_defect.storage.s3 import S3Store

        return S3Store(where.bucket, prefix)
    from steel_defect.storage.gcs import CloudStorageStore

    return CloudStorageStore(where.bucket, prefix)
