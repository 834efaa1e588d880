"""The events of a bucket as they reach Google Cloud's side: pushed by Pub/Sub, or a CloudEvent that Eventarc made."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Final

from steel_defect.uploads.refs import ObjectRef, UnknownEvent, ref_from_cloud_storage

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent

_OF_OBJECTS: Final = "google.cloud.storage.object.v1."
_FINALIZED: Final = f"{_OF_OBJECTS}finalized"
# functions-framework makes a CloudEvent of this type of whatever Pub/Sub pushes.
_PUSHED: Final = "google.cloud.pubsub.topic.v1.messagePublished"


def ref_in_event(event: CloudEvent) -> ObjectRef | None:
    """The object that was written; None if something else happened to one, such as that it was deleted.

    Raises:
        UnknownEvent: the event is not of Cloud Storage.
    """
    if event["type"] == _FINALIZED:
        return ref_from_cloud_storage(event.data)
    if str(event["type"]).startswith(_OF_OBJECTS):
        return None
    if event["type"] == _PUSHED and isinstance(event.data, dict):
        return ref_in_message(event.data.get("message"))
    message = f"the event is not of an object in Cloud Storage but {event['type']!r}"
    raise UnknownEvent(message)


def ref_in_message(message: object) -> ObjectRef | None:
    """The object that a notification of Cloud Storage names, in its data or else in its attributes; None as above.

    https://docs.cloud.google.com/storage/docs/pubsub-notifications

    Raises:
        UnknownEvent: the message is no such notification.
    """
    match message:
        case {"attributes": {"eventType": str(kind)}} if kind != "OBJECT_FINALIZE":
            return None
        case {"data": str(data)} if data:
            return ref_from_cloud_storage(_decoded(data))
        case {"attributes": {"bucketId": bucket, "objectId": name, "objectGeneration": generation}}:
            return ref_from_cloud_storage({"bucket": bucket, "name": name, "generation": generation})
        case _:
            reason = "the message is no notification of Cloud Storage"
            raise UnknownEvent(reason)


def _decoded(data: str) -> object:
    try:
        return json.loads(base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        reason = f"the data of the message are not JSON: {data[:200]!r}"
        raise UnknownEvent(reason) from error
