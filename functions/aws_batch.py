"""A batch of queue messages: each fails alone, and when time runs short the rest goes back unprocessed.

Several are worked on at a time. An upload waits for its bucket far longer than for its score, and Lambda bills the
waiting. One call of the model for many pictures would save nothing: on one processor, which is what the function has,
a picture takes a seventh longer in a batch of 16 than alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from steel_defect.parallel import in_order
from steel_defect.storage.retries import within
from steel_defect.uploads.refs import refs_in_text

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from steel_defect.uploads.refs import ObjectRef

# Kept for the score of one large picture, and for the answer.
_RESERVE_MS: Final = 5000
_AT_A_TIME: Final = 8


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

    Args:
        event: of SQS.
        score: called from several threads.
        context: knows how much time is left.
        logger: gets each failure.

    Raises:
        Exception: a message without an id failed. It cannot be named, so the whole batch is kept.
    """

    def failure_of(record: dict[str, Any]) -> Exception | None:
        try:
            # What has begun ends before Lambda stops the call, or all messages would come back and count as failed.
            with within((context.get_remaining_time_in_millis() - _RESERVE_MS) / 1e3):
                for ref in refs_in_text(record["body"]):
                    score(ref)
        except Exception as error:  # A message that fails in whatever way is no reason to lose another.
            logger.exception("message %s goes back to the queue", record.get("messageId"))
            return error
        return None

    failures = list(in_order(failure_of, event["Records"], _AT_A_TIME))
    failed = [(record, failure) for record, failure in zip(event["Records"], failures, strict=True) if failure]
    for record, failure in failed:
        if not record.get("messageId"):
            raise failure
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record, _ in failed]}
