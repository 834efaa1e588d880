"""The upload function under Lambda's real runtime, with S3 and EventBridge on MiniStack."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.session import Session

from steel_defect.storage import ObjectNotFound, Store, open_store
from steel_defect.uploads.refs import ObjectRef
from steel_defect.uploads.results import result_key
from tests.adapters.logs import log_lines, measured
from tests.pictures import strip_jpeg
from tests.servers.emulators import Emulator, make_s3_bucket
from tests.transports import Lambda
from tests.uploads import events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def buckets(ministack: Emulator) -> tuple[str, str]:
    """Of uploads, and of results."""
    return make_s3_bucket(ministack, "lambda-uploads"), make_s3_bucket(ministack, "lambda-results")


@pytest.fixture(scope="module")
def function(ministack: Emulator, buckets: tuple[str, str], probe_file: Path) -> Iterator[Lambda]:
    """aws.upload."""
    places = {"UPLOADS_URI": f"s3://{buckets[0]}", "RESULTS_URI": f"s3://{buckets[1]}"}
    with Lambda(model=probe_file, handler="aws.upload", environment={**ministack.environment, **places}) as server:
        yield server


@pytest.fixture
def uploads(ministack: Emulator, buckets: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> Store:
    """The bucket of uploads."""
    for name, value in ministack.environment.items():
        monkeypatch.setenv(name, value)
    return open_store(f"s3://{buckets[0]}")


@pytest.fixture
def results(uploads: Store, buckets: tuple[str, str]) -> Store:  # noqa: ARG001 - sets the environment
    """The bucket of results."""
    return open_store(f"s3://{buckets[1]}")


def upload(store: Store, key: str, data: bytes, bucket: str = "lambda-uploads") -> ObjectRef:
    info = store.put(key, data)
    order = f"{time.time_ns():016X}"
    return ObjectRef("s3", bucket, key, order, version=info.version, size=len(data), tag=info.tag.strip('"'))


def result(store: Store, key: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(store.get(result_key(key)).data)


SHAPES: dict[str, Callable[[ObjectRef], Any]] = {
    "S3 to Lambda": events.s3_notification,
    "EventBridge to Lambda": events.eventbridge,
    "S3 to SQS": lambda ref: events.sqs(events.s3_notification(ref)),
    "S3 to SNS to SQS": lambda ref: events.sqs(events.sns(events.s3_notification(ref))),
    "EventBridge to SQS": lambda ref: events.sqs(events.eventbridge(ref)),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_event_shape_ends_in_a_result(function: Lambda, uploads: Store, results: Store, shape: str) -> None:
    key = f"line 3/{shape} + 100%.jpg"
    answer = function.invoke(SHAPES[shape](upload(uploads, key, strip_jpeg())))
    assert answer.get("batchItemFailures", []) == []
    assert result(results, key)["status"] == "scored"
    assert result(results, key)["source"]["key"] == key


def test_a_test_event_of_a_new_notification_is_fine(function: Lambda) -> None:
    assert function.invoke(events.sqs(events.TEST_EVENT)) == {"batchItemFailures": []}
    assert function.invoke(events.TEST_EVENT) == {}


def test_one_bad_message_does_not_fail_its_batch(function: Lambda, uploads: Store, results: Store) -> None:
    good = [upload(uploads, f"batch/{index}.jpg", strip_jpeg()) for index in range(2)]
    broken = upload(uploads, "batch/broken.jpg", b"no picture")
    elsewhere = ObjectRef("s3", "no-such-bucket", "a.jpg", order="1", size=1)
    batch = events.sqs(*map(events.s3_notification, (good[0], elsewhere, broken)), "<xml>", events.eventbridge(good[1]))
    answer = function.invoke(batch)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-1"}, {"itemIdentifier": "message-3"}]}
    assert [result(results, ref.key)["status"] for ref in (*good, broken)] == ["scored", "scored", "failed"]


def test_a_message_without_an_id_does_not_break_the_batch(function: Lambda, uploads: Store, results: Store) -> None:
    refs = [upload(uploads, f"no id/{index}.jpg", strip_jpeg()) for index in range(2)]
    batch = events.sqs(*map(events.s3_notification, refs))
    del batch["Records"][0]["messageId"]
    assert function.invoke(batch) == {"batchItemFailures": []}
    assert [result(results, ref.key)["status"] for ref in refs] == ["scored", "scored"]


def test_a_message_without_an_id_that_fails_keeps_the_whole_batch(function: Lambda, uploads: Store) -> None:
    good = upload(uploads, "no id/good.jpg", strip_jpeg())
    batch = events.sqs("<xml>", events.s3_notification(good))
    del batch["Records"][0]["messageId"]
    assert "not JSON" in function.invoke_failing(batch)["errorMessage"]


def test_without_a_queue_a_failure_fails_the_invocation(function: Lambda) -> None:
    """Lambda then tries the event again by itself, and hands it to the dead-letter queue at last."""
    gone = ObjectRef("s3", "no-such-bucket", "a.jpg", order="1", size=1)
    assert function.invoke_failing(events.s3_notification(gone))["errorType"] == "ForeignBucket"
    assert function.invoke_failing({"what": "is this"})["errorType"] == "UnknownEvent"


def test_when_time_runs_short_the_rest_goes_back(  # noqa: PLR0913, PLR0917 - fixtures
    ministack: Emulator, buckets: tuple[str, str], probe_file: Path, uploads: Store, results: Store, tmp_path: Path
) -> None:
    # Of the real runtime's minutes an hour is kept in reserve: with seconds of both, a slow start would be too late.
    handler = "import aws, aws_batch\naws_batch._RESERVE_MS = 3_600_000\nupload = aws.upload\n"
    (tmp_path / "late.py").write_text(handler)
    places = {"UPLOADS_URI": f"s3://{buckets[0]}", "RESULTS_URI": f"s3://{buckets[1]}"}
    environment = {**ministack.environment, **places, "PYTHONPATH": str(tmp_path)}
    ref = upload(uploads, "late.jpg", strip_jpeg())
    with Lambda(model=probe_file, handler="late.upload", environment=environment) as server:
        answer = server.invoke(events.sqs(events.s3_notification(ref)))
        said = server.output()
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert "s are left, and a call may take" in said
    with pytest.raises(ObjectNotFound):
        result(results, "late.jpg")


def test_results_among_uploads_end_the_start(ministack: Emulator, probe_file: Path) -> None:
    places = {"UPLOADS_URI": "s3://one/uploads", "RESULTS_URI": "s3://one/results"}
    environment = {**ministack.environment, **places}
    with Lambda(model=probe_file, handler="aws.upload", environment=environment) as server:
        server.invoke_failing(events.TEST_EVENT)
        assert "use another bucket" in server.output()


def test_outcomes_reach_whoever_subscribes_on_eventbridge(
    ministack: Emulator, buckets: tuple[str, str], probe_file: Path, uploads: Store
) -> None:
    client = {name: Session().create_client(name, endpoint_url=ministack.url) for name in ("events", "sqs")}
    client["events"].create_event_bus(Name="outcomes")
    queue = client["sqs"].create_queue(QueueName="rejects")["QueueUrl"]
    arn = client["sqs"].get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["steel-defect"], "detail": {"decision": ["review", "reject"]}}
    client["events"].put_rule(Name="rejects", EventBusName="outcomes", EventPattern=json.dumps(pattern))
    client["events"].put_targets(Rule="rejects", EventBusName="outcomes", Targets=[{"Id": "queue", "Arn": arn}])
    places = {"UPLOADS_URI": f"s3://{buckets[0]}", "RESULTS_URI": f"s3://{buckets[1]}", "OUTCOME_BUS": "outcomes"}
    environment = {**ministack.environment, **places}
    with Lambda(model=probe_file, handler="aws.upload", environment=environment) as server:
        server.invoke(events.s3_notification(upload(uploads, "told.jpg", strip_jpeg())))
        assert server.invoke(events.sqs(events.s3_notification(upload(uploads, "told 2.jpg", b"no picture")))) == {
            "batchItemFailures": []
        }
    messages = client["sqs"].receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=20)["Messages"]
    (told,) = [json.loads(message["Body"]) for message in messages]
    assert told["detail-type"] == "Picture Scored"
    assert told["detail"]["result"] == f"s3://{buckets[1]}/scores/told.jpg.json"
    assert told["detail"]["decision"] == "review"


def test_a_bus_that_is_not_there_has_the_message_tried_again(
    ministack: Emulator, buckets: tuple[str, str], probe_file: Path, uploads: Store, results: Store
) -> None:
    places = {"UPLOADS_URI": f"s3://{buckets[0]}", "RESULTS_URI": f"s3://{buckets[1]}", "OUTCOME_BUS": "outcomes"}
    environment = {**ministack.environment, **places, "AWS_ENDPOINT_URL_EVENTBRIDGE": "http://127.0.0.1:1"}
    with Lambda(model=probe_file, handler="aws.upload", environment=environment) as server:
        answer = server.invoke(events.sqs(events.s3_notification(upload(uploads, "untold.jpg", strip_jpeg()))))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert result(results, "untold.jpg")["status"] == "scored"


def test_an_upload_has_one_line_and_its_metrics(
    ministack: Emulator, buckets: tuple[str, str], probe_file: Path, uploads: Store
) -> None:
    places = {"UPLOADS_URI": f"s3://{buckets[0]}", "RESULTS_URI": f"s3://{buckets[1]}", "LOG_SAMPLE_RATE": "0"}
    good = [upload(uploads, f"logged/{index}.jpg", strip_jpeg()) for index in range(2)]
    broken = upload(uploads, "logged/broken.jpg", b"hunter2-SECRET, no picture")
    elsewhere = ObjectRef("s3", "no-such-bucket", "a.jpg", order="1", size=1)
    with Lambda(probe_file, "aws.upload", {**ministack.environment, **places}) as server:
        server.invoke(events.sqs(*map(events.s3_notification, (*good, broken, elsewhere))))
        server.invoke(events.sqs(events.s3_notification(good[0])))
        said = server.output()
    assert "hunter2" not in said
    *batch, duplicate = log_lines(said)
    lines = {line["object"]: line for line in batch}  # in the order in which they ended
    assert [lines[ref.uri]["outcome"] for ref in (*good, broken, elsewhere)] == ["scored", "scored", "failed", "error"]
    assert (duplicate["object"], duplicate["outcome"]) == (good[0].uri, "duplicate")
    assert set(lines[good[0].uri]["ms"]) == {"read", "decode", "model", "write", "total"}
    assert lines[broken.uri]["problem"] == "not-an-image"
    failed = lines[elsewhere.uri]
    assert (failed["level"], failed["error"].partition(":")[0]) == ("ERROR", "ForeignBucket")
    counted, again = measured(said)
    for name in ("ModelMilliseconds", "TotalMilliseconds"):
        assert counted.pop(name) > 0
    assert counted == {
        "ColdStart": 1, "UploadEvents": 1, "UploadsScored": 2, "UploadsFailed": 1, "UploadErrors": 1,
        "PictureRefused": 1, "DefectFound": 0, "CameraSuspect": 0,
    }  # fmt: skip
    # A duplicate is told again, and counts as a picture again.
    assert again == {
        "UploadEvents": 1,
        "UploadsDuplicate": 1,
        "PictureRefused": 0,
        "DefectFound": 0,
        "CameraSuspect": 0,
    }


def test_no_metric_of_a_batch_is_lost_where_several_uploads_end_at_a_time(
    ministack: Emulator, buckets: tuple[str, str], probe_file: Path, uploads: Store, results: Store
) -> None:
    places = {"UPLOADS_URI": f"s3://{buckets[0]}", "RESULTS_URI": f"s3://{buckets[1]}"}
    refs = [upload(uploads, f"many/{index}.jpg", strip_jpeg()) for index in range(40)]
    with Lambda(probe_file, "aws.upload", {**ministack.environment, **places}) as server:
        answer = server.invoke(events.sqs(*map(events.s3_notification, refs)))
        said = server.output()
    assert answer == {"batchItemFailures": []}
    assert sum(counted["UploadsScored"] for counted in measured(said)) == len(refs)
    assert {result(results, ref.key)["status"] for ref in refs} == {"scored"}


def test_without_a_model_in_the_registry_uploads_stay_in_the_queue_and_metrics_say_so(
    ministack: Emulator, buckets: tuple[str, str], uploads: Store, results: Store
) -> None:
    places = {"UPLOADS_URI": f"s3://{buckets[0]}", "RESULTS_URI": f"s3://{buckets[1]}"}
    environment = {**ministack.environment, **places, "MODEL_URI": f"s3://{buckets[1]}/models/none"}
    with Lambda(handler="aws.upload", environment=environment) as server:
        answer = server.invoke(events.sqs(events.s3_notification(upload(uploads, "bundled.jpg", strip_jpeg()))))
        (counted,) = measured(server.output())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert (counted["ModelNotCurrent"], counted["UploadErrors"]) == (1, 1)
    with pytest.raises(ObjectNotFound):
        result(results, "bundled.jpg")


def test_a_backfill_refuses_to_score_by_another_model_than_the_one_in_production(
    ministack: Emulator, buckets: tuple[str, str], uploads: Store, results: Store
) -> None:
    places = {"UPLOADS_URI": f"s3://{buckets[0]}", "RESULTS_URI": f"s3://{buckets[1]}"}
    environment = {**ministack.environment, **places, "MODEL_URI": "s3://no-such-bucket/models/none"}
    upload(uploads, "backfilled.jpg", strip_jpeg())
    batch = {"Items": [{"Key": "backfilled.jpg"}]}
    with Lambda(handler="aws.backfill", environment=environment) as server:
        assert server.invoke_failing(batch)["errorType"] == "ModelUnavailable"
    with pytest.raises(ObjectNotFound):
        result(results, "backfilled.jpg")
