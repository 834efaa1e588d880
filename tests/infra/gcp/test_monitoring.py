"""What infra/gcp measures, draws and alerts on: the metrics that the functions write, and no other."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from steel_defect.metrics import DESCRIPTIONS, NAMESPACE
from tests.conftest import REPOSITORY
from tests.infra.gcp.export import log_lines
from tests.pictures import STRIP, encoded, gray
from tests.requests_table import predict
from tests.transports import CloudRun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.infra.gcp.terraform import Applied


def test_alerts_go_to_whom_was_asked_for(default: Applied, asked: Applied) -> None:
    assert {tuple(policy["notification_channels"]) for policy in default.all("google_monitoring_alert_policy")} == {()}
    (email,) = asked.all("google_monitoring_notification_channel")
    assert email["labels"] == {"email_address": "line@example.com"}
    channels = [email["id"], "projects/my-project/notificationChannels/42"]
    (budget,) = asked.all("google_billing_budget")
    assert budget["all_updates_rule"][0]["monitoring_notification_channels"] == channels
    for policy in asked.all("google_monitoring_alert_policy"):
        assert policy["notification_channels"] == channels
        assert policy["documentation"][0]["content"]


def test_the_budget_is_of_the_project_and_speaks_up_before_it_is_spent(asked: Applied) -> None:
    (budget,) = asked.all("google_billing_budget")
    assert budget["budget_filter"][0]["projects"] == ["projects/123456789012"]
    assert budget["amount"][0]["specified_amount"][0]["units"] == "50"
    rules = {(rule["threshold_percent"], rule["spend_basis"]) for rule in budget["threshold_rules"]}
    assert rules == {(0.5, "CURRENT_SPEND"), (1, "CURRENT_SPEND"), (1, "FORECASTED_SPEND")}


def test_the_alert_on_dead_letters_says_what_to_run(default: Applied) -> None:
    said = [policy["documentation"][0]["content"] for policy in default.all("google_monitoring_alert_policy")]
    assert [text for text in said if default.outputs["redrive"] in text]


def test_the_dashboard_has_room_for_each_chart(default: Applied) -> None:
    (found,) = default.all("google_monitoring_dashboard")
    tiles = json.loads(found["dashboard_json"])["mosaicLayout"]["tiles"]
    assert len({(tile["xPos"], tile["yPos"]) for tile in tiles}) == len(tiles) == 14
    assert all(tile["xPos"] + tile["width"] <= 12 for tile in tiles)


def test_the_metrics_are_those_of_the_list(default: Applied) -> None:
    units = {"1": "Count", "ms": "Milliseconds"}
    found = {
        metric["name"]: (units[metric["metric_descriptor"][0]["unit"]], metric["description"])
        for metric in default.all("google_logging_metric")
    }
    listed = {f"{NAMESPACE}/{name}": (said.unit, said.meaning) for name, said in DESCRIPTIONS.items()}
    assert found == listed


def test_alerts_and_charts_use_metrics_that_there_are(default: Applied) -> None:
    made = {metric["name"] for metric in default.all("google_logging_metric")}
    text = json.dumps([default.all("google_monitoring_alert_policy"), default.all("google_monitoring_dashboard")])
    used = set(re.findall(r"logging.googleapis.com/user/([\w/]+)", text))
    assert used <= made
    names = ("PictureRefused", "DefectFound", "CameraSuspect", "ModelNotCurrent", "UploadErrors")
    assert {f"{NAMESPACE}/{name}" for name in names} <= used


def test_the_metrics_read_the_lines_that_the_function_writes(default: Applied, tmp_path: Path) -> None:
    """A registry without a model; a picture, no picture, a black one: which metrics take which value of which line."""
    clean = (REPOSITORY / "tests" / "samples" / "clean-water-stain.jpg").read_bytes()
    with CloudRun(environment={"MODEL_URI": f"{tmp_path.as_uri()}/models/strip", "LOG_SAMPLE_RATE": "0"}) as server:
        for body in (clean, b"no picture", encoded(gray(np.zeros(STRIP)))):
            server.send(predict(body))
        lines: list[Any] = [line for line in log_lines(server.output()) if "metrics" in line]
    assert len(lines) == 3
    seen = [dict(measured(default, line)) for line in lines]
    assert [found["SteelDefect/PictureRefused"] for found in seen] == ["0", "1", "0"]
    assert [found["SteelDefect/ModelNotCurrent"] for found in seen] == ["1", "1", "1"]
    assert seen[1]["SteelDefect/Responses4xx"] == 1
    assert [found.get("SteelDefect/CameraSuspect") for found in seen] == ["0", None, "1"]
    assert "SteelDefect/DefectFound" not in seen[1]
    assert seen[2]["SteelDefect/ModelMilliseconds"] > 0
    # Every value that a line has is read by some metric.
    assert [len(found) for found in seen] == [len(line["metrics"]) for line in lines]


def test_a_camera_that_fails_is_heard_of_each_function_within_a_quarter_of_an_hour(default: Applied) -> None:
    policies = {policy["display_name"]: policy for policy in default.all("google_monitoring_alert_policy")}
    found = [policy for name, policy in policies.items() if "the model was trained on" in name]
    services = set()
    for policy in found:
        (condition,) = policy["conditions"][0]["condition_threshold"]
        assert condition["filter"].endswith('metric.labels.value = "1"')
        assert condition["denominator_filter"] == condition["filter"].removesuffix(' AND metric.labels.value = "1"')
        assert f"{NAMESPACE}/CameraSuspect" in condition["filter"]
        assert (condition["threshold_value"], condition["duration"]) == (0.2, "900s")
        assert "reasons" in policy["documentation"][0]["content"]
        services |= set(re.findall(r'service_name = "([\w-]+)"', condition["filter"]))
    assert services == {"steel-defect-api", "steel-defect-upload"}


def measured(applied: Applied, line: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What each metric takes from a line, as Cloud Logging reads filters and extractors."""
    for metric in applied.all("google_logging_metric"):
        (field,) = re.findall(r"jsonPayload\.metrics\.(\w+)>=0$", metric["filter"])
        if field not in line["metrics"]:
            continue
        value = line["metrics"][field]
        (descriptor,) = metric["metric_descriptor"]
        if descriptor["value_type"] == "DISTRIBUTION":
            assert metric["value_extractor"] == f"EXTRACT(jsonPayload.metrics.{field})"
            yield metric["name"], value
        elif descriptor["labels"]:
            stated = metric["label_extractors"]["value"]
            (pattern,) = re.findall(rf'REGEXP_EXTRACT\(jsonPayload.metrics.{field}, "(.*)"\)', stated)
            yield metric["name"], re.findall(pattern, str(value))[0]
        else:
            yield metric["name"], 1
