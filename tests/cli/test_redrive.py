"""`steel-defect redrive` between two queues, as moto has them."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from botocore.session import Session
from click.testing import CliRunner, Result

from steel_defect.cli import main

if TYPE_CHECKING:
    from tests.servers.emulators import Emulator

_numbers = count()


class Queues:
    """A dead-letter queue with messages in it, and the queue that they failed in."""

    def __init__(self, sqs: Any, bodies: list[str]) -> None:  # noqa: ANN401 - botocore states no types
        """Make them; this process must have the emulator's environment."""
        number = next(_numbers)
        self.sqs = sqs
        self.dead, self.queue = (
            sqs.create_queue(QueueName=f"{name}-{number}")["QueueUrl"] for name in ("dead", "uploads")
        )
        for body in bodies:
            sqs.send_message(QueueUrl=self.dead, MessageBody=body)

    def redrive(self, *options: str) -> Result:
        """Run the command."""
        return CliRunner().invoke(main, ["redrive", "--from", self.dead, "--to", self.queue, *options])

    def bodies(self, url: str) -> set[str]:
        """Of all messages of a queue that are not hidden."""
        found: set[str] = set()
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found |= {message["Body"] for message in messages}
        return found

    def count(self, url: str) -> int:
        """How many messages a queue has, hidden ones too."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)


@pytest.fixture
def queues(moto: Emulator, monkeypatch: pytest.MonkeyPatch) -> Queues:
    """With 23 messages, which are more than SQS gives at a time."""
    for name, value in moto.environment.items():
        monkeypatch.setenv(name, value)
    return Queues(Session().create_client("sqs"), [f'{{"key": "ü {number}"}}' for number in range(23)])


def test_all_messages_go_back_as_they_were(queues: Queues) -> None:
    run = queues.redrive()
    assert (run.exit_code, run.output) == (0, "23 messages moved\n")
    assert queues.count(queues.dead) == 0
    assert queues.count(queues.queue) == 23
    assert queues.bodies(queues.queue) == {f'{{"key": "ü {number}"}}' for number in range(23)}


@pytest.mark.parametrize("limit", [1, 12])
def test_no_more_than_the_limit_are_moved_and_the_others_can_be_had_at_once(queues: Queues, limit: int) -> None:
    run = queues.redrive("--limit", str(limit))
    assert (run.exit_code, run.output) == (0, f"{limit} message{'s' if limit > 1 else ''} moved\n")
    assert queues.count(queues.queue) == limit
    assert len(queues.bodies(queues.dead)) == 23 - limit


def test_a_message_that_cannot_be_sent_is_not_deleted(queues: Queues) -> None:
    queues.sqs.delete_queue(QueueUrl=queues.queue)
    run = queues.redrive()
    assert run.exit_code == 1
    assert "SendMessage" in run.output
    assert queues.count(queues.dead) == 23


def test_an_empty_queue_is_no_mistake(queues: Queues) -> None:
    queues.redrive()
    run = queues.redrive()
    assert (run.exit_code, run.output) == (0, "0 messages moved\n")


@pytest.mark.parametrize("slash", ["", "/"])
def test_one_queue_as_both_ends_is_refused_for_it_would_never_be_empty(queues: Queues, slash: str) -> None:
    run = CliRunner().invoke(main, ["redrive", "--from", queues.dead, "--to", queues.dead + slash, "--limit", "30"])
    assert run.exit_code == 2
    assert "--from and --to are the same queue" in run.output
    assert queues.count(queues.dead) == 23
