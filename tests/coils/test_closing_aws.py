"""A finished coil on AWS: its marker in the bucket -> EventBridge -> the template's state machine -> report and event.

MiniStack runs rule, state machine and function; the pictures are scored by the command, as a backfill.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from steel_defect.cli import main
from steel_defect.storage import ObjectNotFound, open_store
from tests.coils.drawn import MM_PER_PIXEL, MODEL, PERIOD_MM, DrawnCoil
from tests.infra.aws.template import Resolved
from tests.servers.deployment import Deployment
from tests.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.emulators import Emulator

TABLE = b"area_bins_mm2 = [20, 40, 100]\n[grade.304]\nleft = [10, 4, 40, inf]\n"


class Coils:
    """Buckets with the rule and the state machine of the template, and a queue that is told of coils."""

    def __init__(self, emulator: Emulator, name: str, **settings: str) -> None:
        self.name = name
        self.deployed = Deployment(emulator, name, eventbridge=False, settings=settings)
        bus = f"{name}-bus"
        events = self.deployed.client("events")
        self.deployed.environment["OUTCOME_BUS"] = events.create_event_bus(Name=bus)["EventBusArn"]
        self.deployed.add_function(f"{name}-coil", "aws.coil")
        self.told = self.deployed.sqs.create_queue(QueueName=f"{name}-told")["QueueUrl"]
        asked = self.deployed.sqs.get_queue_attributes(QueueUrl=self.told, AttributeNames=["QueueArn"])
        pattern = json.dumps({"source": ["steel-defect"], "detail-type": ["Coil Judged"]})
        events.put_rule(Name=f"{name}-told", EventBusName=bus, EventPattern=pattern)
        target = {"Id": "queue", "Arn": asked["Attributes"]["QueueArn"]}
        events.put_targets(Rule=f"{name}-told", EventBusName=bus, Targets=[target])
        resources = Resolved().resources
        definition = resources["CoilMachine"]["Properties"]["DefinitionString"]
        # A test does not wait for so long.
        definition = definition.replace("CoilFunction.Alias", f"{name}-coil").replace('"Seconds": 20', '"Seconds": 1')
        definition = definition.replace('"MaxAttempts": 6', '"MaxAttempts": 1')
        self.machines = self.deployed.client("stepfunctions")
        self.machine = self.machines.create_state_machine(
            name=f"{name}-coil", definition=definition, roleArn="arn:aws:iam::000000000000:role/coil"
        )["stateMachineArn"]
        found = resources["CoilRule"]["Properties"]["EventPattern"]
        found["detail"]["bucket"]["name"] = [self.deployed.uploads]
        self.deployed.client("s3").put_bucket_notification_configuration(
            Bucket=self.deployed.uploads, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        events.put_rule(Name=f"{name}-marker", EventPattern=json.dumps(found))
        role = "arn:aws:iam::000000000000:role/rule"
        events.put_targets(Rule=f"{name}-marker", Targets=[{"Id": "machine", "Arn": self.machine, "RoleArn": role}])

    def score(self, model: Path) -> None:
        """Score what is in the bucket."""
        uris = [f"s3://{self.deployed.uploads}", f"s3://{self.deployed.results}"]
        options = ["--model", str(model), "--mm-per-pixel", str(MM_PER_PIXEL)]
        run = CliRunner().invoke(main, ["score", uris[0], "--results", uris[1], *options])
        assert run.exit_code == 0, run.output

    def report(self, coil: str) -> dict[str, Any] | None:
        """The report of a coil as JSON; None while there is none."""
        try:
            data = open_store(f"s3://{self.deployed.results}").get(f"coils/{coil}/report.json").data
        except ObjectNotFound:
            return None
        content = json.loads(data)
        assert isinstance(content, dict)
        return content

    def events(self) -> list[dict[str, Any]]:
        """What was published of coils."""
        found = self.deployed.sqs.receive_message(QueueUrl=self.told, MaxNumberOfMessages=10, WaitTimeSeconds=5)
        return [json.loads(message["Body"])["detail"] for message in found.get("Messages", [])]

    def executions(self) -> list[str]:
        """The states of all executions."""
        found = self.machines.list_executions(stateMachineArn=self.machine)["executions"]
        return [one["status"] for one in found]


@pytest.fixture(autouse=True)
def _environment(ministack: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ministack.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The probe model with masks as a file."""
    (tmp_path / "model.onnx").write_bytes(MODEL)
    return tmp_path / "model.onnx"


def test_a_marker_with_a_number_makes_report_and_event(ministack: Emulator, rolled: DrawnCoil, model: Path) -> None:
    coils = Coils(ministack, "numbered")
    results = open_store(f"s3://{coils.deployed.results}")
    results.put("coils/acceptance.toml", TABLE)
    store = open_store(f"s3://{coils.deployed.uploads}")
    for name, data in rolled.pictures():
        store.put(f"line-3/4711/{name}", data)
    # The marker comes before the results: the state machine waits.
    store.put("line-3/4711/coil.json", b'{"grade": "304", "pictures": 400}')
    wait_for(lambda: coils.executions() == ["RUNNING"])
    assert coils.report("4711") is None
    coils.score(model)
    content = wait_for(lambda: coils.report("4711"))
    (period,) = content["periods"]
    assert period["period_mm"] == pytest.approx(PERIOD_MM, rel=0.02)
    assert period["roll_diameter_mm"] == pytest.approx(600, rel=0.02)
    assert (content["decision"], content["grade"], content["pictures"]["seen"]) == ("reject", "304", 400)
    assert content["reasons"][0].endswith("left of 40 to 100 mm², at most 40 allowed")
    (told,) = coils.events()
    assert (told["coil"], told["decision"], told["reasons"]) == ("4711", "reject", content["reasons"])
    assert told["report"] == f"s3://{coils.deployed.results}/coils/4711/report.html"
    wait_for(lambda: coils.executions() == ["SUCCEEDED"])


def test_what_never_comes_is_said_after_a_while(ministack: Emulator, model: Path) -> None:
    coils = Coils(ministack, "waiting", COIL_QUIET_SECONDS="1", COIL_LONGEST_SECONDS="6")
    store = open_store(f"s3://{coils.deployed.uploads}")
    coils.score(model)
    for number in range(3):
        store.put(f"line-3/47 12/{number}.jpg", b"no picture")
    store.put("line-3/47 12/coil.json", b'{"pictures": 5}')
    content = wait_for(lambda: coils.report("47 12"))
    assert content["decision"] == "review"
    assert content["reasons"] == ["2 of 5 pictures are missing", "3 pictures without a result"]
    # An empty marker: nothing more comes, and all is judged.
    store.put("line-3/4713/0.jpg", b"no picture")
    run = CliRunner().invoke(
        main, ["score", f"s3://{coils.deployed.uploads}/line-3/4713/", "--results", f"s3://{coils.deployed.results}"]
    )
    assert "1 no picture" in run.output
    store.put("line-3/4713/coil.json", b"")
    assert wait_for(lambda: coils.report("4713"))["reasons"] == ["1 picture cannot be scored"]


def test_a_marker_that_cannot_be_read_fails_the_execution(ministack: Emulator) -> None:
    coils = Coils(ministack, "broken")
    store = open_store(f"s3://{coils.deployed.uploads}")
    store.put("line-3/4711/coil.json", b"{")
    wait_for(lambda: coils.executions() == ["FAILED"])
    assert coils.report("4711") is None
