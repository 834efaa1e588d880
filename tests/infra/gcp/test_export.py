"""What .gcloudignore lets through is enough to run both functions, and no more than that."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from steel_defect.http import Request
from steel_defect.storage import open_store
from steel_defect.uploads.refs import ObjectRef
from steel_defect.uploads.results import result_key
from tests.conftest import SAMPLES
from tests.infra.gcp.export import Export, ExportedFunction, bucket_environment, let_through, log_lines
from tests.infra.gcp.gcloud import files_to_upload
from tests.servers.emulators import Emulator, make_gcs_bucket
from tests.transports import FUNCTIONS
from tests.uploads import events

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SCRATCH = SAMPLES / "scratch.jpg"


def test_only_what_runs_is_sent(tmp_path: Path) -> None:
    sent = let_through(FUNCTIONS, tmp_path)
    assert {name for name in sent if "/" not in name} == {
        "main.py",
        "gcp_events.py",
        "gcp_log.py",
        "gcp_topic.py",
        "requirements.txt",
    }
    assert not [name for name in sent if "/cli/" in name or "__pycache__" in name or name.endswith(".md")]
    assert "steel_defect/bundled/model.onnx" in sent


def test_gcloud_itself_reads_the_list_as_git_does(tmp_path: Path) -> None:
    assert files_to_upload(FUNCTIONS) == let_through(FUNCTIONS, tmp_path)


def test_the_exported_api_scores_a_picture(export: Export) -> None:
    with ExportedFunction(export, "api") as server:
        request = Request("POST", "/predict", {"content-type": "image/jpeg"}, {}, SCRATCH.read_bytes())
        answer = server.send(request)
        assert answer.status == 200, answer.body + server.output()
        assert json.loads(answer.body)["decision"] == "review"
        assert server.send(Request("GET", "/openapi.json")).status == 200


def test_an_upload_event_to_the_exported_function_ends_in_a_result(
    export: Export, fake_gcs: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads, results = (make_gcs_bucket(fake_gcs, f"export-{name}") for name in ("uploads", "results"))
    for name, value in fake_gcs.environment.items():
        monkeypatch.setenv(name, value)
    info = open_store(f"gs://{uploads}").put("line 3/scratch.jpg", SCRATCH.read_bytes())
    ref = ObjectRef("gs", uploads, info.key, order=str(info.version).zfill(20), version=info.version, size=info.size)
    headers = {
        "content-type": "application/json",
        "ce-id": "1",
        "ce-specversion": "1.0",
        "ce-type": "google.cloud.storage.object.v1.finalized",
        "ce-source": f"//storage.googleapis.com/projects/_/buckets/{uploads}",
    }
    event = Request("POST", "/", headers, {}, json.dumps(events.cloud_storage(ref)).encode())
    environment = {**fake_gcs.environment, **bucket_environment(uploads, results)}
    with ExportedFunction(export, "upload", environment) as server:
        assert server.send(event).status == 200, server.output()
        (line,) = (line for line in log_lines(server.output()) if line["message"] == "upload scored")
    result = json.loads(open_store(f"gs://{results}").get(result_key(ref.key)).data)
    assert (result["status"], result["decision"]) == ("scored", "review")
    assert (line["outcome"], line["decision"]) == ("scored", "review")
