"""The upload function in the real functions-framework server, with Cloud Storage on fake-gcs-server."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from steel_defect.http import Request
from steel_defect.storage import ObjectNotFound, Store, open_store
from steel_defect.uploads.refs import ObjectRef
from steel_defect.uploads.results import result_key
from tests.adapters.logs import log_lines, measured
from tests.pictures import strip_jpeg
from tests.servers.emulators import Emulator, make_gcs_bucket
from tests.transports import CloudRun
from tests.uploads import events

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


UPLOADS, RESULTS = "run-uploads", "run-results"
PLACES = {"UPLOADS_URI": f"gs://{UPLOADS}", "RESULTS_URI": f"gs://{RESULTS}"}
TYPE = "google.cloud.storage.object.v1.finalized"


@pytest.fixture(scope="module")
def cloud(fake_gcs: Emulator) -> Emulator:
    """Cloud Storage with both buckets."""
    for name in (UPLOADS, RESULTS):
        make_gcs_bucket(fake_gcs, name)
    return fake_gcs


@pytest.fixture(scope="module")
def function(cloud: Emulator, probe_file: Path) -> Iterator[CloudRun]:
    """main.upload."""
    with CloudRun(model=probe_file, target="upload", environment={**cloud.environment, **PLACES}) as server:
        yield server


@pytest.fixture
def uploads(cloud: Emulator, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The bucket of uploads."""
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    return open_store(f"gs://{UPLOADS}")


@pytest.fixture
def results(uploads: Store) -> Store:  # noqa: ARG001 - sets the environment
    """The bucket of results."""
    return open_store(f"gs://{RESULTS}")


def upload(store: Store, key: str, data: bytes) -> ObjectRef:
    info = store.put(key, data)
    return ObjectRef("gs", UPLOADS, key, order=str(info.version).zfill(20), version=info.version, size=len(data))


def binary(ref: ObjectRef) -> Request:
    """As Eventarc delivers: the attributes in headers."""
    headers = {
        "content-type": "application/json",
        "ce-id": "1",
        "ce-specversion": "1.0",
        "ce-type": TYPE,
        "ce-source": f"//storage.googleapis.com/projects/_/buckets/{ref.bucket}",
        "ce-subject": "objects/picture",
    }
    return Request("POST", "/", headers, {}, json.dumps(events.cloud_storage(ref)).encode())


def structured(ref: ObjectRef) -> Request:
    """The attributes in the body."""
    envelope = {"id": "1", "specversion": "1.0", "type": TYPE, "source": "//storage.googleapis.com/"}
    body = json.dumps({**envelope, "data": events.cloud_storage(ref)}).encode()
    return Request("POST", "/", {"content-type": "application/cloudevents+json"}, {}, body)


SHAPES = {"binary": binary, "structured": structured}


def result(store: Store, key: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(store.get(result_key(key)).data)


@pytest.mark.parametrize("shape", SHAPES)
def test_both_event_shapes_end_in_a_result(function: CloudRun, uploads: Store, results: Store, shape: str) -> None:
    key = f"line 3/{shape} + 100%2B ä.jpg"
    ref = upload(uploads, key, strip_jpeg())
    assert function.send(SHAPES[shape](ref)).status == 200, function.output()
    found = result(results, key)
    assert (found["status"], found["source"]["key"], found["source"]["version"]) == ("scored", key, ref.version)


def test_what_can_never_be_scored_is_done_and_said(function: CloudRun, uploads: Store, results: Store) -> None:
    assert function.send(binary(upload(uploads, "notes.jpg", b"no picture"))).status == 200
    assert result(results, "notes.jpg")["problem"]["type"].endswith("not-an-image")


def test_an_older_generation_that_is_late_changes_nothing(function: CloudRun, uploads: Store, results: Store) -> None:
    old, new = upload(uploads, "twice.jpg", b"no picture"), upload(uploads, "twice.jpg", strip_jpeg())
    for ref in (new, old, new):
        assert function.send(binary(ref)).status == 200
    assert result(results, "twice.jpg")["source"]["version"] == new.version


def test_a_failure_is_answered_so_that_the_event_comes_again(cloud: Emulator, probe_file: Path, uploads: Store) -> None:
    environment = {**cloud.environment, **PLACES, "RESULTS_URI": "gs://no-such-bucket"}
    ref = upload(uploads, "again.jpg", strip_jpeg())
    with CloudRun(model=probe_file, target="upload", environment=environment) as server:
        assert server.send(binary(ref)).status == 500
        (line,) = log_lines(server.output())
    assert (line["severity"], line["outcome"], line["object"]) == ("ERROR", "error", ref.uri)


def test_an_upload_has_one_line_with_its_metrics(cloud: Emulator, probe_file: Path, uploads: Store) -> None:
    environment = {**cloud.environment, **PLACES, "LOG_SAMPLE_RATE": "0"}
    trace = "0af7651916cd43dd8448eb211c80319c"
    good = upload(uploads, "logged.jpg", strip_jpeg())
    refs = (good, upload(uploads, "hidden.jpg", b"hunter2-SECRET, no picture"), good)
    with CloudRun(model=probe_file, target="upload", environment=environment) as server:
        for request in map(binary, refs):
            headers = {**request.headers, "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
            assert server.send(replace(request, headers=headers)).status == 200
        said = server.output()
    assert "hunter2" not in said
    lines, counted = log_lines(said), measured(said)
    assert [line["outcome"] for line in lines] == ["scored", "failed", "duplicate"]
    assert {line["trace_id"] for line in lines} == {trace}
    assert set(lines[0]["ms"]) == {"read", "decode", "model", "write", "total"}
    for name in ("ModelMilliseconds", "TotalMilliseconds"):
        assert counted[0].pop(name) > 0
    assert counted == [
        {
            "UploadEvents": 1,
            "UploadsScored": 1,
            "PictureRefused": 0,
            "DefectFound": 0,
            "CameraSuspect": 0,
            "ColdStart": 1,
        },
        {"UploadEvents": 1, "UploadsFailed": 1, "PictureRefused": 1},
        {"UploadEvents": 1, "UploadsDuplicate": 1, "PictureRefused": 0, "DefectFound": 0, "CameraSuspect": 0},
    ]


@pytest.mark.parametrize("kind", ["archived", "deleted", "metadataUpdated"])
def test_what_else_happens_to_an_object_changes_nothing(
    function: CloudRun, uploads: Store, results: Store, kind: str
) -> None:
    ref = upload(uploads, f"{kind}.jpg", strip_jpeg())
    request = binary(ref)
    other = {**request.headers, "ce-type": TYPE.replace("finalized", kind)}
    assert function.send(replace(request, headers=other)).status == 200
    with pytest.raises(ObjectNotFound):
        results.get(result_key(ref.key))


def test_an_event_that_is_not_understood_is_not_dropped(function: CloudRun) -> None:
    request = binary(ObjectRef("gs", UPLOADS, "a", order="1"))
    assert function.send(Request("POST", "/", request.headers, {}, b'{"bucket": "b"}')).status == 500
    assert function.send(Request("POST", "/", {"content-type": "application/json"}, {}, b"{}")).status == 400


def test_results_among_uploads_end_the_start(cloud: Emulator, probe_file: Path) -> None:
    environment = {**cloud.environment, "UPLOADS_URI": "gs://one", "RESULTS_URI": "gs://one/results"}
    server = CloudRun(model=probe_file, target="upload", environment=environment)
    with pytest.raises(pytest.fail.Exception, match="use another bucket"):
        server.__enter__()


def test_the_marker_of_a_coil_is_no_picture_and_is_sent_again_until_its_job_starts(
    cloud: Emulator, function: CloudRun, probe_file: Path, uploads: Store, results: Store
) -> None:
    marker = upload(uploads, "line-3/4711/coil.json", b"{}")
    assert function.send(binary(marker)).status == 200
    # Nobody can sign in to Cloud Run from here.
    more = {"COIL_JOB": "projects/p/locations/l/jobs/j", "IGNORED_SUFFIXES": ""}
    environment = {**cloud.environment, **PLACES, **more, "NO_GCE_CHECK": "true"}
    with CloudRun(model=probe_file, target="upload", environment=environment) as server:
        assert server.send(binary(marker)).status == 500
        assert server.send(binary(upload(uploads, "line-3/4711/1.jpg", strip_jpeg()))).status == 200
    assert [info.key for info in results.list("scores/line-3/4711/")] == [result_key("line-3/4711/1.jpg")]
