"""What Cloud Storage says to the topic of a bucket's notification."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from gcp_topic import poster
from tests.uploads import events

if TYPE_CHECKING:
    from steel_defect.uploads.refs import ObjectRef


def notification(ref: ObjectRef, kind: str = "OBJECT_FINALIZE", *, payload: bool = True) -> dict[str, Any]:
    """A message as https://docs.cloud.google.com/storage/docs/pubsub-notifications has it."""
    attributes = {"bucketId": ref.bucket, "objectId": ref.key, "objectGeneration": ref.version, "eventType": kind}
    attributes |= {"payloadFormat": "JSON_API_V1" if payload else "NONE"}
    data = json.dumps(events.cloud_storage(ref)).encode() if payload else b""
    return {"data": base64.b64encode(data).decode(), "attributes": attributes}


def publish(topic: str, message: dict[str, Any]) -> None:
    """Publish one; PUBSUB_EMULATOR_HOST says where."""
    assert poster()(f"{topic}:publish", {"messages": [message]}, 60).ok
