"""Pub/Sub pushes to the upload function as infra/gcp/trigger.tf has it do: no Eventarc between them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from steel_defect.http import Request
from steel_defect.storage import ObjectNotFound, Store, open_store
from steel_defect.uploads.refs import ObjectRef
from steel_defect.uploads.results import result_key
from tests.infra.gcp.export import bucket_environment, log_lines
from tests.infra.gcp.notifications import notification, publish
from tests.pictures import strip_jpeg
from tests.servers.emulators import Emulator, make_gcs_bucket
from tests.transports import CloudRun
from tests.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.servers.pubsub import PubSub


def awaited(store: Store, key: str) -> Any:  # noqa: ANN401 - JSON
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            return json.loads(store.get(result_key(key)).data)
        except ObjectNotFound:
            time.sleep(0.05)
    raise TimeoutError(key)


def test_what_is_pushed_is_scored_and_what_fails_ends_among_the_dead_letters(
    fake_gcs: Emulator, pubsub: PubSub, probe_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = fake_gcs.environment | pubsub.environment
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    uploads, results = (make_gcs_bucket(fake_gcs, f"push-{name}") for name in ("uploads", "results"))
    topic, dead_letters = (pubsub.make_topic(f"push-{name}") for name in ("uploads", "dead-letters"))
    info = open_store(f"gs://{uploads}").put("line 3/a+b 100% ä.jpg", strip_jpeg())
    ref = ObjectRef("gs", uploads, info.key, str(info.version).zfill(20), info.version, info.size)
    foreign = ObjectRef("gs", results, info.key, ref.order, ref.version, ref.size)
    with (
        CloudRun(probe_file, "upload", environment | bucket_environment(uploads, results)) as function,
        pubsub.subscription(dead_letters) as given_up,
        # The path is that of trigger.tf.
        pubsub.subscription(topic, f"http://127.0.0.1:{function.port}/{topic}", dead_letters),
    ):
        publish(topic, notification(ref))
        result = awaited(open_store(f"gs://{results}"), ref.key)
        assert (result["status"], result["source"]["version"]) == ("scored", ref.version)
        publish(topic, notification(foreign))  # The function refuses what is not in the bucket of uploads.
        (message,) = pubsub.pull(given_up)
        said = function.output()
    assert message.attributes["bucketId"] == results
    assert "failed to extract the topic name" not in said
    outcomes = [line.get("outcome") for line in log_lines(said) if "outcome" in line]
    assert outcomes[0] == "scored"
    assert set(outcomes[1:]) == {"error"}


def test_a_deletion_that_is_pushed_is_done_and_changes_nothing(
    fake_gcs: Emulator, probe_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in fake_gcs.environment.items():
        monkeypatch.setenv(name, value)
    uploads, results = (make_gcs_bucket(fake_gcs, f"push-deleted-{name}") for name in ("uploads", "results"))
    info = open_store(f"gs://{uploads}").put("deleted.jpg", strip_jpeg())
    ref = ObjectRef("gs", uploads, info.key, str(info.version).zfill(20), info.version, info.size)
    message = notification(ref, "OBJECT_DELETE") | {"messageId": "1", "publishTime": "2026-11-27T07:00:00Z"}
    body = json.dumps({"message": message, "subscription": "projects/test/subscriptions/s"}).encode()
    environment = fake_gcs.environment | bucket_environment(uploads, results)
    with CloudRun(probe_file, "upload", environment) as function:
        request = Request("POST", "/projects/test/topics/t", {"content-type": "application/json"}, {}, body)
        assert function.send(request).status == 200, function.output()
    assert not any(open_store(f"gs://{results}").list())
