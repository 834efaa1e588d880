"""Puts pictures into the uploads bucket, and reads their results."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steel_defect.location import Buckets
from steel_defect.storage import ObjectNotFound, PreconditionFailed, StorageUnavailable, open_store
from steel_defect.storage.port import BINARY
from steel_defect.uploads import results

if TYPE_CHECKING:
    from steel_defect.location import Location
    from steel_defect.storage import ObjectInfo, Store


@dataclass(frozen=True)
class Sent:
    """One object that was put.

    Attributes:
        uri: of the object.
        result_key: where its result will be, below the store of the results.
        version: of the object; None if the bucket keeps none.
        etag: what the bucket gives for its bytes.
    """

    uri: str
    result_key: str
    version: str | None
    etag: str


class Uploads:
    """A bucket that the upload function scores, and where it puts the results. Safe to use from several threads."""

    def __init__(self, uploads: Location, results: Location | None) -> None:
        """Take where pictures go, and where their results will be; None if nobody waits for them.

        Raises:
            LocationError: the pictures go to the bucket of the results.
            StorageRefused: a store cannot be opened.
        """
        if results is not None:
            Buckets(uploads, results)  # refuses one bucket for both
        self._uploads = uploads
        self._pictures: Store = open_store(uploads.root)
        self._results: Store | None = None if results is None else open_store(results)

    def send(self, key: str, picture: bytes) -> Sent:
        """Put one picture under this key, below the prefix.

        Raises:
            StorageError: it was not put, or it is not known whether it was.
        """
        name = self._uploads.below(key).prefix
        return self._sent(self._pictures.put(name, picture, content_type=_kind(key)))

    def send_once(self, key: str, picture: bytes) -> Sent:
        """As `send`, but if these very bytes are there already, they are not put again as a newer version.

        For whoever does not know whether an earlier try came through.

        Raises:
            StorageError: it is not known to be there.
        """
        name = self._uploads.below(key).prefix
        try:
            return self._sent(self._pictures.put(name, picture, content_type=_kind(key), if_absent=True))
        except PreconditionFailed:
            there = self._pictures.get(name)
        if there.data == picture:
            return self._sent(there.info)
        return self._sent(self._pictures.put(name, picture, content_type=_kind(key), if_match=there.info.tag))

    def _sent(self, info: ObjectInfo) -> Sent:
        tag = results.plain_tag(info.tag)
        return Sent(f"{self._uploads.root}/{info.key}", results.result_key(info.key), info.version, tag)

    def result(self, sent: Sent) -> dict[str, Any] | None:
        """The result of exactly what was sent; None while there is none. result.schema.json describes it.

        Raises:
            StorageRefused: the result may not be read.
        """
        if self._results is None:
            return None
        try:
            stored = self._results.get(sent.result_key)
        except (ObjectNotFound, StorageUnavailable):
            return None  # Asked again anyway.
        result = results.decode(stored.data)
        if result is None:
            return None
        field, wanted = ("etag", sent.etag) if sent.version is None else ("version", sent.version)
        return result if result["source"].get(field) == wanted else None


def _kind(key: str) -> str:
    return mimetypes.guess_type(key)[0] or BINARY
