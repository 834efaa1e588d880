"""The Cloud Run job over the dead letters, as a separate process, on fake-gcs-server and Google's Pub/Sub emulator."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from steel_defect.storage import ObjectNotFound, Store, open_store
from steel_defect.uploads.refs import ObjectRef
from steel_defect.uploads.results import result_key
from tests.infra.gcp.export import bucket_environment, log_lines
from tests.infra.gcp.notifications import notification, publish
from tests.pictures import strip_jpeg
from tests.servers.emulators import Emulator, make_gcs_bucket
from tests.servers.pubsub import PROJECT, PubSub
from tests.transports import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_numbers = count()


@dataclass(frozen=True)
class Redrive:
    """The job over buckets and topics of its own."""

    bucket: str
    uploads: Store
    results: Store
    topic: str
    outcomes: str
    told: str
    environment: dict[str, str]

    def upload(self, key: str, data: bytes) -> ObjectRef:
        info = self.uploads.put(key, data)
        return ObjectRef("gs", self.bucket, key, str(info.version).zfill(20), info.version, info.size)

    def give_up(self, ref: ObjectRef, kind: str = "OBJECT_FINALIZE", *, payload: bool = True) -> None:
        """Put a notification of Cloud Storage among the dead letters."""
        publish(self.topic, notification(ref, kind, payload=payload))

    def run(self, **environment: str) -> tuple[int, list[dict[str, Any]]]:
        """Its exit status, and the lines of its log."""
        run = subprocess.run(
            [sys.executable, "-m", "gcp_redrive"],
            cwd=FUNCTIONS,
            env={"PATH": os.environ["PATH"], **self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        return run.returncode, log_lines(run.stdout) or [{"stderr": run.stderr}]

    def result(self, key: str) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.results.get(result_key(key)).data)


@pytest.fixture
def redrive(fake_gcs: Emulator, pubsub: PubSub, probe_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redrive]:
    """Nothing is given up yet."""
    for name, value in (fake_gcs.environment | pubsub.environment).items():
        monkeypatch.setenv(name, value)
    number = next(_numbers)
    uploads, results = (make_gcs_bucket(fake_gcs, f"redrive-{name}-{number}") for name in ("uploads", "results"))
    topic, outcomes = (pubsub.make_topic(f"redrive-{name}-{number}") for name in ("dead-letters", "outcomes"))
    with pubsub.subscription(topic) as dead_letters, pubsub.subscription(outcomes) as told:
        environment = {**fake_gcs.environment, **pubsub.environment, **bucket_environment(uploads, results)}
        environment |= {"DEAD_LETTERS": dead_letters, "OUTCOME_TOPIC": outcomes, "MODEL_URI": str(probe_file)}
        stores = open_store(f"gs://{uploads}"), open_store(f"gs://{results}")
        yield Redrive(uploads, *stores, topic, outcomes, told, environment)


def test_what_was_given_up_is_scored_and_told_and_goes(redrive: Redrive, pubsub: PubSub) -> None:
    key = "line 3/a+b 100% ä.jpg"
    redrive.give_up(redrive.upload(key, strip_jpeg()))
    redrive.give_up(redrive.upload("notes.jpg", b"no picture"), payload=False)
    status, lines = redrive.run()
    assert status == 0, lines
    (line,) = lines
    assert (line["severity"], line["scored"], line["failed"]) == ("INFO", 1, 1)
    assert line["model"]["name"] == redrive.result(key)["model"]["name"] == "probe"
    told = {json.loads(message.data)["source"]["key"] for message in pubsub.pull(redrive.told)}
    assert told == {key, "notes.jpg"}
    assert redrive.run() == (0, [{"severity": "INFO", "message": "0 dead letters", "model": line["model"]}])


def test_an_outcome_that_could_not_be_told_is_told_though_its_result_is_written(
    redrive: Redrive, pubsub: PubSub
) -> None:
    ref = redrive.upload("untold.jpg", strip_jpeg())
    redrive.give_up(ref)
    status, lines = redrive.run(OUTCOME_TOPIC=f"projects/{PROJECT}/topics/no-such-topic")
    assert status == 1
    assert "did not take the outcome" in lines[0]["message"]
    assert redrive.result("untold.jpg")["status"] == "scored"
    status, lines = redrive.run()
    assert (status, lines[-1]["duplicate"]) == (0, 1), lines
    (message,) = pubsub.pull(redrive.told)
    assert json.loads(message.data)["source"]["version"] == ref.version


def test_what_fails_stays_is_said_and_does_not_hold_up_the_others(redrive: Redrive, pubsub: PubSub) -> None:
    publish(redrive.topic, {"data": base64.b64encode(b"{}").decode(), "attributes": {"from": "somebody else"}})
    redrive.give_up(redrive.upload("good.jpg", strip_jpeg()))
    redrive.give_up(redrive.upload("deleted.jpg", strip_jpeg()), "OBJECT_DELETE")
    for scored in (1, 0):  # It is there for the next run at once.
        status, lines = redrive.run()
        counts = [lines[-1].get(name, 0) for name in ("error", "scored", "ignored")]
        assert (status, counts) == (1, [1, scored, scored]), lines
        (failed,) = (line for line in lines if line["severity"] == "ERROR")
        assert failed["attributes"] == {"from": "somebody else"}
    with pytest.raises(ObjectNotFound):
        redrive.result("deleted.jpg")
    assert len(pubsub.pull(redrive.environment["DEAD_LETTERS"])) == 1


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"DEAD_LETTERS": ""}, "set DEAD_LETTERS"),
        ({"UPLOADS_URI": "", "RESULTS_URI": ""}, "set UPLOADS_URI and RESULTS_URI"),
        ({"MODEL_URI": "gs://no-such-bucket/models/strip"}, "no-such-bucket"),
        ({"DEAD_LETTERS": f"projects/{PROJECT}/subscriptions/no-such"}, "pull failed: 404"),
    ],
)
def test_what_is_wrong_with_the_job_is_said_and_nothing_is_processed(
    redrive: Redrive, pubsub: PubSub, environment: dict[str, str], complaint: str
) -> None:
    redrive.give_up(redrive.upload("kept.jpg", strip_jpeg()))
    status, lines = redrive.run(**environment)
    assert (status, lines[-1]["severity"]) == (1, "CRITICAL"), lines
    assert complaint in lines[-1]["message"]
    assert not any(redrive.results.list())
    assert len(pubsub.pull(redrive.environment["DEAD_LETTERS"])) == 1
