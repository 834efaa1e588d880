"""Moves whole files between this machine and a bucket, large ones in parts."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

from steel_defect_trainer.errors import BucketError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from steel_defect.location import Location

# Files are moved at the same time, and of each large one this many parts.
FILES: Final = 8
_PARTS: Final = 4


class Transfer(Protocol):
    """One bucket. Safe to call from several threads."""

    def download(self, name: str, tag: str, target: Path) -> None:
        """Write an object, if it still has this tag, into a file.

        Raises:
            BucketError: it has not, or cannot be read.
        """
        ...

    def upload(self, source: Path, name: str) -> None:
        """Write a file as an object.

        Raises:
            BucketError: it cannot be written.
        """
        ...


def open_transfer(location: Location) -> Transfer:
    """The transfers of S3 or Cloud Storage.

    Raises:
        BucketError: there are no credentials.
    """
    with _translated(str(location)):
        return _S3(location.bucket) if location.scheme == "s3" else _CloudStorage(location.bucket)


class _S3:
    """By boto3's transfer manager: ranges in parallel, retries, parts of large uploads."""

    def __init__(self, bucket: str) -> None:
        from boto3 import client  # noqa: PLC0415 - only for s3://
        from boto3.s3.transfer import TransferConfig  # noqa: PLC0415 - as above
        from botocore.config import Config  # noqa: PLC0415 - as above

        retries = {"mode": "standard", "total_max_attempts": 6}
        self._client = client("s3", config=Config(retries=retries, max_pool_connections=FILES * _PARTS))
        self._config = TransferConfig(max_concurrency=_PARTS)
        self._bucket = bucket

    def download(self, name: str, tag: str, target: Path) -> None:
        with _translated(f"s3://{self._bucket}/{name}"):
            self._client.download_file(self._bucket, name, str(target), Config=self._config)
            # The transfer has no condition: the object must have been the listed one before and after.
            now = self._client.head_object(Bucket=self._bucket, Key=name)["ETag"]
        _check_unchanged(f"s3://{self._bucket}/{name}", tag, now)

    def upload(self, source: Path, name: str) -> None:
        with _translated(f"s3://{self._bucket}/{name}"):
            self._client.upload_file(str(source), self._bucket, name, Config=self._config)


class _CloudStorage:
    """By Google's client, of exactly the generation that was listed."""

    def __init__(self, bucket: str) -> None:
        from google.cloud import storage  # noqa: PLC0415 - only for gs://

        self._bucket = storage.Client().bucket(bucket)

    def download(self, name: str, tag: str, target: Path) -> None:
        blob = self._bucket.blob(name)
        with _translated(f"gs://{self._bucket.name}/{name}"):
            blob.download_to_filename(str(target), if_generation_match=int(tag))
        _check_unchanged(f"gs://{self._bucket.name}/{name}", tag, str(blob.generation))

    def upload(self, source: Path, name: str) -> None:
        with _translated(f"gs://{self._bucket.name}/{name}"):
            self._bucket.blob(name).upload_from_filename(str(source))


def _check_unchanged(uri: str, listed: str, now: str) -> None:
    if listed != now:
        message = f"{uri} changed while it was copied; run the same command again"
        raise BucketError(message)


@contextmanager
def _translated(uri: str) -> Iterator[None]:
    """The errors of both clouds' packages, which have no base of their own, as one."""
    try:
        yield
    except (BucketError, OSError):
        raise
    except Exception as error:
        if not _is_of_a_cloud(error):
            raise
        changed = type(error).__name__ == "PreconditionFailed"
        message = f"{uri} changed while it was copied; run the same command again" if changed else f"{uri}: {error}"
        raise BucketError(message) from error


def _is_of_a_cloud(error: Any) -> bool:  # noqa: ANN401 - any exception
    return type(error).__module__.partition(".")[0] in {
        "boto3",
        "botocore",
        "s3transfer",
        "google",
        "requests",
        "urllib3",
    }
