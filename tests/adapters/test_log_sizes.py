"""What a good picture adds to the logs of both clouds; the tables of costs in the README rest on it."""

from __future__ import annotations

import json
import runpy
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from steel_defect.storage import open_store
from steel_defect.uploads.refs import ObjectRef
from tests.adapters.test_upload_gcp import binary
from tests.conftest import REPOSITORY, SAMPLES
from tests.requests_table import predict
from tests.servers.emulators import Emulator, make_gcs_bucket, make_s3_bucket
from tests.transports import CloudRun, Lambda
from tests.uploads import events

if TYPE_CHECKING:
    from collections.abc import Callable


UPLOADS, RESULTS = "sizes-uploads", "sizes-results"
PICTURE = (SAMPLES / "clean-water-stain.jpg").read_bytes()  # The line of a review is always written: no sample.
IDS = {
    "function-execution-id": "0123456789ab",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}
PROJECT = {"GOOGLE_CLOUD_PROJECT": "my-project"}
SAMPLED = {"LOG_SAMPLE_RATE": "0.5"}
MOST_CALLS = 64  # Both kinds come much earlier: 64 calls of one kind are less likely than a broken disk.


def stated(cloud: str) -> dict[str, tuple[int, int]]:
    """What the script of costs says: bytes that are always written, and bytes of the sampled line."""
    found: dict[str, tuple[int, int]] = runpy.run_path(str(REPOSITORY / "infra" / cloud / "costs.py"))["LOG_BYTES"]
    return found


def printed_bytes(server: CloudRun | Lambda, send: Callable[[], object]) -> tuple[int, int]:
    """Bytes of a call outside the sample and of one inside it; half of the calls are inside.

    Neither is a cold start. The emulator of Lambda prints lines of its own between ours.
    """
    sizes: dict[bool, int] = {}
    with server:
        send()
        for _ in range(MOST_CALLS):
            before = len(server.output())
            send()
            lines = [line for line in server.output()[before:].splitlines() if line.startswith("{")]
            sizes[any("ms" in json.loads(line) for line in lines)] = sum(map(len, lines))
            if len(sizes) == 2:
                return sizes[False], sizes[True]
    pytest.fail(f"no two kinds of lines: {sizes}")


def assert_as_stated(said: tuple[int, int], server: CloudRun | Lambda, send: Callable[[], object]) -> None:
    always, both = printed_bytes(server, send)
    for measured, figure in zip((always, both - always), said, strict=True):
        # Names of functions and buckets, and traces, are longer or shorter elsewhere.
        assert measured <= figure <= 1.2 * measured, (always, both - always)


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_a_request(cloud: str) -> None:
    server = Lambda(environment=SAMPLED) if cloud == "aws" else CloudRun(environment={**SAMPLED, **PROJECT})
    request = predict(PICTURE, {"content-type": "image/jpeg", **IDS})
    assert_as_stated(stated(cloud)["https"], server, lambda: server.send(request))


def test_an_upload_on_aws(ministack: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (UPLOADS, RESULTS):
        make_s3_bucket(ministack, name)
    for name, value in ministack.environment.items():
        monkeypatch.setenv(name, value)
    store = open_store(f"s3://{UPLOADS}")
    places = {"UPLOADS_URI": f"s3://{UPLOADS}", "RESULTS_URI": f"s3://{RESULTS}"}

    function = Lambda(handler="aws.upload", environment={**ministack.environment, **places, **SAMPLED})

    def send() -> None:
        info = store.put("line-3/2026-03-01/0815.jpg", PICTURE)
        tag = info.tag.strip('"')
        ref = ObjectRef("s3", UPLOADS, info.key, "01", version=info.version, size=info.size, tag=tag)
        function.invoke(events.sqs(events.eventbridge(ref)))

    assert_as_stated(stated("aws")["uploads"], function, send)


def test_an_upload_on_google_cloud(fake_gcs: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (UPLOADS, RESULTS):
        make_gcs_bucket(fake_gcs, name)
    for name, value in fake_gcs.environment.items():
        monkeypatch.setenv(name, value)
    store = open_store(f"gs://{UPLOADS}")
    places = {"UPLOADS_URI": f"gs://{UPLOADS}", "RESULTS_URI": f"gs://{RESULTS}", **PROJECT}

    function = CloudRun(target="upload", environment={**fake_gcs.environment, **places, **SAMPLED})

    def send() -> None:
        info = store.put("line-3/2026-03-01/0815.jpg", PICTURE)
        version = str(info.version)
        event = binary(ObjectRef("gs", UPLOADS, info.key, version.zfill(20), version=version, size=info.size))
        function.send(replace(event, headers={**event.headers, **IDS}))

    assert_as_stated(stated("gcp")["uploads"], function, send)
