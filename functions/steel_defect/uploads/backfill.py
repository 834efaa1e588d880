"""Every object below a prefix that has no result of this model yet, or a share of them, several at a time."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final, Literal, cast

from steel_defect.errors import SteelDefectError
from steel_defect.parallel import in_order
from steel_defect.settings import IGNORED_SUFFIXES
from steel_defect.storage import ObjectNotFound, StorageError, StorageRefused, open_store
from steel_defect.uploads.foreign import reason_to_ignore
from steel_defect.uploads.processor import Outcome, UploadProcessor
from steel_defect.uploads.refs import UNKNOWN_ORDER, ObjectRef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from steel_defect.storage import ObjectInfo, Store
    from steel_defect.uploads.processor import Models


@dataclass(frozen=True)
class Backfilled:
    """What came of one object: an outcome, or what has to be mended before another run."""

    uri: str
    outcome: Outcome | None
    error: str | None = None


@dataclass(frozen=True)
class Share:
    """The part of one of several tasks: `index` of `count`, from 0.

    The key alone decides whose an object is. So the tasks need not see the same listing, and a task that is started
    again has the same part.
    """

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        if not 0 <= self.index < self.count:
            message = f"there is no task {self.index} of {self.count}; tasks count from 0"
            raise ValueError(message)

    def has(self, key: str) -> bool:
        """Whether the object is this task's."""
        return zlib.crc32(key.encode()) % self.count == self.index


EVERYTHING: Final = Share()


class Backfill:
    """Scores a bucket's objects as the upload function does, but notifies nobody."""

    def __init__(
        self,
        models: Models,
        uri: str,
        results_uri: str,
        *,
        ignored_suffixes: tuple[str, ...] = IGNORED_SUFFIXES,
        open_bucket: Callable[[str], Store] = open_store,
    ) -> None:
        """Take the model's source, the place of the pictures, and the store of the results.

        Args:
            models: gives the model.
            uri: `s3://bucket/prefix`, `gs://bucket/prefix` or `file:///folder`.
            results_uri: see `UploadProcessor`.
            ignored_suffixes: see `UploadProcessor`.
            open_bucket: see `UploadProcessor`.

        Raises:
            StorageRefused: a URI is of no such form, or the results would be in the bucket of the pictures.
        """
        scheme, _, rest = uri.partition("://")
        # A folder of this machine is a bucket without a prefix.
        bucket, prefix = (rest.rstrip("/"), "") if scheme == "file" else rest.partition("/")[::2]
        if scheme not in {"s3", "gs", "file"}:
            message = f"{uri} is not s3://bucket/prefix, gs://bucket/prefix or file:///folder"
            raise StorageRefused(message)
        if f"{results_uri}/".startswith(f"{scheme}://{bucket}/"):
            message = f"{results_uri} is in the bucket of the pictures; results would be taken for uploads there"
            raise StorageRefused(message)
        self._scheme, self._bucket = cast("Literal['s3', 'gs', 'file']", scheme), bucket
        self._prefix = prefix
        self._ignored_suffixes = ignored_suffixes
        self._pictures: Store = open_bucket(f"{scheme}://{bucket}")
        self._processor = UploadProcessor(
            models,
            f"{scheme}://{bucket}",
            results_uri,
            ignored_suffixes=ignored_suffixes,
            open_bucket=cache(open_bucket),
        )

    def run(self, workers: int, share: Share = EVERYTHING) -> Iterator[Backfilled]:
        """Score what is there, in the order of the listing. Stopped at any moment, the next run goes on from there.

        Raises:
            StorageError: the listing failed; what was given so far is done.
        """
        listed = (info for info in self._pictures.list(self._prefix) if share.has(info.key))
        return in_order(self.score, listed, workers)

    def score(self, listed: ObjectInfo) -> Backfilled:
        """Score one object of a listing. Safe to call from several threads."""
        uri = f"{self._scheme}://{self._bucket}/{listed.key}"
        try:
            return Backfilled(uri, self._processor.process(self._ref(listed)))
        except ObjectNotFound:
            return Backfilled(uri, Outcome.SUPERSEDED)  # Deleted since it was listed.
        except (StorageError, SteelDefectError) as error:
            return Backfilled(uri, None, str(error))

    def _ref(self, listed: ObjectInfo) -> ObjectRef:
        """The object as it is now. S3 and a folder tell no order."""
        ref = ObjectRef(self._scheme, self._bucket, listed.key, UNKNOWN_ORDER, size=listed.size)
        if self._scheme == "gs":
            version = str(listed.version)
            return replace(ref, order=version.zfill(20), version=version)
        if reason_to_ignore(ref, "", self._ignored_suffixes):
            return ref  # The processor says so, and nothing need be asked.
        info = self._pictures.head(listed.key)
        return replace(ref, version=info.version, size=info.size, tag=info.tag)
