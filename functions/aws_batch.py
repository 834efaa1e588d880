"""A batch of queue messages: each fails alone, and when time runs short the rest goes back unprocessed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType

from steel_defect.uploads.refs import refs_in_text

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from steel_defect.uploads.refs import ObjectRef

# One picture takes well under a second; what is begun has to end before Lambda stops it.
_RESERVE_MS: Final = 5000


class OutOfTime(RuntimeError):
    """The invocation ends soon; the queue gives this message to another one."""


def is_batch(event: object) -> bool:
    """Whether the event is a batch of SQS messages."""
    match event:
        case {"Records": [{"eventSource": "aws:sqs"}, *_]}:
            return True
        case _:
            return False


def process(
    event: dict[str, Any], score: Callable[[ObjectRef], None], context: LambdaContext, logger: logging.Logger
) -> dict[str, Any]:
    """Score the objects that the messages name; the answer names the messages that the queue shall keep.

    Raises:
        Exception: a message without an id failed. It cannot be named, so the whole batch is kept.
    """

    def handle(record: SQSRecord) -> None:
        if context.get_remaining_time_in_millis() < _RESERVE_MS:
            message = "the invocation ends soon; the message goes back to the queue"
            raise OutOfTime(message)
        for ref in refs_in_text(record.body):
            score(ref)

    named = [record for record in event["Records"] if record.get("messageId")]
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False, logger=logger)
    with processor(named, handle, context):
        processor.process()
    unnamed = [record for record in event["Records"] if not record.get("messageId")]
    for record in unnamed:
        for ref in refs_in_text(record["body"]):
            score(ref)
    return dict(processor.response())
