"""Outcome events on EventBridge, as moto has it: a rule of the bus gives them to a queue."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.session import Session

import aws_bus

if TYPE_CHECKING:
    from tests.servers.emulators import Emulator

OUTCOME = {"status": "scored", "decision": "reject", "result": "s3://results/scores/line 3/ü.jpg.json"}


@pytest.fixture(autouse=True)
def _environment(moto: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in moto.environment.items():
        monkeypatch.setenv(name, value)


def subscribe(bus: str, decisions: list[str]) -> str:
    """A queue, by its URL, that gets the outcomes with one of these decisions."""
    events, sqs = (Session().create_client(service) for service in ("events", "sqs"))
    events.create_event_bus(Name=bus)
    queue: str = sqs.create_queue(QueueName=bus)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {
        "source": [aws_bus.SOURCE], "detail-type": [aws_bus.PICTURE], "detail": {"decision": decisions}
    }  # fmt: skip
    events.put_rule(Name=bus, EventBusName=bus, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=bus, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    return queue


def received(queue: str) -> list[Any]:
    """The details of the events in the queue."""
    answer = Session().create_client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    return [json.loads(message["Body"])["detail"] for message in answer.get("Messages", [])]


def test_an_outcome_reaches_the_queue_of_a_rule_that_wants_it_and_no_other_does() -> None:
    queue = subscribe("marking", ["review", "reject"])
    publish = aws_bus.publisher("marking")
    assert publish is not None
    publish({**OUTCOME, "decision": "pass"})
    publish(OUTCOME)
    assert received(queue) == [OUTCOME]


def test_a_bus_is_named_by_its_arn_as_well() -> None:
    queue = subscribe("by-arn", ["reject"])
    publish = aws_bus.publisher(Session().create_client("events").describe_event_bus(Name="by-arn")["Arn"])
    assert publish is not None
    publish(OUTCOME)
    assert received(queue) == [OUTCOME]


def test_an_event_that_the_bus_refuses_in_an_answer_of_success_is_not_taken_for_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue = subscribe("refusing", ["reject"])
    publish = aws_bus.publisher("refusing")
    assert publish is not None
    monkeypatch.setattr(aws_bus, "SOURCE", "")
    with pytest.raises(aws_bus.NotPublished, match="Source is a required argument"):
        publish(OUTCOME)
    assert received(queue) == []


def test_without_a_bus_nobody_is_told() -> None:
    assert aws_bus.publisher(None) is None
