"""The deployed stack, used as its users do: pictures into the bucket, requests to the endpoint, a backfill."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from click.testing import CliRunner

from steel_defect.cli import main
from steel_defect.registry import promote, publish
from steel_defect.scorer import Scorer
from steel_defect.settings import BUNDLED_MODEL
from steel_defect.storage import open_store
from steel_defect.uploads.results import result_key
from tests.conftest import SAMPLES
from tests.infra.aws.conftest import REGION, STACK, Stack, deploy
from tests.pictures import encoded, gradient, gray, strip_jpeg
from tests.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PICTURES, BAD = 500, 3
FUNCTIONS = ("ApiFunction", "UploadFunction", "BackfillFunction", "CoilFunction")


def put(stack: Stack, key: str, data: bytes) -> str:
    """Put a picture into the bucket of uploads, and give its version."""
    version: str = stack.client("s3").put_object(Bucket=stack.outputs["Uploads"], Key=key, Body=data)["VersionId"]
    return version


def result(stack: Stack, key: str) -> dict[str, Any] | None:
    s3 = stack.client("s3")
    try:
        content = json.loads(s3.get_object(Bucket=stack.outputs["Results"], Key=result_key(key))["Body"].read())
    except s3.exceptions.NoSuchKey:
        return None
    assert isinstance(content, dict)
    return content


def messages(stack: Stack, queue: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = stack.client("sqs").get_queue_attributes(QueueUrl=stack.outputs[queue], AttributeNames=names)
    return sum(int(found["Attributes"][name]) for name in names)


def trusted(stack: Stack) -> ssl.SSLContext:
    """Trusts the emulator, whose certificate is of localhost."""
    return ssl.create_default_context(cafile=stack.emulator.environment["AWS_CA_BUNDLE"])


def request(
    stack: Stack, method: str, path: str, body: bytes | None = None, *, signed: bool = True
) -> tuple[int, dict[str, Any]]:
    """A request to the endpoint, by its host name but without asking any DNS for it."""
    address = stack.outputs["Endpoint"]
    headers = {"content-type": "application/json" if path == "/uploads" else "image/jpeg"}
    if signed:
        wanted = AWSRequest(method, f"{address}{path}", data=body, headers=headers)
        SigV4Auth(Credentials("test", "test"), "execute-api", REGION).add_auth(wanted)
        headers = dict(wanted.headers.items())
    headers["host"] = urlsplit(address).netloc
    sent = urllib.request.Request(f"{stack.emulator.url}{path}", body, headers, method=method)  # noqa: S310 - ours
    try:
        with urllib.request.urlopen(sent, timeout=60, context=trusted(stack)) as answer:  # noqa: S310 - as above
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_a_picture_in_the_uploads_bucket_yields_its_result_and_a_non_picture_its_reason(stack: Stack) -> None:
    version = put(stack, "line 3/a+b 100%.jpg", strip_jpeg())
    put(stack, "notes.jpg", b"no picture")
    scored = wait_for(partial(result, stack, "line 3/a+b 100%.jpg"))
    assert scored["status"] == "scored"
    assert scored["source"]["version"] == version
    assert scored["model"]["name"] == "strip-mobilenetv2"
    failed = wait_for(partial(result, stack, "notes.jpg"))
    assert failed["status"] == "failed"
    assert failed["problem"]["type"].endswith("not-an-image")
    # Its event was told as well: a message goes back to the queue where the bus refuses it.
    wait_for(lambda: messages(stack, "UploadQueueUrl") == 0)
    assert messages(stack, "DeadLettersUrl") == 0


def test_a_failing_store_ends_in_the_dead_letter_queue_and_a_redrive_finishes_it(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = stack.client("s3")
    bucket = stack.outputs["Results"]
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    refusal = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/scores/*"
    }  # fmt: skip
    broken = {**json.loads(policy), "Statement": [*json.loads(policy)["Statement"], refusal]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(broken))
    try:
        put(stack, "redriven.jpg", strip_jpeg())
        wait_for(lambda: messages(stack, "DeadLettersUrl") == 1)
        assert result(stack, "redriven.jpg") is None
    finally:
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    for name, value in stack.emulator.environment.items():
        monkeypatch.setenv(name, value)
    queues = ["--from", stack.outputs["DeadLettersUrl"], "--to", stack.outputs["UploadQueueUrl"]]
    run = CliRunner().invoke(main, ["redrive", *queues])
    assert run.exit_code == 0, run.output
    assert "1 message moved" in run.output
    assert wait_for(partial(result, stack, "redriven.jpg"))["status"] == "scored"
    assert messages(stack, "DeadLettersUrl") == 0


def test_the_endpoint_answers_signed_requests_alone(stack: Stack) -> None:
    assert request(stack, "POST", "/predict", strip_jpeg(), signed=False)[0] == 403
    status, answer = request(stack, "POST", "/predict", strip_jpeg())
    assert status == 200
    assert 0 <= answer["defect_prob"] <= 1
    assert request(stack, "GET", "/model")[1]["name"] == "strip-mobilenetv2"


def test_the_function_is_called_by_the_name_that_the_outputs_have(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in stack.emulator.environment.items():
        monkeypatch.setenv(name, value)
    url = f"lambda://{stack.outputs['ApiFunctionName']}"
    run = CliRunner().invoke(main, ["score", "--json", "--url", url, str(SAMPLES / "scratch.jpg")])
    assert run.exit_code == 0, run.output
    assert json.loads(run.output)["model"]["name"] == "strip-mobilenetv2"


def test_the_endpoint_leaves_unknown_paths_and_bad_pictures_to_the_function(stack: Stack) -> None:
    assert request(stack, "GET", "/nothing")[1]["type"].endswith("not-found")
    status, problem = request(stack, "POST", "/predict", b"no picture")
    assert (status, problem["status"]) == (422, 422)


def test_a_caller_gets_a_url_puts_a_picture_there_and_asks_for_its_result(stack: Stack) -> None:
    picture = strip_jpeg()
    body = json.dumps({"name": "strip.jpg", "content_type": "image/jpeg", "size": len(picture)}).encode()
    status, signed = request(stack, "POST", "/uploads", body)
    assert status == 201, signed
    result_of = partial(request, stack, "GET", f"/results/{signed['key']}")
    assert (result_of()[0], result_of()[1]["type"]) == (404, "urn:problem-type:steel-defect:result-not-ready")
    sent = urllib.request.Request(signed["url"], picture, signed["headers"], method="PUT")  # noqa: S310 - ours
    with urllib.request.urlopen(sent, timeout=60, context=trusted(stack)) as answer:  # noqa: S310 - as above
        assert answer.status == 200
    status, found = wait_for(lambda: (answer := result_of())[0] == 200 and answer)
    assert found["source"]["key"] == signed["key"]
    assert found["status"] == "scored"


def test_a_backfill_scores_a_prefix_in_batches_and_reports(stack: Stack) -> None:
    """The template's own state machine, over pictures whose events were lost."""
    s3, events, machine = stack.client("s3"), stack.client("events"), stack.client("stepfunctions")
    rule = next(found["Name"] for found in events.list_rules()["Rules"] if "UploadRule" in found["Name"])
    events.disable_rule(Name=rule)
    try:
        picture = encoded(gray(gradient(64, 400)), "JPEG")
        for index in range(PICTURES):
            bad = index % (PICTURES // BAD) == 7
            put(stack, f"archive/{index:04}.jpg", b"damaged" if bad else picture)
    finally:
        events.enable_rule(Name=rule)
    put(stack, "elsewhere.jpg", picture)  # Not below the prefix; its event is not lost.
    started = machine.start_execution(
        stateMachineArn=stack.outputs["Backfill"], input=json.dumps({"prefix": "archive/"})
    )["executionArn"]
    done = wait_for(partial(finished, machine, started))
    assert done["status"] == "SUCCEEDED", done
    details = json.loads(done["output"])["ResultWriterDetails"]
    assert details["Key"].startswith("backfills/")
    report = report_lines(s3, details)
    assert len(report) == 10
    assert sum(line["objects"] for line in report) == PICTURES
    assert sum(line["outcomes"].get("scored", 0) for line in report) == PICTURES - BAD
    assert sorted(key for line in report for key in line["failed"]) == [
        "archive/0007.jpg", "archive/0173.jpg", "archive/0339.jpg"
    ]  # fmt: skip
    results = s3.get_paginator("list_objects_v2").paginate(Bucket=stack.outputs["Results"], Prefix="scores/archive/")
    assert sum(page["KeyCount"] for page in results) == PICTURES
    problem = result(stack, "archive/0173.jpg")
    assert problem is not None
    assert problem["problem"]["type"].endswith("not-an-image")


def test_the_marker_of_a_coil_makes_its_report(stack: Stack) -> None:
    put(stack, "line-3/4711/1_0mm.jpg", strip_jpeg())
    put(stack, "line-3/4711/2_800mm.jpg", b"damaged")
    put(stack, "line-3/4711/coil.json", b'{"pictures": 3}')
    # Two have come of three: it waits.
    machine = stack.client("stepfunctions")

    def executions() -> list[str]:
        found = machine.list_executions(stateMachineArn=stack.outputs["Coils"])["executions"]
        return [one["status"] for one in found]

    wait_for(lambda: executions() == ["RUNNING"])
    put(stack, "line-3/4711/3_1600mm.jpg", strip_jpeg())
    wait_for(lambda: executions() == ["SUCCEEDED"])
    report = stack.client("s3").get_object(Bucket=stack.outputs["Results"], Key="coils/4711/report.json")
    content = json.loads(report["Body"].read())
    assert (content["pictures"]["seen"], content["pictures"]["failed"]) == (3, 1)
    assert content["decision"] in {"review", "reject"}


def test_a_parameter_of_a_later_deployment_reaches_what_serves(
    stack: Stack, build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in stack.emulator.environment.items():
        monkeypatch.setenv(name, value)
    models = open_store(f"s3://{stack.outputs['Models']}")
    data = BUNDLED_MODEL.read_bytes()
    name = Scorer(data).contract.name
    promote(models, name, publish(models, data, who="test"), who="test")
    served = {function: serving(stack, function) for function in FUNCTIONS}
    found = deploy(build, stack.emulator, "--parameter-overrides", f"ModelName={name}")
    assert found["StackStatus"] == "UPDATE_COMPLETE"
    uri = f"s3://{stack.outputs['Models']}/models/{name}"
    for function in FUNCTIONS:
        before, after = served[function], serving(stack, function)
        variables = [found["Environment"]["Variables"] for found in (before, after)]
        assert [found["MODEL_URI"] for found in variables] == ["", uri]
        assert int(after["Version"]) > int(before["Version"])
    assert request(stack, "GET", "/model")[1]["name"] == name


def serving(stack: Stack, function: str) -> dict[str, Any]:
    """What the alias of a function runs."""
    client = stack.client("lambda")
    names = [found["FunctionName"] for found in client.list_functions()["Functions"]]
    (name,) = (name for name in names if name.startswith(f"{STACK}-{function}-"))
    found: dict[str, Any] = client.get_function_configuration(FunctionName=name, Qualifier="live")
    return found


def finished(machine: Any, execution: str) -> dict[str, Any] | None:  # noqa: ANN401 - as above
    found: dict[str, Any] = machine.describe_execution(executionArn=execution)
    return None if found["status"] == "RUNNING" else found


def report_lines(s3: Any, details: dict[str, str]) -> list[dict[str, Any]]:  # noqa: ANN401 - as above
    manifest = json.loads(s3.get_object(Bucket=details["Bucket"], Key=details["Key"])["Body"].read())
    files = [file["Key"] for file in manifest["ResultFiles"]["SUCCEEDED"]]
    texts = [s3.get_object(Bucket=details["Bucket"], Key=key)["Body"].read().decode() for key in files]
    return [json.loads(line) for text in texts for line in text.splitlines()]
