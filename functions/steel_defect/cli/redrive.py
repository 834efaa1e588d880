"""`steel-defect redrive`: back from the dead-letter queue, once what failed is mended."""

from __future__ import annotations

from typing import Final

import click
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

_BATCH: Final = 10


@click.command("redrive")
@click.option("--from", "source", required=True, metavar="URL", help="URL of the dead-letter queue.")
@click.option("--to", "target", required=True, metavar="URL", help="URL of the queue of uploads.")
@click.option("--limit", type=click.IntRange(min=1), help="Move at most this many messages.  [default: all]")
def command(source: str, target: str, limit: int | None) -> None:
    """Move messages from an SQS dead-letter queue back to the queue they failed in.

    Each message is sent before it is deleted: stopped at any moment, none is lost, and one that is moved twice changes
    nothing. The SQS console's own "Start DLQ redrive" does the same. On Google Cloud, `steel-defect score gs://...
    --results gs://...` scores what has no result.

    \b
        steel-defect redrive --from "$DEAD_LETTER_QUEUE_URL" --to "$UPLOAD_QUEUE_URL"
    """  # noqa: D301 - click wants the character that it spells
    if source.rstrip("/") == target.rstrip("/"):
        message = "--from and --to are the same queue: each message would come back for ever"
        raise click.UsageError(message)
    try:
        moved = _move(source, target, limit)
    except (ClientError, BotoCoreError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{moved} message{'' if moved == 1 else 's'} moved")


def _move(source: str, target: str, limit: int | None) -> int:
    sqs = Session().create_client("sqs")
    moved = 0
    while limit is None or moved < limit:
        wanted = _BATCH if limit is None else min(_BATCH, limit - moved)
        answer = sqs.receive_message(QueueUrl=source, MaxNumberOfMessages=wanted, WaitTimeSeconds=1)
        messages = answer.get("Messages", [])
        if not messages:
            break
        for message in messages:
            sqs.send_message(QueueUrl=target, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
    return moved
