"""Objects in S3, by botocore.

obstore would be quicker to start (40 ms against 300 to 480 ms on two busy processors), and was tried first: it
refuses keys with `//`, `.`, `..` or a control character in them, and takes `/lead` and `trail/` for `lead` and
`trail` - another object. Uploads have the keys that cameras give them, so what cannot name every object is out; it also
reads no AWS profiles. botocore is what boto3 is made of; the resources and transfers on top of it are not needed here.

The endpoint and the credentials come from where every AWS tool has them (`AWS_ENDPOINT_URL_S3`, `AWS_PROFILE`, the
role of the function, ...). `head` and `get` cannot distinguish a missing bucket from a missing object if S3 does not.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    MetadataRetrievalError,
)
from botocore.exceptions import ConnectionError as NoConnection
from botocore.session import Session
from urllib3.exceptions import HTTPError

from steel_defect.storage.errors import ObjectNotFound, PreconditionFailed, StorageRefused, StorageUnavailable
from steel_defect.storage.port import BINARY, ObjectInfo, SignedUpload, Stored, check_condition, check_key
from steel_defect.storage.retries import CONNECT_SECONDS, READ_SECONDS, in_time, retried

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONFIG: Final = Config(
    connect_timeout=CONNECT_SECONDS,
    read_timeout=READ_SECONDS,
    retries={"total_max_attempts": 1},
    signature_version="s3v4",
    max_pool_connections=32,
)
# By default URLs are signed for the host of no region. S3 redirects requests there for the first hours of a bucket, and
# a browser follows no redirect of the preflight request before a PUT.
_SIGNING: Final = _CONFIG.merge(Config(s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}))
_CHUNK: Final = 1 << 18
_OF_AWS: Final = (".amazonaws.com", ".amazonaws.com.cn")
_CONFLICT: Final = 409
# The version of what was written while the bucket kept none.
_NO_VERSION: Final = "null"
_TRANSIENT: Final = frozenset({408, 429, 500, 502, 503, 504})
_TRANSIENT_CODES: Final = frozenset({"RequestTimeout", "SlowDown", "Throttling", "InternalError"})


class S3Store:
    """A bucket, or what is below a prefix in it. The tag is the ETag; versions if the bucket keeps them."""

    def __init__(self, bucket: str, prefix: str) -> None:
        """Take the bucket and a prefix without a slash at its end; both may come from anybody."""
        self._bucket = bucket
        self._prefix = prefix
        with _translated(bucket):
            self._client = Session().create_client("s3", config=_CONFIG)

    def get(self, key: str, *, version: str | None = None) -> Stored:
        """See `Store`."""
        request = self._request(key, version)

        def read() -> Stored:
            with _translated(key):
                answer = self._client.get_object(**request)
                data = b"".join(in_time(_pieces(answer["Body"])))
            return Stored(data, _info(key, len(data), answer))

        return retried(read)

    def head(self, key: str, *, version: str | None = None) -> ObjectInfo:
        """See `Store`."""
        request = self._request(key, version)

        def look() -> ObjectInfo:
            with _translated(key):
                answer = self._client.head_object(**request)
            return _info(key, answer["ContentLength"], answer)

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
        request = self._request(key, None)
        if if_absent:
            request["IfNoneMatch"] = "*"
        if if_match is not None:
            request["IfMatch"] = if_match

        def write() -> ObjectInfo:
            with _translated(key, conditional=if_match is not None):
                answer = self._client.put_object(Body=data, ContentType=content_type, **request)
            return _info(key, len(data), answer)

        return write() if if_absent or if_match is not None else retried(write)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """See `Store`."""
        base = f"{self._prefix}/" if self._prefix else ""
        request = {"Bucket": self._bucket, "Prefix": base + prefix}

        def page() -> dict[str, Any]:
            with _translated(prefix):
                answer: dict[str, Any] = self._client.list_objects_v2(**request)
            return answer

        while True:
            answer = retried(page)
            for entry in answer.get("Contents", []):
                yield ObjectInfo(
                    entry["Key"].removeprefix(base), entry["Size"], entry["ETag"], None, entry["LastModified"]
                )
            if not answer.get("IsTruncated"):
                return
            request["ContinuationToken"] = answer["NextContinuationToken"]

    def versions(self, key: str) -> tuple[str, ...]:
        """See `Store`. Needs the permission `s3:ListBucketVersions`."""
        name = check_key(key, self._prefix)
        request = {"Bucket": self._bucket, "Prefix": name}
        found: tuple[str, ...] = ()

        def page() -> dict[str, Any]:
            with _translated(key):
                answer: dict[str, Any] = self._client.list_object_versions(**request)
            return answer

        while True:
            # The versions of one key come newest first, and its own before those of longer keys.
            answer = retried(page)
            entries = answer.get("Versions", [])
            found += tuple(entry["VersionId"] for entry in entries if entry["Key"] == name)
            if not answer.get("IsTruncated") or any(entry["Key"] != name for entry in entries):
                return tuple(version for version in found if version != _NO_VERSION)
            request |= {"KeyMarker": answer["NextKeyMarker"]}
            if "NextVersionIdMarker" in answer:
                request |= {"VersionIdMarker": answer["NextVersionIdMarker"]}

    def delete(self, key: str) -> None:
        """See `Store`."""
        request = self._request(key, None)

        def remove() -> None:
            with _translated(key):
                self._client.delete_object(**request)

        retried(remove)

    def sign_upload(self, key: str, *, content_type: str, size: int, expires_seconds: int) -> SignedUpload:
        """See `Store`. The client's HTTP library sends the length by itself."""
        bound = {"ContentType": content_type, "ContentLength": size}
        request = {**self._request(key, None), **bound}
        with _translated(key):
            url: str = self._signer.generate_presigned_url("put_object", request, expires_seconds)
        return SignedUpload(url, {"content-type": content_type})

    @cached_property
    def _signer(self) -> Any:  # noqa: ANN401 - botocore states no types
        # Stores that others run at a host of their own need not know their buckets as hosts.
        own = not self._client.meta.endpoint_url.endswith(_OF_AWS)
        return self._client if own else Session().create_client("s3", config=_SIGNING)

    def _request(self, key: str, version: str | None) -> dict[str, Any]:
        request = {"Bucket": self._bucket, "Key": check_key(key, self._prefix)}
        return request if version is None else {**request, "VersionId": version}


def _pieces(body: Any) -> Iterator[bytes]:  # noqa: ANN401 - botocore states no types
    """A body as it comes: botocore's own reading waits for a whole chunk, however slowly its bytes arrive."""
    stream = body._raw_stream  # noqa: SLF001 - urllib3's response, of which botocore passes on no `read1`
    while piece := stream.read1(_CHUNK):
        yield piece


def _info(key: str, size: int, answer: dict[str, Any]) -> ObjectInfo:
    return ObjectInfo(key, size, answer["ETag"], answer.get("VersionId"), answer.get("LastModified"))


@contextmanager
def _translated(key: str, *, conditional: bool = False) -> Iterator[None]:
    """The errors of botocore as those of a store."""
    try:
        yield
    except ClientError as error:
        raise _from_answer(error, key, conditional=conditional) from error
    except (NoConnection, HTTPClientError, HTTPError, MetadataRetrievalError) as error:
        message = f"{key!r}: S3 cannot be reached: {error}"
        raise StorageUnavailable(message) from error
    except (BotoCoreError, ValueError) as error:
        message = f"{key!r}: {error}"
        raise StorageRefused(message) from error


def _from_answer(error: ClientError, key: str, *, conditional: bool) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    said = f"{key!r}: {error}"
    if status == 412 or (status == 404 and conditional and code != "NoSuchBucket"):  # noqa: PLR2004 - HTTP
        return PreconditionFailed(said)
    if status in _TRANSIENT or code in _TRANSIENT_CODES or (status == _CONFLICT and code != "BucketAlreadyExists"):
        # 409 ConditionalRequestConflict: another write of the same object was under way.
        return StorageUnavailable(said)
    if status == 404 and code != "NoSuchBucket":  # noqa: PLR2004 - HTTP
        return ObjectNotFound(said)
    return StorageRefused(said)
