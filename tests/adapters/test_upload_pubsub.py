"""The whole way on Google Cloud: a new object, its notification, Pub/Sub, the function, the result, the outcome.

fake-gcs-server publishes the notifications, and Google's own emulator is Pub/Sub.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from steel_defect.storage import ObjectNotFound, Store, open_store
from steel_defect.uploads.results import result_key
from tests.adapters.logs import log_lines
from tests.pictures import strip_jpeg
from tests.servers.emulators import Emulator, cloud_storage, make_gcs_bucket
from tests.servers.front import Front, Said
from tests.servers.pubsub import DELIVERY_ATTEMPTS, PROJECT, PubSub
from tests.transports import CloudRun
from tests.waiting import wait_for

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
    """The result of a picture; None while there is none."""
    try:
        return json.loads(open_store(f"gs://{RESULTS}").get(result_key(key)).data)
    except ObjectNotFound:
        return None


def endpoint(function: CloudRun, topic: str) -> str:
    """Where the subscription of infra/gcp/trigger.tf pushes to."""
    return f"http://127.0.0.1:{function.port}/{topic}"


def test_a_picture_in_the_bucket_yields_its_result_and_a_non_picture_its_reason(
    cloud: Emulator, pubsub: PubSub, topic: str, uploads: Store, probe_file: Path
) -> None:
    key = "line 3/a+b 100% ä.jpg"
    with (
        CloudRun(probe_file, "upload", {**cloud.environment, **PLACES}) as function,
        pubsub.subscription(topic, push_to=endpoint(function, topic)),
    ):
        version = uploads.put(key, strip_jpeg()).version
        found = wait_for(lambda: result(key))
        assert (found["status"], found["source"]["key"], found["source"]["version"]) == ("scored", key, version)
        uploads.put(key, b"no picture")
        wait_for(lambda: result(key)["status"] == "failed")
        assert result(key)["problem"]["type"].endswith("not-an-image")


def test_an_outcome_that_could_not_be_published_has_the_event_pushed_again(
    cloud: Emulator, pubsub: PubSub, topic: str, uploads: Store, probe_file: Path
) -> None:
    outcomes = pubsub.make_topic("whole-outcomes")
    with Front(pubsub.port) as front, pubsub.subscription(outcomes) as subscription:
        front.first.append(Said(503))
        told = {"PUBSUB_EMULATOR_HOST": f"127.0.0.1:{front.port}", "OUTCOME_TOPIC": outcomes}
        with (
            CloudRun(probe_file, "upload", {**cloud.environment, **PLACES, **told}) as function,
            pubsub.subscription(topic, push_to=endpoint(function, topic)),
        ):
            uploads.put("told.jpg", strip_jpeg())
            (message,) = pubsub.pull(subscription)
            lines = wait_for(lambda: (lines := log_lines(function.output()))[1:] and lines)
    assert [line["outcome"] for line in lines] == ["error", "duplicate"]
    assert message.attributes == {"status": "scored", "decision": "review"}
    assert json.loads(message.data)["result"] == f"gs://{RESULTS}/scores/told.jpg.json"


def test_what_fails_each_time_ends_among_the_dead_letters_and_names_its_object(
    cloud: Emulator, pubsub: PubSub, topic: str, uploads: Store, probe_file: Path
) -> None:
    dead_letters = pubsub.make_topic("whole-dead-letters")
    environment = {**cloud.environment, **PLACES, "RESULTS_URI": "gs://no-such-bucket"}
    with (
        CloudRun(probe_file, "upload", environment) as function,
        pubsub.subscription(dead_letters) as dead,
        pubsub.subscription(topic, endpoint(function, topic), dead_letters),
    ):
        version = uploads.put("dead.jpg", strip_jpeg()).version
        (message,) = pubsub.pull(dead)
        tried = [line["outcome"] for line in log_lines(function.output())]
    assert tried == ["error"] * DELIVERY_ATTEMPTS
    assert message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == str(DELIVERY_ATTEMPTS)
    said = json.loads(message.data)
    assert (said["bucket"], said["name"], said["generation"]) == (UPLOADS, "dead.jpg", version)
    assert result("dead.jpg") is None
