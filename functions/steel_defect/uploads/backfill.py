"""Scores every object below a prefix that has no result of this model yet, or a share of them, several at a time."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from steel_defect.errors import SteelDefectError
from steel_defect.parallel import in_order
from steel_defect.storage import ObjectNotFound, StorageError, open_store
from steel_defect.uploads.processor import Outcome, UploadProcessor
from steel_defect.uploads.refs import UNKNOWN_ORDER, ObjectRef

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steel_defect.location import Buckets
    from steel_defect.scorer import Scorer
    from steel_defect.storage import ObjectInfo, Store
    from steel_defect.uploads.written import Written


@dataclass(frozen=True)
class Backfilled:
    """The outcome of one object, or the error to be mended before another run."""

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
    """Scores a bucket's objects as the upload function does, but publishes no outcomes."""

    def __init__(self, scorer: Scorer, buckets: Buckets) -> None:
        """Take the model, where the pictures are, and where the results go.

        Raises:
            LocationError: the pictures are in no bucket of a cloud.
            StorageRefused: a store cannot be opened.
        """
        buckets.uploads.require_cloud()
        self._uploads = buckets.uploads
        self._pictures: Store = open_store(buckets.uploads.root)
        self._processor = UploadProcessor(lambda: scorer, buckets.results)

    def run(self, workers: int, share: Share = EVERYTHING) -> Iterator[Backfilled]:
        """Score the objects in the order of the listing. If it is stopped at any moment, the next run continues there.

        Raises:
            StorageError: the listing failed; the objects given so far are done.
        """
        listed = (info for info in self._pictures.list(self._uploads.prefix) if share.has(info.key))
        return in_order(self.score, listed, workers)

    def score(self, listed: ObjectInfo) -> Backfilled:
        """Score one object of a listing. Safe to call from several threads."""
        uri = f"{self._uploads.root}/{listed.key}"
        try:
            if self._uploads.scheme == "gs":
                return Backfilled(uri, self._processor.process(self._listed_ref(listed)))
            # Read before the object: the object found afterwards is of that result's version, or of a newer one.
            written = self._processor.results.read(listed.key)
            return Backfilled(uri, self._processor.process(self._present_ref(listed.key, written), written))
        except ObjectNotFound:
            return Backfilled(uri, Outcome.SUPERSEDED)  # Deleted since it was listed.
        except (StorageError, SteelDefectError) as error:
            return Backfilled(uri, None, str(error))

    def _listed_ref(self, listed: ObjectInfo) -> ObjectRef:
        """The version that Cloud Storage lists."""
        version = str(listed.version)
        return ObjectRef("gs", self._uploads.bucket, listed.key, version.zfill(20), version=version, size=listed.size)

    def _present_ref(self, key: str, written: Written) -> ObjectRef:
        """The present version on S3, which lists neither versions nor orders: it takes the order of the result."""
        info = self._pictures.head(key)
        order = UNKNOWN_ORDER if written.result is None else written.result["source"]["order"]
        return ObjectRef("s3", self._uploads.bucket, key, order, version=info.version, size=info.size, tag=info.tag)
