"""The whole way on Google Cloud: a new object, its notification, Pub/Sub, the function, the result, the outcome.

fake-gcs-server publishes the notifications, Google's own emulator is Pub/Sub, and Eventarc alone is a stand-in.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from steel_defect.storage import ObjectNotFound, Store, open_store
from steel_defect.uploads.results import result_key
from tests.pictures import strip_jpeg
from tests.servers.emulators import Emulator, cloud_storage, make_gcs_bucket
from tests.servers.eventarc import Eventarc
from tests.servers.pubsub import DELIVERY_ATTEMPTS, PROJECT, PubSub
from tests.transports import CloudRun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UPLOADS, RESULTS = "whole-uploads", "whole-results"
PLACES = {"UPLOADS_URI": f"gs://{UPLOADS}", "RESULTS_URI": f"gs://{RESULTS}"}


@pytest.fixture(scope="module")
def topic(pubsub: PubSub) -> str:
    """Where Cloud Storage says what happens in the bucket of uploads."""
    return pubsub.make_topic("whole-uploads")


@pytest.fixture(scope="module")
def cloud(pubsub: PubSub, topic: str) -> Iterator[Emulator]:
    """Cloud Storage with both buckets; the bucket of uploads has a notification."""
    where = [f"-event.pubsub-project-id={PROJECT}", f"-event.pubsub-topic={topic.rpartition('/')[2]}"]
    with cloud_storage(*where, f"-event.bucket={UPLOADS}", environment=pubsub.environment) as emulator:
        for name in (UPLOADS, RESULTS):
            make_gcs_bucket(emulator, name)
        yield emulator


@pytest.fixture
def uploads(cloud: Emulator, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The bucket of uploads."""
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    return open_store(f"gs://{UPLOADS}")


def result(key: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(open_store(f"gs://{RESULTS}").get(result_key(key)).data)


def test_a_picture_in_the_bucket_yields_its_result_and_a_non_picture_its_reason(
    cloud: Emulator, pubsub: PubSub, topic: str, uploads: Store, probe_file: Path
) -> None:
    key = "line 3/a+b 100% ä.jpg"
    with (
        CloudRun(probe_file, "upload", {**cloud.environment, **PLACES}) as function,
        Eventarc(function.port) as eventarc,
        pubsub.subscription(topic, push_to=eventarc.url),
    ):
        version = uploads.put(key, strip_jpeg()).version
        assert eventarc.answer() == 200, function.output()
        found = result(key)
        assert (found["status"], found["source"]["key"], found["source"]["version"]) == ("scored", key, version)
        uploads.put(key, b"no picture")
        assert eventarc.answer() == 200
        assert result(key)["problem"]["type"].endswith("not-an-image")


def test_an_outcome_that_could_not_be_told_has_the_event_pushed_again(
    cloud: Emulator, pubsub: PubSub, topic: str, uploads: Store, probe_file: Path
) -> None:
    outcomes = f"projects/{PROJECT}/topics/whole-outcomes"
    environment = {**cloud.environment, **pubsub.environment, **PLACES, "OUTCOME_TOPIC": outcomes}
    with (
        CloudRun(probe_file, "upload", environment) as function,
        Eventarc(function.port) as eventarc,
        pubsub.subscription(topic, push_to=eventarc.url),
    ):
        uploads.put("told.jpg", strip_jpeg())
        assert eventarc.answer() == 500
        assert result("told.jpg")["status"] == "scored"
        pubsub.make_topic("whole-outcomes")
        with pubsub.subscription(outcomes) as subscription:
            assert 200 in (eventarc.answer() for _ in range(100))  # Some deliveries may have come before the topic.
            (message,) = pubsub.pull(subscription)
    assert message.attributes == {"status": "scored", "decision": "review"}
    assert json.loads(message.data)["result"] == f"gs://{RESULTS}/scores/told.jpg.json"


def test_what_fails_each_time_ends_among_the_dead_letters_and_names_its_object(
    cloud: Emulator, pubsub: PubSub, topic: str, uploads: Store, probe_file: Path
) -> None:
    dead_letters = pubsub.make_topic("whole-dead-letters")
    environment = {**cloud.environment, **PLACES, "RESULTS_URI": "gs://no-such-bucket"}
    with (
        CloudRun(probe_file, "upload", environment) as function,
        Eventarc(function.port) as eventarc,
        pubsub.subscription(dead_letters) as dead,
        pubsub.subscription(topic, eventarc.url, dead_letters),
    ):
        version = uploads.put("dead.jpg", strip_jpeg()).version
        (message,) = pubsub.pull(dead)
        assert [eventarc.answer() for _ in range(DELIVERY_ATTEMPTS)] == [500] * DELIVERY_ATTEMPTS
    assert message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == str(DELIVERY_ATTEMPTS)
    said = json.loads(message.data)
    assert (said["bucket"], said["name"], said["generation"]) == (UPLOADS, "dead.jpg", version)
    with pytest.raises(ObjectNotFound):
        result("dead.jpg")
