"""Outcome events on Pub/Sub, as Google's own emulator has it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import gcp_topic

if TYPE_CHECKING:
    from tests.servers.pubsub import PubSub

OUTCOME = {"status": "scored", "decision": "reject", "result": "gs://results/scores/line 3/ü.jpg.json"}


@pytest.fixture(autouse=True)
def _environment(pubsub: PubSub, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in pubsub.environment.items():
        monkeypatch.setenv(name, value)


def test_an_outcome_reaches_the_subscriptions_of_the_topic_and_its_attributes_say_how_it_is(
    pubsub: PubSub,
) -> None:
    topic = pubsub.make_topic("outcomes")
    publish = gcp_topic.publisher(topic)
    assert publish is not None
    with pubsub.subscription(topic) as subscription:
        publish(OUTCOME)
        (message,) = pubsub.pull(subscription)
        assert json.loads(message.data) == OUTCOME
        assert message.attributes == {"status": "scored", "decision": "reject"}
        publish({"status": "failed", "problem": {}})
        (message,) = pubsub.pull(subscription)
        assert message.attributes == {"status": "failed", "decision": ""}


def test_a_topic_that_is_not_there_is_said() -> None:
    publish = gcp_topic.publisher("projects/test/topics/nowhere")
    assert publish is not None
    with pytest.raises(gcp_topic.NotPublished, match=r"404.*Topic not found"):
        publish(OUTCOME)
