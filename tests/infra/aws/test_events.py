"""Each of tests/events/*.json, through Lambda's real runtime into the function that its name begins with."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import pytest

from steel_defect.metrics import Metric
from steel_defect.storage import Store, open_store
from steel_defect.uploads.results import result_key
from tests.conftest import REPOSITORY, SAMPLES
from tests.infra.aws.template import Resolved, of_type
from tests.servers.emulators import Emulator, make_s3_bucket
from tests.transports import Lambda

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


FOLDER: Final = REPOSITORY / "tests" / "events"
VARIABLES: Final = FOLDER / "env.json"
EVENTS: Final = sorted(path for path in FOLDER.glob("*.json") if path != VARIABLES)
PICTURE: Final = "pits.jpg"
UPLOADS, RESULTS = "steel-defect-uploads", "steel-defect-results"


def test_every_shape_has_its_event() -> None:
    assert {path.stem for path in EVENTS} == {
        "api-direct-invocation",
        "api-function-url-picture",
        "api-http-api-v2-custom-domain",
        "api-http-api-v2-get",
        "api-http-api-v2-json",
        "api-http-api-v2-picture",
        "api-load-balancer-json",
        "api-rest-api-v1-custom-domain",
        "api-rest-api-v1-picture",
        "backfill-batch",
        "upload-eventbridge",
        "upload-s3-notification",
        "upload-s3-test-event",
        "upload-sqs-eventbridge",
        "upload-sqs-s3-notification",
        "upload-sqs-sns-s3-notification",
    }


def test_the_variables_for_sam_local_are_those_of_the_functions_and_name_the_buckets_of_the_events() -> None:
    variables = json.loads(VARIABLES.read_bytes())["Parameters"]
    functions = of_type(Resolved().resources, "AWS::Serverless::Function").values()
    # SAM passes on what the template declares, and nothing else.
    assert set(variables) <= {name for function in functions for name in function["Environment"]["Variables"]}
    assert (variables["UPLOADS_URI"], variables["RESULTS_URI"]) == (f"s3://{UPLOADS}", f"s3://{RESULTS}")
    for path in EVENTS:
        if path.stem.startswith("upload-") and "test-event" not in path.stem:
            assert UPLOADS in path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def cloud_environment(ministack: Emulator) -> dict[str, str]:
    """Of a function, in a cloud that has its buckets."""
    for bucket in (UPLOADS, RESULTS):
        make_s3_bucket(ministack, bucket)
    return ministack.environment


@pytest.fixture(scope="module")
def functions(cloud_environment: dict[str, str], probe_file: Path) -> Iterator[dict[str, Lambda]]:
    """The three entry points, each in a runtime of its own."""
    places = {"UPLOADS_URI": f"s3://{UPLOADS}", "RESULTS_URI": f"s3://{RESULTS}"}
    with ExitStack() as running:
        yield {
            name: running.enter_context(
                Lambda(probe_file, f"aws.{name}", {**cloud_environment, **places, "POWERTOOLS_SERVICE_NAME": name})
            )
            for name in ("api", "upload", "backfill")
        }


@pytest.fixture
def results(cloud_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Store:
    """The bucket of results, without that of the picture, which is in the other one."""
    for name, value in cloud_environment.items():
        monkeypatch.setenv(name, value)
    open_store(f"s3://{UPLOADS}").put(PICTURE, (SAMPLES / PICTURE).read_bytes())
    store = open_store(f"s3://{RESULTS}")
    store.delete(result_key(PICTURE))
    return store


@pytest.mark.parametrize("path", [path for path in EVENTS if path.stem.startswith("api-")], ids=lambda path: path.stem)
def test_requests_are_answered(functions: dict[str, Lambda], path: Path) -> None:
    answer = functions["api"].invoke(json.loads(path.read_bytes()))
    assert answer["statusCode"] == 200, answer
    body = json.loads(answer["body"])
    assert body["name"] == "probe" if path.stem.endswith("-get") else 0.3 < body["defect_prob"] < 0.6
    assert ("defect_map" in body) == path.stem.endswith("-json")


@pytest.mark.parametrize("name", ["api-http-api-v2-get", "api-rest-api-v1-picture"])
@pytest.mark.parametrize(("parameter", "status"), [("X-Amz-Signature", 200), ("x-amz-date", 200), ("maps", 400)])
def test_a_signature_in_the_query_is_no_parameter_of_ours(
    functions: dict[str, Lambda], name: str, parameter: str, status: int
) -> None:
    event = json.loads((FOLDER / f"{name}.json").read_bytes())
    answer = functions["api"].invoke({**event, "queryStringParameters": {parameter: "1"}})
    assert answer["statusCode"] == status, answer


@pytest.mark.parametrize("name", ["api-http-api-v2-custom-domain", "api-rest-api-v1-custom-domain"])
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/inspection/model", 200),
        ("/a/b/model", 200),
        ("/inspection/", 200),
        ("/inspection", 404),
        ("/inspection/modelling", 404),
    ],
)
def test_what_a_mapping_has_before_the_path_is_left_out(
    functions: dict[str, Lambda], name: str, path: str, status: int
) -> None:
    event = json.loads((FOLDER / f"{name}.json").read_bytes())
    asked = {**event, "httpMethod": "GET", "path": path, "rawPath": path, "body": None}
    if "http" in event["requestContext"]:
        del asked["httpMethod"], asked["path"]
        asked["requestContext"]["http"]["method"] = "GET"
    assert functions["api"].invoke(asked)["statusCode"] == status
    # A host of the platform has nothing before it.
    asked["requestContext"]["domainName"] = "abc123.execute-api.eu-central-1.amazonaws.com"
    assert functions["api"].invoke(asked)["statusCode"] == 404


def test_a_load_balancer_gets_what_it_wants(functions: dict[str, Lambda]) -> None:
    event = json.loads((FOLDER / "api-load-balancer-json.json").read_bytes())
    answer = functions["api"].invoke({**event, "multiValueQueryStringParameters": {"m%61p": ["maybe"]}})
    assert (answer["statusCode"], answer["statusDescription"]) == (400, "400 Bad Request")
    assert answer["multiValueHeaders"]["content-type"] == ["application/problem+json"]
    assert answer["isBase64Encoded"] is False
    assert "headers" not in answer
    # Without the attribute of its target group, both have one value each.
    plain = {**event, "headers": {"content-type": "application/json"}, "queryStringParameters": {"map": "false"}}
    del plain["multiValueHeaders"], plain["multiValueQueryStringParameters"]
    answer = functions["api"].invoke(plain)
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (200, "application/json")
    assert "multiValueHeaders" not in answer


@pytest.mark.parametrize(
    "path",
    [path for path in EVENTS if path.stem.startswith("upload-") and "test-event" not in path.stem],
    ids=lambda path: path.stem,
)
def test_uploads_get_their_result(functions: dict[str, Lambda], results: Store, path: Path) -> None:
    answer = functions["upload"].invoke(json.loads(path.read_bytes()))
    assert answer == ({"batchItemFailures": []} if "-sqs-" in path.stem else {})
    assert json.loads(results.get(result_key(PICTURE)).data)["status"] == "scored"


def test_what_s3_sends_when_a_notification_is_set_up_names_no_upload(functions: dict[str, Lambda]) -> None:
    event = json.loads((REPOSITORY / "tests/events/upload-s3-test-event.json").read_bytes())
    assert functions["upload"].invoke(event) == {}


def test_a_batch_of_a_backfill_is_scored_and_told(functions: dict[str, Lambda], results: Store) -> None:
    event = json.loads((REPOSITORY / "tests/events/backfill-batch.json").read_bytes())
    report = functions["backfill"].invoke(event)
    assert report.pop("model")["name"] == "probe"
    assert report == {"objects": 1, "outcomes": {"scored": 1}, "failed": []}
    assert json.loads(results.get(result_key(PICTURE)).data)["status"] == "scored"
    assert functions["backfill"].invoke(event)["outcomes"] == {"duplicate": 1}
    open_store(f"s3://{UPLOADS}").put("notes.jpg", b"no picture")
    event["Items"].append({**event["Items"][0], "Key": "notes.jpg", "Size": 10})
    assert functions["backfill"].invoke(event)["failed"] == ["notes.jpg"]


@pytest.mark.usefixtures("results")
def test_a_batch_with_an_object_that_met_a_fault_fails_and_says_which(
    cloud_environment: dict[str, str], probe_file: Path
) -> None:
    places = {"UPLOADS_URI": f"s3://{UPLOADS}", "RESULTS_URI": "s3://there-is-no-such-bucket"}
    with Lambda(probe_file, "aws.backfill", {**cloud_environment, **places}) as function:
        event = json.loads((REPOSITORY / "tests/events/backfill-batch.json").read_bytes())
        error = function.invoke_failing(event)
        assert error["errorType"] == "NotFinished"
        assert (
            "1 of 1 objects have no result, for example s3://steel-defect-uploads/pits.jpg: " in error["errorMessage"]
        )


@pytest.mark.parametrize("event", [{}, {"Items": "pits.jpg"}, {"Items": [{"Key": "pits.jpg"}]}])
def test_what_is_no_batch_is_an_error_that_is_not_tried_again(functions: dict[str, Lambda], event: object) -> None:
    assert functions["backfill"].invoke_failing(event)["errorType"] == "UnknownEvent"


def test_shares_of_refused_and_defective_pictures_are_measured_by_function(
    functions: dict[str, Lambda], results: Store
) -> None:
    before = {name: len(measured(function)) for name, function in functions.items()}
    picture = json.loads((REPOSITORY / "tests/events/api-http-api-v2-picture.json").read_bytes())
    functions["api"].invoke(picture)
    functions["api"].invoke({**picture, "body": "AAAA"})
    functions["api"].invoke(json.loads((REPOSITORY / "tests/events/api-http-api-v2-get.json").read_bytes()))
    functions["upload"].invoke(json.loads((REPOSITORY / "tests/events/upload-s3-notification.json").read_bytes()))
    assert results.head(result_key(PICTURE))
    api = measured(functions["api"])[before["api"] :]
    upload = measured(functions["upload"])[before["upload"] :]
    assert values(api, Metric.PICTURE_REFUSED) == [0, 1]
    assert values(api, Metric.DEFECT_FOUND) == [0]
    assert values(upload, Metric.PICTURE_REFUSED) == [0]
    assert values(upload, Metric.DEFECT_FOUND) == [0]
    assert {line["service"] for line in api} == {"api"}
    assert {line["service"] for line in upload} == {"upload"}


def measured(function: Lambda) -> list[dict[str, Any]]:
    """The lines of metrics that the function has written."""
    return [json.loads(line) for line in function.output().splitlines() if line.startswith('{"_aws"')]


def values(lines: list[dict[str, Any]], metric: Metric) -> list[float]:
    return [value for line in lines for value in line.get(metric.value, [])]
