"""Events as the clouds send them for one created object."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

if TYPE_CHECKING:
    from steel_defect.uploads.refs import ObjectRef


def s3_record(ref: ObjectRef) -> dict[str, Any]:
    """One record of a native S3 notification."""
    found = {"key": quote_plus(ref.key, safe="/"), "size": ref.size, "eTag": ref.tag, "sequencer": ref.order}
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-west-1",
        "eventTime": "2026-11-22T12:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "uploads",
            "bucket": {"name": ref.bucket, "arn": f"arn:aws:s3:::{ref.bucket}"},
            "object": _known({**found, "versionId": ref.version}),
        },
    }


def s3_notification(*refs: ObjectRef) -> dict[str, Any]:
    """What S3 sends to a function or a queue."""
    return {"Records": [s3_record(ref) for ref in refs]}


def eventbridge(ref: ObjectRef) -> dict[str, Any]:
    """EventBridge's "Object Created"; the key is not encoded there."""
    found = {"key": ref.key, "size": ref.size, "etag": ref.tag, "version-id": ref.version, "sequencer": ref.order}
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "123456789012",
        "region": "eu-west-1",
        "detail": {"version": "0", "bucket": {"name": ref.bucket}, "object": _known(found), "reason": "PutObject"},
    }


def sns(message: dict[str, Any]) -> dict[str, Any]:
    """A message in the envelope of an SNS topic."""
    return {"Type": "Notification", "MessageId": str(uuid.uuid4()), "Message": json.dumps(message)}


def sqs(*bodies: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """A batch of queue messages with these bodies."""
    return {
        "Records": [
            {
                "messageId": f"message-{index}",
                "receiptHandle": "handle",
                "body": body if isinstance(body, str) else json.dumps(body),
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:uploads",
                "awsRegion": "eu-west-1",
            }
            for index, body in enumerate(bodies)
        ]
    }


TEST_EVENT = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads", "RequestId": "1", "HostId": "2"}


def cloud_storage(ref: ObjectRef) -> dict[str, Any]:
    """The data of a CloudEvent of a finalized object."""
    return {
        "kind": "storage#object",
        "bucket": ref.bucket,
        "name": ref.key,
        "generation": str(int(ref.order)),
        "metageneration": "1",
        "size": str(ref.size or 0),
        "contentType": "image/jpeg",
    }


def _known(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value is not None}
