"""The log lines and metrics of requests, in what both runtimes really print."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from steel_defect.http import Request
from tests.adapters.logs import log_lines, measured, printed
from tests.pictures import encoded, strip_jpeg
from tests.requests_table import JSON, bad_requests, in_json, predict
from tests.transports import FUNCTIONS, CloudRun, Lambda

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Runtime = Callable[[dict[str, str]], CloudRun | Lambda]

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PASSED = encoded(Image.new("L", (1600, 256), 20))
REJECTED = encoded(Image.new("L", (1600, 256), 220))


@pytest.fixture(params=["Google Cloud", "AWS"])
def runtime(request: pytest.FixtureRequest, probe_file: Path) -> Runtime:
    """From an environment to a server that is not started: its first request is a cold start."""
    if request.param == "AWS":
        return lambda environment: Lambda(model=probe_file, environment=environment)
    return lambda environment: CloudRun(model=probe_file, environment=environment)


def test_a_request_has_one_line_that_says_what_came_of_it(runtime: Runtime) -> None:
    with runtime({"LOG_SAMPLE_RATE": "1"}) as server:
        for request in (
            predict(REJECTED, coil="47\u00a011", position_mm="5"),
            bad_requests()["truncated JPEG"][0],
            Request("GET", "/model"),
        ):
            server.send(request)
        scored, refused, read = log_lines(server.output())
    assert scored["message"] == "POST /predict 200"
    assert (scored["decision"], scored["defect_prob"]) == ("reject", pytest.approx(220 / 255, abs=1e-4))
    assert (scored["model"]["name"], len(scored["model"]["sha256"])) == ("probe", 12)
    assert scored["picture"] == {"width": 1600, "height": 256, "format": "PNG"}
    assert scored["picture_bytes"] == scored["request_bytes"] == len(REJECTED)
    assert scored["statistics"] == {"mean": 220.0, "contrast": 0.0, "dark_share": 0.0}
    assert scored["ms"]["decode"] + scored["ms"]["model"] <= scored["ms"]["total"]
    assert (refused["route"], refused["status"], refused["problem"]) == ("/predict", 422, "damaged-image")
    assert (scored["coil"], scored["position_mm"]) == ("47\u00a011", 5)
    assert "decision" not in refused
    assert (read["route"], read["status"]) == ("/model", 200)
    assert [line["cold_start"] for line in (scored, refused, read)] == [True, False, False]
    assert len({line["request_id"] for line in (scored, refused, read)}) == 3


def test_what_a_request_counts(runtime: Runtime) -> None:
    with runtime({}) as server:
        for request in (predict(PASSED), predict(REJECTED), predict(b"no picture"), Request("GET", "/nothing")):
            server.send(request)
        found = measured(server.output())
    times = [{name: line.pop(name) for name in ("ModelMilliseconds", "TotalMilliseconds")} for line in found[:2]]
    assert found == [
        {"ColdStart": 1, "Responses2xx": 1, "PictureRefused": 0, "DefectFound": 0, "CameraSuspect": 0},
        {"Responses2xx": 1, "PictureRefused": 0, "DefectFound": 1, "CameraSuspect": 0},
        {"Responses4xx": 1, "PictureRefused": 1},
        {"Responses4xx": 1},
    ]
    assert all(0 < time["ModelMilliseconds"] <= time["TotalMilliseconds"] for time in times)


def test_sampling_leaves_out_successes_alone_and_no_metric(runtime: Runtime) -> None:
    refused = bad_requests()["truncated JPEG"][0]
    requests = [predict(PASSED), *[predict(PASSED)] * 4, predict(REJECTED), predict(strip_jpeg()), refused]
    with runtime({"LOG_SAMPLE_RATE": "0"}) as server:
        for request in requests:
            server.send(request)
        lines, counted = log_lines(server.output()), measured(server.output())
    # The cold start, the picture for a person to look at, and the refusal.
    assert [line.get("decision", line.get("problem")) for line in lines] == ["pass", "review", "damaged-image"]
    assert {line["sample_rate"] for line in lines} == {1}
    assert len(counted) == len(requests)
    assert sum(line.get("Responses2xx", 0) for line in counted) == 7
    assert sum(line.get("DefectFound", 0) for line in counted) == 1
    assert sum("ModelMilliseconds" in line for line in counted) == 7


def test_no_line_holds_what_a_caller_may_hold_secret(runtime: Runtime) -> None:
    marker = "hunter2-SECRET"
    inside = base64.b64encode(b"xx" + marker.encode() + b"x").decode()
    headers = {"authorization": f"Bearer {marker}", "cookie": marker, "user-agent": marker, "x-api-key": marker}
    odd = {"traceparent": marker, "x-cloud-trace-context": f"{marker}/1;o=1", "function-execution-id": f"<{marker}>"}
    pictures = (strip_jpeg() + marker.encode(), marker.encode() * 9, b"\xff\xd8\xff" + marker.encode() * 9)
    with runtime({"LOG_SAMPLE_RATE": "1"}) as server:
        for picture in pictures:
            server.send(predict(picture, {**headers, **odd, "content-type": "image/jpeg"}, token=marker))
            server.send(predict(in_json(picture), {**headers, **JSON}, map=marker))
        server.send(predict(f'{{"image": "{inside}", "{marker}": 1}}'.encode(), JSON))
        server.send(predict(b"{" + marker.encode(), {"content-type": f"text/{marker}"}))
        for path in (f"/{marker}", f"/results/web/{marker}.jpg", f"/model/{marker}"):
            server.send(Request("GET", path, headers, {"sig": marker}))
        server.send(Request("GET", "/"))
        said = server.output()
    lines = log_lines(said)
    assert len(lines) == 12
    for hidden in (marker, inside, base64.b64encode(pictures[1]).decode()[:60], "\\u00ff\\u00d8"):
        assert hidden not in said
    assert [line["route"] for line in lines[-4:]] == ["unknown", "/results/{key}", "unknown", "/"]


def test_a_failure_is_an_error_and_always_logged(tmp_path: Path, runtime: Runtime) -> None:
    with runtime({"LOG_SAMPLE_RATE": "0", "MODEL_URI": str(tmp_path / "missing.onnx")}) as server:
        for _ in range(2):
            assert server.send(predict(PASSED)).status == 503
        lines, counted = log_lines(server.output()), measured(server.output())
    assert [(line.get("level") or line["severity"], line["problem"]) for line in lines] == [
        ("ERROR", "model-unavailable")
    ] * 2
    assert sum(line["Responses5xx"] for line in counted) == 2
    assert not any("PictureRefused" in line for line in counted)


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": f"00-{TRACE}-{SPAN}-01"},
        {"x-cloud-trace-context": f"{TRACE}/{int(SPAN, 16)};o=1"},
    ],
    ids=["traceparent", "x-cloud-trace-context"],
)
def test_cloud_logging_links_a_line_to_its_trace_and_shows_the_request(
    probe_file: Path, headers: dict[str, str]
) -> None:
    with CloudRun(model=probe_file, environment={"GOOGLE_CLOUD_PROJECT": "mill"}) as server:
        server.send(predict(REJECTED, {"content-type": "image/png", **headers}, mm_per_pixel="0.123"))
        (line,) = printed(server.output())
    assert line["severity"] == "INFO"
    assert line["trace_id"] == TRACE
    assert line["logging.googleapis.com/trace"] == f"projects/mill/traces/{TRACE}"
    assert line["logging.googleapis.com/spanId"] == SPAN
    assert line["logging.googleapis.com/trace_sampled"] is True
    shown = line["httpRequest"]
    assert (shown["requestMethod"], shown["requestUrl"], shown["status"]) == ("POST", "/predict", 200)
    assert shown["requestSize"] == str(len(REJECTED))


def test_without_a_project_a_trace_is_named_and_not_linked(probe_file: Path) -> None:
    with CloudRun(model=probe_file) as server:
        server.send(predict(REJECTED, {"content-type": "image/png", "traceparent": f"00-{TRACE}-{SPAN}-01"}))
        (line,) = printed(server.output())
    assert line["trace_id"] == TRACE
    assert not [name for name in line if name.startswith("logging.googleapis.com")]


def test_lambda_names_the_invocation(probe_file: Path) -> None:
    with Lambda(model=probe_file) as server:
        server.send(predict(REJECTED))
        (line,) = log_lines(server.output())
        assert f"START RequestId: {line['request_id']} " in server.output()


def test_lambda_names_the_trace_of_x_ray(probe_file: Path) -> None:
    """The emulator passes no trace on; Lambda does in this variable, anew for each invocation."""
    event = {"image": base64.b64encode(REJECTED).decode()}
    code = (
        "import json, os, sys, types, aws\n"
        "os.environ['_X_AMZN_TRACE_ID'] = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8'\n"
        "aws.api(json.load(sys.stdin), types.SimpleNamespace(aws_request_id='id', function_name='api'))"
    )
    environment = {"PATH": os.environ["PATH"], "MODEL_URI": str(probe_file)}
    run = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", code],
        input=json.dumps(event),
        cwd=FUNCTIONS,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = log_lines(run.stdout)
    assert (line["request_id"], line["trace_id"]) == ("id", "1-5759e988-bd862e3fe1be46a994272793")
