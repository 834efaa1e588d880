"""Alarms, dashboard and releases: what is watched is what the functions and AWS really write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest

from steel_defect.metrics import NAMESPACE, Metric
from steel_defect.storage import open_store
from steel_defect.uploads.refs import ObjectRef
from tests.conftest import REPOSITORY
from tests.infra.aws.template import Resolved, of_type
from tests.pictures import STRIP, encoded, gray
from tests.requests_table import predict
from tests.servers.emulators import Emulator, make_s3_bucket
from tests.transports import Lambda
from tests.uploads import events

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVICES: Final = ("api", "upload", "backfill", "coil")
UPLOADS: Final = "alarms-uploads"
CAMERA: Final = "alarms-camera"
SAMPLES: Final = REPOSITORY / "tests" / "samples"


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    """With a model of the registry, whose alarms are there then."""
    return Resolved(ModelName="strip").resources


def alarmed(resources: dict[str, Any]) -> list[dict[str, Any]]:
    """Every metric that an alarm watches: its namespace, name and dimensions."""
    alarms = of_type(resources, "AWS::CloudWatch::Alarm").values()
    queried = [
        query["MetricStat"]["Metric"] for alarm in alarms for query in alarm.get("Metrics", []) if "MetricStat" in query
    ]
    return [alarm for alarm in alarms if "MetricName" in alarm] + queried


def charted(resources: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Name and dimension of each metric of ours on the dashboard."""
    board = json.loads(resources["Dashboard"]["Properties"]["DashboardBody"])
    lines = [line for widget in board["widgets"] for line in widget["properties"]["metrics"] if line[0] == NAMESPACE]
    return {(line[1], line[2], line[3]) for line in lines}


def test_alarms_and_dashboard_use_metrics_that_the_functions_write(resources: dict[str, Any]) -> None:
    used = charted(resources)
    for found in alarmed(resources):
        if found["Namespace"] == NAMESPACE:
            (dimension,) = found["Dimensions"]
            used.add((found["MetricName"], dimension["Name"], dimension["Value"]))
    functions = of_type(resources, "AWS::Serverless::Function").values()
    services = {found["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] for found in functions}
    assert services == {f"stack-{service}" for service in SERVICES}
    assert {name for name, _, _ in used} <= {metric.value for metric in Metric}
    assert {dimension for _, dimension, _ in used} == {"service"}
    assert {service for _, _, service in used} <= services


def test_every_alarm_notifies_the_topic_and_everything_asked_for_has_one(resources: dict[str, Any]) -> None:
    alarms = of_type(resources, "AWS::CloudWatch::Alarm")
    assert all(alarm["AlarmActions"] == ["AlarmTopic"] for alarm in alarms.values())
    watched = {(found["Namespace"], found["MetricName"]) for found in alarmed(resources)}
    assert watched == {
        ("AWS/States", "ExecutionsFailed"),
        ("AWS/Lambda", "Errors"),
        ("AWS/Lambda", "Throttles"),
        ("AWS/Lambda", "Duration"),
        ("AWS/ApiGateway", "Latency"),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
        ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
        ("SteelDefect", "Responses5xx"),
        ("SteelDefect", "UploadErrors"),
        ("SteelDefect", "PictureRefused"),
        ("SteelDefect", "DefectFound"),
        ("SteelDefect", "CameraSuspect"),
        ("SteelDefect", "ModelNotCurrent"),
    }


def test_one_environment_with_another_model_is_heard_of_each_function(resources: dict[str, Any]) -> None:
    for service in ("api", "upload", "backfill"):  # The other scores nothing.
        alarm = resources[f"{service.title()}ModelAlarm"]["Properties"]
        assert alarm["Dimensions"] == [{"Name": "service", "Value": f"stack-{service}"}]
        assert (alarm["Statistic"], alarm["Threshold"], alarm["EvaluationPeriods"]) == ("Maximum", 0, 1)
        assert ("ModelNotCurrent", "service", f"stack-{service}") in charted(resources)
    assert "ApiModelAlarm" not in Resolved().resources


@pytest.fixture(scope="module")
def written(ministack: Emulator, probe_file: Path) -> Iterator[list[dict[str, Any]]]:
    """What the upload function writes of two uploads while their results cannot be written, in the template's name."""
    make_s3_bucket(ministack, UPLOADS)
    settings = {
        "UPLOADS_URI": f"s3://{UPLOADS}",
        "RESULTS_URI": "s3://alarms-without-results",
        "POWERTOOLS_SERVICE_NAME": "stack-upload",
    }
    detail = {"bucket": {"name": UPLOADS}, "object": {"key": "a.jpg", "size": 9, "sequencer": "01"}}
    body = json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": detail})
    records = [{"messageId": str(number), "eventSource": "aws:sqs", "body": body} for number in range(2)]
    with Lambda(probe_file, "aws.upload", {**ministack.environment, **settings}) as function:
        # For Lambda, and for its metric Errors, this is a success.
        assert len(function.invoke({"Records": records})["batchItemFailures"]) == 2
        yield [json.loads(line) for line in function.output().splitlines() if line.startswith('{"_aws"')]


def test_uploads_that_fail_ring_within_a_minute(resources: dict[str, Any], written: list[dict[str, Any]]) -> None:
    alarm = resources["UploadRetriesAlarm"]["Properties"]
    (line,) = (line for line in written if alarm["MetricName"] in line)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == alarm["Namespace"]
    assert {"Name": alarm["MetricName"], "Unit": "Count"} in directive["Metrics"]
    assert [[found["Name"]] for found in alarm["Dimensions"]] == directive["Dimensions"]
    assert [line[found["Name"]] for found in alarm["Dimensions"]] == [found["Value"] for found in alarm["Dimensions"]]
    # One value for each failure: their sum is above the threshold, in the first period.
    assert line[alarm["MetricName"]] == [1, 1]
    assert (alarm["Statistic"], alarm["Period"], alarm["EvaluationPeriods"]) == ("Sum", 60, 1)
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
    assert ("UploadErrors", "service", "stack-upload") in charted(resources)


def metric_lines(output: str) -> list[dict[str, Any]]:
    """The lines of a function that CloudWatch makes metrics of."""
    return [json.loads(line) for line in output.splitlines() if line.startswith('{"_aws"')]


# With the bundled model, which has a guard.
def over_https(environment: dict[str, str], pictures: list[bytes]) -> list[dict[str, Any]]:
    """What the api function writes of pictures."""
    with Lambda(handler="aws.api", environment=environment) as function:
        for picture in pictures:
            function.send(predict(picture))
        return metric_lines(function.output())


def by_bucket(environment: dict[str, str], pictures: list[bytes]) -> list[dict[str, Any]]:
    """What the upload function writes of them, in one batch."""
    store = open_store(environment["UPLOADS_URI"])
    infos = [store.put(f"{number}.png", picture) for number, picture in enumerate(pictures)]
    refs = [
        ObjectRef("s3", CAMERA, info.key, "01", version=info.version, size=info.size, tag=info.tag.strip('"'))
        for info in infos
    ]
    with Lambda(handler="aws.upload", environment=environment) as function:
        assert function.invoke(events.sqs(*map(events.eventbridge, refs))) == {"batchItemFailures": []}
        return metric_lines(function.output())


@pytest.mark.parametrize("service", ["api", "upload"])
def test_black_pictures_ring_the_alarm_on_the_camera(
    resources: dict[str, Any], ministack: Emulator, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    black, clean = encoded(gray(np.zeros(STRIP))), (SAMPLES / "clean-water-stain.jpg").read_bytes()
    environment = {"POWERTOOLS_SERVICE_NAME": f"stack-{service}"}
    if service == "upload":
        for name in (CAMERA, f"{CAMERA}-results"):
            make_s3_bucket(ministack, name)
        for name, value in ministack.environment.items():
            monkeypatch.setenv(name, value)
        places = {"UPLOADS_URI": f"s3://{CAMERA}", "RESULTS_URI": f"s3://{CAMERA}-results"}
        environment |= {**ministack.environment, **places}
    lines = (over_https if service == "api" else by_bucket)(environment, [black, clean, black])
    alarm = resources[f"{service.title()}CameraAlarm"]["Properties"]
    values = [value for line in lines for value in np.atleast_1d(line.get(alarm["MetricName"], [])).tolist()]
    assert sorted(values) == [0, 1, 1]  # of a batch, in any order
    assert alarm["Dimensions"] == [{"Name": "service", "Value": f"stack-{service}"}]
    assert {line["service"] for line in lines} == {f"stack-{service}"}
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Average", 0.2)
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 900
    assert "reasons" in alarm["AlarmDescription"]
    assert ("CameraSuspect", "service", f"stack-{service}") in charted(resources)


def test_a_release_is_a_canary_that_alarms_take_back(resources: dict[str, Any]) -> None:
    found = {}
    for name in ("Api", "Upload"):
        preference = resources[f"{name}Function"]["Properties"]["DeploymentPreference"]
        assert preference["Type"] == "Canary10Percent5Minutes"
        found[name] = preference["Alarms"]
    assert found == {
        "Api": ["ApiErrorsAlarm", "ApiServerErrorsAlarm"],
        "Upload": ["UploadErrorsAlarm", "UploadRetriesAlarm"],
    }
    assert {alarm for alarms in found.values() for alarm in alarms} <= set(resources)


def test_a_release_at_once_asks_no_alarm_so_that_a_fix_gets_past_one_that_rings() -> None:
    fixed = Resolved(Release="AllAtOnce").resources
    for name in ("Api", "Upload"):
        preference = fixed[f"{name}Function"]["Properties"]["DeploymentPreference"]
        assert (preference["Type"], preference["Alarms"]) == ("AllAtOnce", [])
