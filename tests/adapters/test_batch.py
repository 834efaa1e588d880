"""A batch of queue messages, without a cloud: what moves too fast in the tests of the deployed function."""

from __future__ import annotations

import logging
from threading import Barrier
from typing import TYPE_CHECKING, Any

import aws_batch
from steel_defect.uploads.refs import ObjectRef
from tests.uploads import events

if TYPE_CHECKING:
    import pytest

LOG = logging.getLogger("test")


def ref(number: int) -> ObjectRef:
    return ObjectRef("s3", "uploads", f"{number}.jpg", order="1", size=1)


class Context:
    """An invocation with time enough."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 30_000


def test_several_uploads_are_worked_on_at_a_time() -> None:
    together = Barrier(4, timeout=60)  # nobody passes before four are there
    batch = events.sqs(*(events.s3_notification(ref(number)) for number in range(8)))
    context: Any = Context()  # stands in for Lambda's

    def score(_: ObjectRef) -> None:
        together.wait()

    answer = aws_batch.process(batch, score, context, LOG)
    assert answer == {"batchItemFailures": []}


def test_failures_are_named_in_the_order_of_the_messages(caplog: pytest.LogCaptureFixture) -> None:
    def score(ref: ObjectRef) -> None:
        if ref.key in {"2.jpg", "5.jpg"}:
            raise OSError(ref.key)

    batch = events.sqs(*(events.s3_notification(ref(number)) for number in range(8)))
    context: Any = Context()
    answer = aws_batch.process(batch, score, context, LOG)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-2"}, {"itemIdentifier": "message-5"}]}
    assert sorted(record.getMessage() for record in caplog.records) == [
        "message message-2 goes back to the queue", "message message-5 goes back to the queue"]  # fmt: skip
