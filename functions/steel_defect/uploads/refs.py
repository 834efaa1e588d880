"""Every event that says "an object was created", as the same `ObjectRef`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import unquote_plus

from steel_defect.location import Location

if TYPE_CHECKING:
    from collections.abc import Callable

# For an object that no event named: a backfill found it in a listing.
UNKNOWN_ORDER: Final = ""


class UnknownEvent(ValueError):
    """The event is of no known kind. It is not dropped: the caller lets it fail, so that it is kept."""


@dataclass(frozen=True)
class ObjectRef:
    """One version of one object.

    Attributes:
        scheme: "s3", "gs", or "file" for a folder of this machine.
        bucket: its name.
        key: exactly as the object is named, nothing encoded.
        order: which of two versions of the same key is the newer one, see `is_older`; `UNKNOWN_ORDER` if nobody said.
        version: S3's version id or Cloud Storage's generation; None if the bucket keeps no versions.
        size: bytes; None if the event does not say.
        tag: S3's ETag; None if the event does not say.
    """

    scheme: Literal["s3", "gs", "file"]
    bucket: str
    key: str
    order: str
    version: str | None = None
    size: int | None = None
    tag: str | None = None

    @property
    def uri(self) -> str:
        """For people and for results; not percent-encoded."""
        return f"{self.scheme}://{self.bucket}/{self.key}"

    @property
    def store(self) -> Location:
        """The whole bucket, in which `key` is the object's name."""
        return Location(self.scheme, self.bucket)


def is_older(order: str, than: str) -> bool:
    """Whether one order comes before another, both known and of the same key.

    S3's sequencers are hexadecimal and of varying length; the shorter is padded with zeros on the right:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html. Generations are kept
    with leading zeros, all of one length, so that the same rule holds for them.
    """
    width = max(len(order), len(than))
    return order.ljust(width, "0").upper() < than.ljust(width, "0").upper()


def refs_in(event: object) -> list[ObjectRef]:
    """The created objects that an AWS event names.

    Understands S3 notifications, EventBridge's "Object Created", either of them in an SNS envelope, and `s3:TestEvent`,
    which S3 sends when a notification is set up and which names no object.

    Raises:
        UnknownEvent: anything else.
    """
    match event:
        case {"Records": [*records]}:
            return [ref for record in records for ref in _from_record(record)]
        case {"Event": "s3:TestEvent"}:
            return []
        case {"source": "aws.s3", "detail-type": "Object Created", "detail": {**detail}}:
            return [_from_eventbridge(detail)]
        case {"Type": "Notification", "Message": str(message)}:
            return refs_in_text(message)
        case _:
            raise UnknownEvent(_describe(event))


def refs_in_text(text: str) -> list[ObjectRef]:
    """As `refs_in`, of the JSON that a queue or a topic carries."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"the message is not JSON: {text[:200]!r}"
        raise UnknownEvent(message) from error
    return refs_in(event)


def ref_from_cloud_storage(data: object) -> ObjectRef:
    """The object of a CloudEvent `google.cloud.storage.object.v1.finalized`.

    Raises:
        UnknownEvent: the data is not that of such an event.
    """
    match data:
        case {"bucket": str(bucket), "name": str(name), "generation": str() | int() as generation, **rest} if str(
            generation
        ).isdigit():
            size = rest.get("size")
            return ObjectRef(
                "gs",
                bucket,
                name,
                order=str(generation).zfill(20),
                version=str(generation),
                size=None if size is None else int(str(size)),
            )
        case _:
            raise UnknownEvent(_describe(data))


def _from_record(record: object) -> list[ObjectRef]:
    match record:
        case {"eventSource": "aws:s3", "eventName": str(name)} if not name.startswith("ObjectCreated:"):
            return []
        case {"eventSource": "aws:s3", "s3": {"bucket": {"name": str(bucket)}, "object": {**item}}}:
            # Native notifications encode keys as HTML forms do: a space is a plus sign.
            return [_s3_ref(bucket, item, unquote_plus, version="versionId", tag="eTag")]
        case _:
            raise UnknownEvent(_describe(record))


def _from_eventbridge(detail: Mapping[Any, Any]) -> ObjectRef:
    match detail:
        case {"bucket": {"name": str(bucket)}, "object": {**item}}:
            return _s3_ref(bucket, item, str, version="version-id", tag="etag")
        case _:
            raise UnknownEvent(_describe(detail))


def _s3_ref(bucket: str, item: Mapping[Any, Any], decode: Callable[[str], str], *, version: str, tag: str) -> ObjectRef:
    match item:
        case {"key": str(key), "sequencer": str(order)}:
            return ObjectRef(
                "s3",
                bucket,
                decode(key),
                order=order,
                version=item.get(version) or None,
                size=item.get("size"),
                tag=item.get(tag) or None,
            )
        case _:
            raise UnknownEvent(_describe(item))


def _describe(event: object) -> str:
    shape = sorted(map(str, event)) if isinstance(event, Mapping) else type(event).__name__
    return f"the event is neither of S3, EventBridge, SNS nor Cloud Storage; it has {shape}"
