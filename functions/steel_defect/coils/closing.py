"""A coil that is finished: its marker is in the bucket of uploads, and its pictures are judged.

The marker is an object `coil.json` beside the pictures, put there last: `line-3/4711/coil.json`. It may be empty, or
state `{"coil": "4711", "grade": "304", "pictures": 400}`. The coil is looked at again and again from then on, until

- every picture has a result, and there are as many as the marker states; or, if it states none, no other has come for a
  while; or
- that takes too long. Then the report says what is missing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from steel_defect.coils.files import stored_acceptance, write_report
from steel_defect.coils.reading import Source, pictures_of, read_coil
from steel_defect.coils.summary import summary_of
from steel_defect.coils.verdict import Coil
from steel_defect.place import place_of
from steel_defect.storage import open_store
from steel_defect.uploads import results

if TYPE_CHECKING:
    from steel_defect.settings import Settings

_LONGEST_MARKER: Final = 65_536


class MarkerError(ValueError):
    """A marker cannot be read, or names no coil. Its coil gets no report until it is put again."""


@dataclass(frozen=True)
class Closing:
    """A coil whose marker has come.

    Attributes:
        coil: what the marker states of it.
        source: where its pictures and results are.
        marked: when the marker came.
        marker: its URI.
        settings: of the deployment.
    """

    coil: Coil
    source: Source
    marked: datetime
    marker: str
    settings: Settings

    def is_finished(self, now: datetime | None = None) -> bool:
        """Whether it is time for the report.

        Raises:
            StorageError: a store cannot be read.
        """
        now = now or datetime.now(UTC)
        if now - self.marked >= timedelta(seconds=self.settings.coil_longest_seconds):
            return True
        names = {hash(info.key) for info in self.source.results.list(results.FOLDER + self.source.prefix)}
        count, newest = 0, self.marked
        for info in pictures_of(self.source, self.coil.name):
            if hash(results.result_key(info.key)) not in names:
                return False
            count, newest = count + 1, max(newest, info.modified or newest)
        if self.coil.pictures is not None:
            return count >= self.coil.pictures
        return now - newest >= timedelta(seconds=self.settings.coil_quiet_seconds)

    def report(self) -> dict[str, Any]:
        """Write the report, and give the outcome to be published. Doing so twice is harmless.

        Raises:
            AcceptanceError: the acceptance table cannot be read.
            StorageError: a store cannot be read or written.
        """
        store = self.source.results
        summary = summary_of(self.coil, read_coil(self.source, self.coil.name), stored_acceptance(store))
        key = write_report(store, summary)
        content = summary.content
        return {
            "status": "judged",
            **{name: content[name] for name in ("coil", "grade", "decision", "reasons", "periods")},
            "pictures": content["pictures"]["seen"],
            "defects": content["defects"]["counted"],
            "marker": self.marker,
            "report": str(self.settings.require_buckets().results.below(key)),
        }


def closing_of(settings: Settings, key: str) -> Closing:
    """The coil that a marker is of.

    Args:
        settings: of the deployment.
        key: of the marker, whole.

    Raises:
        MarkerError: says what is wrong with it.
        SettingsError: there are no buckets.
        StorageError: it cannot be read.
    """
    buckets = settings.require_buckets()
    if not key.startswith(buckets.uploads.below("").prefix):
        message = f"the marker {key!r} is not below {buckets.uploads}"
        raise MarkerError(message)
    uploads = open_store(buckets.uploads.root)
    stored = uploads.get(key)
    prefix = key[: key.rfind("/") + 1]
    source = Source(open_store(buckets.results), settings.coil_pattern, prefix, uploads, settings.ignored_suffixes)
    coil = _stated(stored.data, place_of(key, settings.coil_pattern).coil, key)
    # Both clouds tell when it was written; a folder does not say it of one object.
    marked = stored.info.modified or datetime.now(UTC)
    return Closing(coil, source, marked, f"{buckets.uploads.root}/{key}", settings)


def _stated(data: bytes, coil: str | None, key: str) -> Coil:
    try:
        content = json.loads(data[:_LONGEST_MARKER]) if data.strip() else {}
    except (ValueError, RecursionError) as error:
        message = f"the marker {key!r} is not JSON: {error}"
        raise MarkerError(message) from error
    match content:
        case {**rest} if set(rest) <= {"coil", "grade", "pictures"}:
            name, grade, pictures = rest.get("coil", coil), rest.get("grade"), rest.get("pictures")
        case _:
            message = f"the marker {key!r} states coil, grade and pictures, and no more"
            raise MarkerError(message)
    if not isinstance(name, str) or not name:
        message = f"the marker {key!r} names no coil, and COIL_PATTERN tells none from its key"
        raise MarkerError(message)
    if not isinstance(grade, str | None) or isinstance(pictures, bool) or not isinstance(pictures, int | None):
        message = f"the marker {key!r}: grade is a text and pictures a whole number"
        raise MarkerError(message)
    return Coil(name, grade, pictures)
