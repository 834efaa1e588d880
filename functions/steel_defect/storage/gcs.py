"""Objects in Cloud Storage, by Google's own client.

obstore writes here by the XML API, which the emulator that the tests run against refuses, and normalises keys (see
`s3`). The endpoint and the credentials come from where every Google tool has them (`STORAGE_EMULATOR_HOST`,
`GOOGLE_APPLICATION_CREDENTIALS`, the service account of the function, ...).
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption
from requests import RequestException

from steel_defect.storage.errors import (
    ObjectNotFound,
    PreconditionFailed,
    StorageError,
    StorageRefused,
    StorageUnavailable,
)
from steel_defect.storage.gcs_signing import signer
from steel_defect.storage.port import BINARY, ObjectInfo, SignedUpload, Stored, check_condition, check_key
from steel_defect.storage.retries import CONNECT_SECONDS, READ_SECONDS, retried

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.cloud.storage import Blob

# Otherwise the client reads the bucket's metadata for traces that are never collected: from a thread of its own, with a
# permission on the bucket that a function need not have.
os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")

_LIMITS: Final[dict[str, Any]] = {"timeout": (CONNECT_SECONDS, READ_SECONDS), "retry": None}
_TRANSIENT: Final = (
    exceptions.ServerError,
    exceptions.TooManyRequests,
    exceptions.RetryError,
    RequestException,
    TransportError,
    DataCorruption,
    ConnectionError,
)
_REQUEST_TIMEOUT: Final = 408
_PAGE: Final = 1000  # The most that the service gives at once.


class CloudStorageStore:
    """A bucket, or what is below a prefix in it. Tag and version are the generation."""

    def __init__(self, bucket: str, prefix: str) -> None:
        """Take the bucket and a prefix without a slash at its end; both may come from anybody."""
        self._prefix = prefix
        with _translated(bucket):
            self._client = storage.Client()
            self._bucket = self._client.bucket(bucket)

    def get(self, key: str, *, version: str | None = None) -> Stored:
        """See `Store`."""
        name, generation = check_key(key, self._prefix), _generation(key, version, ObjectNotFound)

        def read() -> Stored:
            blob = self._bucket.blob(name, generation=generation)
            with _translated(key):
                data: bytes = blob.download_as_bytes(**_LIMITS)
            return Stored(data, _info(key, len(data), blob))

        return retried(read)

    def head(self, key: str, *, version: str | None = None) -> ObjectInfo:
        """See `Store`."""
        name, generation = check_key(key, self._prefix), _generation(key, version, ObjectNotFound)

        def look() -> ObjectInfo:
            blob = self._bucket.blob(name, generation=generation)
            with _translated(key):
                blob.reload(**_LIMITS)
            return _info(key, blob.size, blob)

        return retried(look)

    def put(
        self,
        key: str,
        data: bytes,
        *,
        content_type: str = BINARY,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> ObjectInfo:
        """See `Store`."""
        check_condition(key, if_absent=if_absent, if_match=if_match)
        name = check_key(key, self._prefix)
        generation = 0 if if_absent else _generation(key, if_match, PreconditionFailed)

        def write() -> ObjectInfo:
            blob = self._bucket.blob(name)
            with _translated(key, missing=StorageRefused):
                blob.upload_from_string(data, content_type, if_generation_match=generation, **_LIMITS)
            return _info(key, len(data), blob)

        return retried(write) if generation is None else write()

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """See `Store`."""
        base = f"{self._prefix}/" if self._prefix else ""
        token: str | None = None

        def page() -> tuple[list[Blob], str | None]:
            with _translated(prefix, missing=StorageRefused):
                found = self._client.list_blobs(
                    self._bucket, prefix=base + prefix, page_token=token, page_size=_PAGE, **_LIMITS
                )
                blobs = list(next(found.pages, ()))
            return blobs, found.next_page_token

        while True:
            blobs, token = retried(page)
            for blob in blobs:
                yield _info(blob.name.removeprefix(base), blob.size, blob)
            if token is None:
                return

    def versions(self, key: str) -> tuple[str, ...]:
        """See `Store`."""
        name = check_key(key, self._prefix)

        def look() -> set[int]:
            with _translated(key, missing=StorageRefused):
                # The emulator of the tests takes "true" alone, which the client's own spelling is not.
                found = self._client.list_blobs(self._bucket, prefix=name, versions="true", page_size=_PAGE, **_LIMITS)
                # Names that go on behind this one come later, and an object has fewer versions than a page.
                return {int(blob.generation) for blob in next(found.pages, ()) if blob.name == name}

        return tuple(str(generation) for generation in sorted(retried(look), reverse=True))

    def delete(self, key: str) -> None:
        """See `Store`."""
        blob = self._bucket.blob(check_key(key, self._prefix))

        def remove() -> None:
            with _translated(key):
                blob.delete(**_LIMITS)

        try:
            retried(remove)
        except ObjectNotFound:
            return

    def sign_upload(self, key: str, *, content_type: str, size: int, expires_seconds: int) -> SignedUpload:
        """See `Store`."""
        blob = self._bucket.blob(check_key(key, self._prefix))
        headers = {"content-type": content_type, "x-goog-content-length-range": f"{size},{size}"}
        with _translated(key):
            url: str = blob.generate_signed_url(
                version="v4",
                method="PUT",
                expiration=timedelta(seconds=expires_seconds),
                headers=dict(headers),  # The client adds to it.
                **signer(),
            )
        return SignedUpload(url, headers)


def _generation(key: str, stated: str | None, otherwise: type[StorageError]) -> int | None:
    """The generation that a tag or version means. Zero is no generation: as a condition it would mean create-only."""
    if stated is None:
        return None
    if not stated.isascii() or not stated.isdigit() or int(stated) == 0:
        message = f"{key!r} has no generation {stated!r}"
        raise otherwise(message)
    return int(stated)


def _info(key: str, size: int, blob: Blob) -> ObjectInfo:
    return ObjectInfo(key, size, str(blob.generation), str(blob.generation), blob.updated)


@contextmanager
def _translated(key: str, *, missing: type[StorageError] = ObjectNotFound) -> Iterator[None]:
    """The errors of Google's client as those of a store; `missing` is what 404 means."""
    try:
        yield
    except exceptions.PreconditionFailed as error:
        message = f"{key!r} is not what it was when the write was decided: {error.message}"
        raise PreconditionFailed(message) from error
    except exceptions.NotFound as error:
        message = f"{key!r}: {error.message}"
        raise (StorageRefused if "bucket does not exist" in message else missing)(message) from error
    except _TRANSIENT as error:
        message = f"{key!r}: Cloud Storage cannot be reached: {error}"
        raise StorageUnavailable(message) from error
    except (exceptions.GoogleAPICallError, GoogleAuthError) as error:
        message = f"{key!r}: {error}"
        if getattr(error, "code", None) == _REQUEST_TIMEOUT:
            raise StorageUnavailable(message) from error
        raise StorageRefused(message) from error
