"""Uploads by callers of the HTTP interface: a signed URL to the bucket, and later the result.

For pictures that are too large for a request. The key is made here, so that nobody can write over another's upload, and
only keys of this form are read: what cameras put into the bucket cannot be asked for. The key of an upload can not be
guessed; that, and being let in by the platform, is what it takes to see its result.
"""

from __future__ import annotations

import logging
import re
import secrets
import unicodedata
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from steel_defect.body import json_in
from steel_defect.errors import (
    MalformedBody,
    NotFound,
    ResultNotReady,
    UnsupportedMediaType,
    UploadsNotConfigured,
    UploadsUnavailable,
    too_many_bytes,
)
from steel_defect.storage import ObjectNotFound, SigningUnsupported, StorageUnavailable, open_store
from steel_defect.uploads import results

if TYPE_CHECKING:
    from steel_defect.location import Buckets
    from steel_defect.settings import Settings
    from steel_defect.storage import Store

EXPIRES_SECONDS: Final = 900
# The roles of both clouds grant what is below it.
FOLDER: Final = "web/"
_KEY: Final = re.compile(r"web/\d{4}-\d{2}-\d{2}/[A-Za-z0-9_-]{22}/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", re.ASCII)
_LONGEST_NAME: Final = 100
_LONGEST_BODY: Final = 16_384
# Of the formats that can be scored; `steel_defect.pictures` is not loaded for their names.
TYPES: Final = ("image/jpeg", "image/png", "image/webp", "image/bmp", "image/tiff")
_WANTED: Final = 'the JSON must be {"name": "strip.jpg", "content_type": "image/jpeg", "size": <bytes, from 1>}'
_log = logging.getLogger(__name__)


class SignedUploads:
    """Signs uploads into one bucket, and reads their results from another."""

    def __init__(self, buckets: Buckets, endpoint: str | None = None) -> None:
        """Take both buckets, and the URL of the service that has the uploads, for `sources`.

        The stores are opened when they are first used.
        """
        self._buckets = buckets
        self._endpoint = endpoint

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The beginnings of the URLs that `sign` gives, for a Content-Security-Policy; none if they are not known.

        The bucket is in the host's name or begins the path, as the service's own client has it. No client is asked:
        it would have to be loaded for the page.
        """
        if self._endpoint is None:
            return ()
        scheme, _, host = self._endpoint.rstrip("/").partition("://")
        bucket, folder = self._buckets.uploads.bucket, quote(self._buckets.uploads.below(FOLDER).prefix)
        return f"{scheme}://{bucket}.{host}/{folder}", f"{scheme}://{host}/{bucket}/{folder}"

    def sign(self, body: bytes, max_bytes: int) -> dict[str, Any]:
        """Where and how to put the picture that `body` describes. `schema Upload` in openapi.json describes the answer.

        Raises:
            MalformedBody: the description is invalid.
            UnsupportedMediaType: the type is not that of a picture.
            TooManyBytes: the picture would be refused.
            UploadsNotConfigured, UploadsUnavailable: nothing can be signed here, or not now.
        """
        name, content_type, size = _described(body)
        if content_type not in TYPES:
            message = f"content_type is {content_type[:100]!r}; it must be one of {', '.join(TYPES)}"
            raise UnsupportedMediaType(message)
        if size > max_bytes:
            raise too_many_bytes(max_bytes, size)
        now = datetime.now(UTC)
        key = f"{FOLDER}{now:%Y-%m-%d}/{secrets.token_urlsafe(16)}/{_clean(name)}"
        try:
            signed = self._uploads.sign_upload(
                key, content_type=content_type, size=size, expires_seconds=EXPIRES_SECONDS
            )
        except SigningUnsupported as error:
            _log.error("uploads cannot be signed: %s", error)
            message = "this deployment cannot sign uploads; its log says why"
            raise UploadsNotConfigured(message) from error
        except StorageUnavailable as error:
            message = "the upload cannot be signed at the moment; try again"
            raise UploadsUnavailable(message) from error
        expires = (now + timedelta(seconds=EXPIRES_SECONDS)).isoformat(timespec="seconds")
        return {"method": "PUT", "url": signed.url, "headers": dict(signed.headers), "key": key, "expires": expires}

    def result(self, key: str) -> dict[str, Any]:
        """The result of an upload; result.schema.json describes it.

        Raises:
            NotFound: the key is not of the form that `sign` gives.
            ResultNotReady: the picture has not arrived, or is not scored yet.
            UploadsUnavailable: the result cannot be read at the moment.
        """
        if not _KEY.fullmatch(key):
            message = "there is no such upload; a key is what POST /uploads gave, such as web/2026-01-31/.../strip.jpg"
            raise NotFound(message)
        try:
            stored = self._results.get(results.result_key(self._buckets.uploads.below(key).prefix))
        except ObjectNotFound:
            found = None
        except StorageUnavailable as error:
            message = "the result cannot be read at the moment; try again"
            raise UploadsUnavailable(message) from error
        else:
            found = results.decode(stored.data)
        if found is None:
            message = "there is no result of this upload yet; ask again, and see that the picture was put"
            raise ResultNotReady(message)
        return found

    @cached_property
    def _uploads(self) -> Store:
        return open_store(self._buckets.uploads)

    @cached_property
    def _results(self) -> Store:
        return open_store(self._buckets.results)


def signed_uploads(settings: Settings) -> SignedUploads | None:
    """Signed uploads into the buckets of the settings; None if there are none."""
    return None if settings.buckets is None else SignedUploads(settings.buckets, settings.uploads_endpoint)


def _described(body: bytes) -> tuple[str, str, int]:
    if len(body) > _LONGEST_BODY:
        message = f"the body has {len(body):,} bytes; {_WANTED}, and the picture goes to the URL of the answer"
        raise MalformedBody(message)
    match json_in(body):
        case {"name": str(name), "content_type": str(content_type), "size": int(size)} if size > 0 and not isinstance(
            size, bool
        ):
            return name, content_type, size
        case _:
            raise MalformedBody(_WANTED)


def _clean(name: str) -> str:
    """The last part of a name, of characters that mean the same in every URL, shell and bucket."""
    last = re.split(r"[/\\]", name)[-1]
    plain = unicodedata.normalize("NFKD", last).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-.")[-_LONGEST_NAME:].lstrip("-.") or "picture"
