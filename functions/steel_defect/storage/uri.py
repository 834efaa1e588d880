"""From a URI to a store."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from steel_defect.storage.errors import StorageRefused

if TYPE_CHECKING:
    from steel_defect.storage.port import Store

_FORMS: Final = "memory://name, file:///folder, s3://bucket/prefix or gs://bucket/prefix"
# What both clouds allow; the exact rules are theirs to tell.
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")


def open_store(uri: str) -> Store:
    """Open the store that the URI names. Nothing is read yet, so a missing bucket shows at the first call.

    Slashes at the end of a prefix do not count. Only `file:` URIs are percent-decoded, as `Path.as_uri` writes them.

    Raises:
        StorageRefused: the URI is of no known form, or its back end is not installed or has no credentials.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator or not rest.strip("/"):
        message = f"{uri!r} is not the URI of a store; write {_FORMS}"
        raise StorageRefused(message)
    try:
        return _open(uri, scheme, rest)
    except ModuleNotFoundError as error:
        message = f"{scheme}:// needs the package {error.name}, which is not installed"
        raise StorageRefused(message) from error


# ruff: noqa: PLC0415 - a back end costs up to half a second to import; only the one that is used is imported
def _open(uri: str, scheme: str, rest: str) -> Store:
    if scheme == "memory":
        from steel_defect.storage.memory import memory_store

        return memory_store(rest.rstrip("/"))
    if scheme == "file":
        from steel_defect.storage.local import LocalStore

        if not rest.startswith("/"):
            message = f"{uri!r} is not absolute; write file:///folder, with three slashes"
            raise StorageRefused(message)
        return LocalStore(unquote(rest))
    bucket, _, prefix = rest.partition("/")
    if scheme not in {"s3", "gs"} or not _BUCKET.fullmatch(bucket):
        message = f"{uri!r} is not the URI of a store; write {_FORMS}"
        raise StorageRefused(message)
    if scheme == "s3":
        from steel_defect.storage.s3 import S3Store

        return S3Store(bucket, prefix.rstrip("/"))
    from steel_defect.storage.gcs import CloudStorageStore

    return CloudStorageStore(bucket, prefix.rstrip("/"))
