"""Pictures on their way: put into the uploads bucket, and waited for until their results are there."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steel_defect.storage import ObjectNotFound, StorageRefused, StorageUnavailable, open_store
from steel_defect.storage.port import BINARY
from steel_defect.uploads import results

if TYPE_CHECKING:
    from steel_defect.storage import Store


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

    def __init__(self, uri: str, results_uri: str | None) -> None:
        """Take `s3://bucket/prefix`, `gs://bucket/prefix` or `file:///folder`, and the results' store if they matter.

        Raises:
            StorageRefused: a URI is of neither cloud, or both are of one bucket.
        """
        scheme, _, rest = uri.partition("://")
        # A folder of this machine is a bucket without a prefix.
        bucket, prefix = (rest.rstrip("/"), "") if scheme == "file" else rest.partition("/")[::2]
        if scheme not in {"s3", "gs", "file"} or not bucket:
            message = f"{uri} is not s3://bucket/prefix, gs://bucket/prefix or file:///folder"
            raise StorageRefused(message)
        self._bucket = f"{scheme}://{bucket}"
        if f"{results_uri}/".startswith(f"{self._bucket}/"):
            message = f"{results_uri} is in the bucket of the pictures; results would be taken for uploads there"
            raise StorageRefused(message)
        self._prefix = f"{prefix.rstrip('/')}/" if prefix.rstrip("/") else ""
        self._pictures: Store = open_store(self._bucket)
        self._results: Store | None = None if results_uri is None else open_store(results_uri)

    def send(self, key: str, picture: bytes) -> Sent:
        """Put one picture under this key, below the prefix.

        Raises:
            StorageError: it was not put, or it is not known whether it was.
        """
        name = self._prefix + key
        kind = mimetypes.guess_type(key)[0] or BINARY
        info = self._pictures.put(name, picture, content_type=kind)
        return Sent(f"{self._bucket}/{name}", results.result_key(name), info.version, results.plain_tag(info.tag))

    def result(self, sent: Sent) -> dict[str, Any] | None:
        """The result of exactly what was sent; None while there is none. result.schema.json describes it.

        Raises:
            StorageRefused: it may not be read.
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
