"""The whole way on AWS: a PUT into a bucket, its notification, the queue, the deployed function, the result.

MiniStack runs the function's zip file with the interpreter that runs MiniStack, so that what the function imports comes
from this environment. Its queue really retries and dead-letters.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.session import Session
from click.testing import CliRunner

from steel_defect.cli import main
from steel_defect.storage import ObjectNotFound, open_store
from steel_defect.uploads.results import result_key
from tests.pictures import strip_jpeg
from tests.servers.emulators import Emulator, fake_gcs, make_s3_bucket, ministack
from tests.transports import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["fake_gcs", "ministack"]  # fixtures

PATIENCE_SECONDS = 60
ROLE = "arn:aws:iam::000000000000:role/upload"


class Deployment:
    """Buckets, a queue with its dead-letter queue, and the upload function between them."""

    def __init__(self, emulator: Emulator, name: str, *, eventbridge: bool, results_exist: bool = True) -> None:
        self.emulator = emulator
        self.uploads = make_s3_bucket(emulator, f"{name}-uploads")
        self.results = f"{name}-results"
        if results_exist:
            make_s3_bucket(emulator, self.results)
        self.sqs = self.client("sqs")
        self.dead = self._queue(f"{name}-dead", {})
        policy = json.dumps({"deadLetterTargetArn": self._arn(self.dead), "maxReceiveCount": "2"})
        self.queue = self._queue(f"{name}-queue", {"RedrivePolicy": policy, "VisibilityTimeout": "2"})
        self._deploy(name)
        if eventbridge:
            self._notify_by_eventbridge(name)
        else:
            queues = [{"QueueArn": self._arn(self.queue), "Events": ["s3:ObjectCreated:*"]}]
            self.client("s3").put_bucket_notification_configuration(
                Bucket=self.uploads, NotificationConfiguration={"QueueConfigurations": queues}
            )

    def client(self, service: str) -> Any:  # noqa: ANN401 - botocore states no types
        return Session().create_client(service, endpoint_url=self.emulator.url)

    def put(self, key: str, data: bytes) -> None:
        open_store(f"s3://{self.uploads}").put(key, data)

    def result(self, key: str) -> dict[str, Any] | None:
        try:
            content = json.loads(open_store(f"s3://{self.results}").get(result_key(key)).data)
        except ObjectNotFound:
            return None
        assert isinstance(content, dict)
        return content

    def dead_letters(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.dead, AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)

    def _queue(self, name: str, attributes: dict[str, str]) -> str:
        url: str = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url

    def _arn(self, queue: str) -> str:
        found = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        arn: str = found["Attributes"]["QueueArn"]
        return arn

    def _deploy(self, name: str) -> None:
        places = {"UPLOADS_URI": f"s3://{self.uploads}", "RESULTS_URI": f"s3://{self.results}"}
        functions = self.client("lambda")
        functions.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=ROLE,
            Handler="aws.upload",
            Code={"ZipFile": package()},
            Timeout=30,
            MemorySize=1769,
            Environment={"Variables": {**self.emulator.environment, **places}},
        )
        functions.create_event_source_mapping(
            FunctionName=name,
            EventSourceArn=self._arn(self.queue),
            BatchSize=10,
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )

    def _notify_by_eventbridge(self, name: str) -> None:
        self.client("s3").put_bucket_notification_configuration(
            Bucket=self.uploads, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        pattern = {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {"bucket": {"name": [self.uploads]}},
        }
        bridge = self.client("events")
        bridge.put_rule(Name=name, EventPattern=json.dumps(pattern))
        bridge.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": self._arn(self.queue)}])


def package() -> bytes:
    """The source root as a zip file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(FUNCTIONS.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(FUNCTIONS))
    return buffer.getvalue()


def wait_for(condition: Callable[[], Any]) -> Any:  # noqa: ANN401 - gives what the condition gives
    """Wait until the condition is true, and give its value."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.25)
    return value


@pytest.fixture(autouse=True)
def _environment(ministack: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ministack.environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("eventbridge", [False, True])
def test_a_picture_in_the_bucket_yields_its_result_and_a_non_picture_its_reason(
    ministack: Emulator, *, eventbridge: bool
) -> None:
    deployed = Deployment(ministack, f"whole-{'bridge' if eventbridge else 'queue'}", eventbridge=eventbridge)
    deployed.put("line 3/a+b 100%.jpg", strip_jpeg())
    deployed.put("notes.jpg", b"no picture")
    scored = wait_for(lambda: deployed.result("line 3/a+b 100%.jpg"))
    assert scored["status"] == "scored"
    assert scored["decision"] in {"pass", "review", "reject"}
    assert wait_for(lambda: deployed.result("notes.jpg"))["problem"]["type"].endswith("not-an-image")
    deployed.put("line 3/a+b 100%.jpg", b"overwritten")
    wait_for(lambda: (deployed.result("line 3/a+b 100%.jpg") or {})["status"] == "failed")
    assert deployed.dead_letters() == 0


def test_a_failing_store_ends_in_the_dead_letter_queue_and_a_redrive_finishes_it(ministack: Emulator) -> None:
    deployed = Deployment(ministack, "redriven", eventbridge=False, results_exist=False)
    for index in range(3):
        deployed.put(f"{index}.jpg", strip_jpeg())
    wait_for(lambda: deployed.dead_letters() == 3)
    make_s3_bucket(ministack, deployed.results)
    run = CliRunner().invoke(main, ["redrive", "--from", deployed.dead, "--to", deployed.queue])
    assert run.exit_code == 0, run.output
    assert "3 messages" in run.output
    for index in range(3):
        assert wait_for(partial(deployed.result, f"{index}.jpg"))["status"] == "scored"
    assert deployed.dead_letters() == 0
