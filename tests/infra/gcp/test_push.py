"""What Pub/Sub pushes that is no upload; tests/adapters/test_upload_pubsub.py pushes uploads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from steel_defect.http import Request
from steel_defect.storage import open_store
from steel_defect.uploads.refs import ObjectRef
from tests.infra.gcp.export import bucket_environment
from tests.infra.gcp.notifications import notification
from tests.pictures import strip_jpeg
from tests.servers.emulators import Emulator, make_gcs_bucket
from tests.transports import CloudRun

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_deletion_that_is_pushed_is_done_and_changes_nothing(
    fake_gcs: Emulator, probe_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in fake_gcs.environment.items():
        monkeypatch.setenv(name, value)
    uploads, results = (make_gcs_bucket(fake_gcs, f"push-deleted-{name}") for name in ("uploads", "results"))
    info = open_store(f"gs://{uploads}").put("deleted.jpg", strip_jpeg())
    ref = ObjectRef("gs", uploads, info.key, str(info.version).zfill(20), info.version, info.size)
    message = notification(ref, "OBJECT_DELETE") | {"messageId": "1", "publishTime": "2026-11-27T07:00:00Z"}
    body = json.dumps({"message": message, "subscription": "projects/test/subscriptions/s"}).encode()
    environment = fake_gcs.environment | bucket_environment(uploads, results)
    with CloudRun(probe_file, "upload", environment) as function:
        request = Request("POST", "/projects/test/topics/t", {"content-type": "application/json"}, {}, body)
        assert function.send(request).status == 200, function.output()
    assert not any(open_store(f"gs://{results}").list())
