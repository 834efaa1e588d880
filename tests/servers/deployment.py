"""Buckets, queue and upload function on MiniStack, as notifications wire them.

MiniStack runs a function's zip file with the interpreter that runs MiniStack, so that what the function imports comes
from this environment. Its queue really retries and dead-letters.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

from botocore.session import Session

from steel_defect.storage import ObjectNotFound, open_store
from steel_defect.uploads.results import result_key
from tests.servers.emulators import make_s3_bucket
from tests.transports import FUNCTIONS

if TYPE_CHECKING:
    from tests.servers.emulators import Emulator

ROLE = "arn:aws:iam::000000000000:role/upload"


class Deployment:
    """Buckets, a queue with its dead-letter queue, and the upload function between them.

    Attributes:
        uploads, results: names of the buckets.
        queue, dead: URLs of the queues.
        environment: of the function.
    """

    def __init__(  # noqa: PLR0913 - what the tests need it to be different in
        self,
        emulator: Emulator,
        name: str,
        *,
        eventbridge: bool,
        results_exist: bool = True,
        visibility_seconds: int = 60,
        settings: dict[str, str] | None = None,
    ) -> None:
        """Deploy it; this process must have the emulator's environment. `settings` are more of the function's."""
        self.emulator = emulator
        self.uploads = make_s3_bucket(emulator, f"{name}-uploads")
        self.results = f"{name}-results"
        if results_exist:
            make_s3_bucket(emulator, self.results)
        self.sqs = self.client("sqs")
        self.dead = self._queue(f"{name}-dead", {})
        policy = json.dumps({"deadLetterTargetArn": self._arn(self.dead), "maxReceiveCount": "2"})
        hidden = {"VisibilityTimeout": str(visibility_seconds)}
        self.queue = self._queue(f"{name}-queue", {"RedrivePolicy": policy, **hidden})
        places = {"UPLOADS_URI": f"s3://{self.uploads}", "RESULTS_URI": f"s3://{self.results}"}
        self.environment = {**emulator.environment, **places, **(settings or {})}
        self._deploy(name)
        if eventbridge:
            self._notify_by_eventbridge(name)
        else:
            queues = [{"QueueArn": self._arn(self.queue), "Events": ["s3:ObjectCreated:*"]}]
            self.client("s3").put_bucket_notification_configuration(
                Bucket=self.uploads, NotificationConfiguration={"QueueConfigurations": queues}
            )

    def client(self, service: str) -> Any:  # noqa: ANN401 - botocore states no types
        """A client of the emulator."""
        return Session().create_client(service, endpoint_url=self.emulator.url)

    def put(self, key: str, data: bytes) -> str | None:
        """Put a picture, and give its version."""
        return open_store(f"s3://{self.uploads}").put(key, data).version

    def result(self, key: str) -> dict[str, Any] | None:
        """The result of a picture; None while there is none."""
        try:
            content = json.loads(open_store(f"s3://{self.results}").get(result_key(key)).data)
        except ObjectNotFound:
            return None
        assert isinstance(content, dict)
        return content

    def dead_letters(self) -> int:
        """How many messages are in the dead-letter queue."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.dead, AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)

    def add_function(self, name: str, handler: str) -> None:
        """Deploy one more function of this source and these settings."""
        self.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=ROLE,
            Handler=handler,
            Code={"ZipFile": package()},
            Timeout=30,
            MemorySize=1769,
            Environment={"Variables": self.environment},
        )

    def _queue(self, name: str, attributes: dict[str, str]) -> str:
        url: str = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url

    def _arn(self, queue: str) -> str:
        found = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        arn: str = found["Attributes"]["QueueArn"]
        return arn

    def _deploy(self, name: str) -> None:
        self.add_function(name, "aws.upload")
        self.client("lambda").create_event_source_mapping(
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
