"""Scores every object below a prefix that has no result of this model yet, or a share of them, several at a time."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final, Literal, cast

from steel_defect.errors import SteelDefectError
from steel_defect.parallel import in_order
from steel_defect.settings import IGNORED_SUFFIXES
from steel_defect.storage import ObjectNotFound, StorageError, open_store
from steel_defect.uploads.foreign import reason_to_ignore
from steel_defect.uploads.processor import Outcome, UploadProcessor
from steel_defect.uploads.refs import UNKNOWN_ORDER, ObjectRef

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator

    from steel_defect.camera import Camera
    from steel_defect.location import Buckets, Location
    from steel_defect.storage import ObjectInfo, Store
    from steel_defect.uploads.processor import Models


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

    def __init__(  # noqa: PLR0913 - what a deployment configures
        self,
        models: Models,
        buckets: Buckets,
        *,
        camera: Camera | None = None,
        ignored_suffixes: tuple[str, ...] = IGNORED_SUFFIXES,
        coil_pattern: re.Pattern[str] | None = None,
        open_bucket: Callable[[Location], Store] = open_store,
    ) -> None:
        """Take the source of the model, where the pictures are, and where the results go; see `UploadProcessor`.

        Raises:
            StorageRefused: a store cannot be opened.
        """
        self._uploads = buckets.uploads
        self._ignored_suffixes = ignored_suffixes
        self._pictures: Store = open_bucket(buckets.uploads.root)
        self._processor = UploadProcessor(
            models,
            replace(buckets, uploads=buckets.uploads.root),
            camera=camera,
            ignored_suffixes=ignored_suffixes,
            coil_pattern=coil_pattern,
            open_bucket=cache(open_bucket),
        )

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
            return Backfilled(uri, self._processor.process(self._ref(listed)))
        except ObjectNotFound:
            return Backfilled(uri, Outcome.SUPERSEDED)  # Deleted since it was listed.
        except (StorageError, SteelDefectError) as error:
            return Backfilled(uri, None, str(error))

    def _ref(self, listed: ObjectInfo) -> ObjectRef:
        """The present version. S3 lists no versions, and neither S3 nor a folder tells an order."""
        scheme = cast("Literal['s3', 'gs', 'file']", self._uploads.scheme)
        ref = ObjectRef(scheme, self._uploads.bucket, listed.key, UNKNOWN_ORDER, size=listed.size)
        if scheme == "gs":
            version = str(listed.version)
            return replace(ref, order=version.zfill(20), version=version)
        if reason_to_ignore(ref, "", self._ignored_suffixes):
            return ref  # The processor says so, and nothing need be read.
        info = self._pictures.head(listed.key)
        return replace(ref, version=info.version, size=info.size, tag=info.tag)
