"""Every object below a prefix that has no result of this model yet, or a share of them, several at a time."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, cast

from steel_defect.errors import SteelDefectError
from steel_defect.parallel import in_order
from steel_defect.storage import ObjectNotFound, StorageError, StorageRefused, open_store
from steel_defect.uploads import results
from steel_defect.uploads.processor import Outcome, UploadProcessor
from steel_defect.uploads.refs import UNKNOWN_ORDER, ObjectRef

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steel_defect.scorer import Scorer
    from steel_defect.storage import ObjectInfo, Store


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
    """Scores a bucket's objects as the upload function does, but tells nobody."""

    def __init__(self, scorer: Scorer, uri: str, results_uri: str) -> None:
        """Take the model, `s3://bucket/prefix` or `gs://bucket/prefix`, and the store of the results.

        Raises:
            StorageRefused: a URI is of neither cloud, or the results would be in the bucket of the pictures.
        """
        scheme, _, rest = uri.partition("://")
        bucket, _, self._prefix = rest.partition("/")
        if scheme not in {"s3", "gs"}:
            message = f"{uri} is not s3://bucket/prefix or gs://bucket/prefix"
            raise StorageRefused(message)
        if f"{results_uri}/".startswith(f"{scheme}://{bucket}/"):
            message = f"{results_uri} is in the bucket of the pictures; results would be taken for uploads there"
            raise StorageRefused(message)
        self._scheme, self._bucket = cast("Literal['s3', 'gs']", scheme), bucket
        self._pictures: Store = open_store(f"{scheme}://{bucket}")
        self._results: Store = open_store(results_uri)
        self._processor = UploadProcessor(lambda: scorer, results_uri)

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
        """The object as it is now. S3 lists neither versions nor orders: it takes the order of the present result."""
        if self._scheme == "gs":
            version = str(listed.version)
            return ObjectRef("gs", self._bucket, listed.key, version.zfill(20), version=version, size=listed.size)
        try:
            # Read before the object: what is there afterwards is of that version, or of a newer one.
            existing = results.decode(self._results.get(results.result_key(listed.key)).data)
        except ObjectNotFound:
            existing = None
        info = self._pictures.head(listed.key)
        order = UNKNOWN_ORDER if existing is None else existing["source"]["order"]
        return ObjectRef("s3", self._bucket, listed.key, order, version=info.version, size=info.size, tag=info.tag)
