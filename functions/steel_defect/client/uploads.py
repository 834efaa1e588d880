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
        version: of the object; None where the bucket keeps none.
        replaced: tag of the result that was there before; None where there was none.
    """

    uri: str
    result_key: str
    version: str | None
    replaced: str | None


class Uploads:
    """A bucket that the upload function scores, and where it puts the results. Safe to use from several threads."""

    def __init__(self, uri: str, results_uri: str | None) -> None:
        """Take `s3://bucket/prefix` or `gs://bucket/prefix`, and the store of the results where they are waited for.

        Raises:
            StorageRefused: a URI is of neither cloud, or both are of one bucket.
        """
        scheme, _, rest = uri.partition("://")
        bucket, _, prefix = rest.partition("/")
        if scheme not in {"s3", "gs"} or not bucket:
            message = f"{uri} is not s3://bucket/prefix or gs://bucket/prefix"
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
        result_key = results.result_key(name)
        # Looked at before: where the bucket keeps no versions, only a change tells the new result from the old one.
        replaced = self._tag(result_key)
        kind = mimetypes.guess_type(key)[0] or BINARY
        info = self._pictures.put(name, picture, content_type=kind)
        return Sent(f"{self._bucket}/{name}", result_key, info.version, replaced)

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
        if sent.version is None:
            return None if stored.info.tag == sent.replaced else result
        return result if result["source"]["version"] == sent.version else None

    def _tag(self, key: str) -> str | None:
        if self._results is None:
            return None
        try:
            return self._results.head(key).tag
        except ObjectNotFound:
            return None
