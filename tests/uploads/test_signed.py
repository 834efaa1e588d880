"""Signed uploads and their results, through the real servers of both clouds with their emulated buckets."""

from __future__ import annotations

import http.client
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

import pytest

from steel_defect.api import Api
from steel_defect.errors import PROBLEM_TYPE
from steel_defect.http import Request, Response
from steel_defect.location import Buckets, Location
from steel_defect.pictures.formats import FORMATS
from steel_defect.serving import FixedModel
from steel_defect.settings import settings_from
from steel_defect.storage import Store, open_store
from steel_defect.uploads.processor import Outcome, UploadProcessor
from steel_defect.uploads.refs import ObjectRef
from steel_defect.uploads.results import result_key
from steel_defect.uploads.signed import TYPES, SignedUploads, signed_uploads
from tests.adapters.test_http_contract import assert_in_contract
from tests.pictures import strip_jpeg
from tests.probe_model import CONTRACT
from tests.servers.emulators import Emulator, make_gcs_bucket, make_s3_bucket
from tests.servers.google_account import key_file, make_key
from tests.transports import CloudRun, Lambda, Transport
from tests.written_result import WRITTEN_RESULT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Literal

    from steel_defect.scorer import Scorer

UPLOADS, RESULTS = "signed-uploads", "signed-results"
JSON: Final = {"content-type": "application/json"}
KEY: Final = "web/2026-01-31/abcdefghijklmnopqrstuv/strip.jpg"


@pytest.fixture(scope="module")
def s3(ministack: Emulator, probe_file: Path) -> Iterator[tuple[Lambda, Emulator]]:
    """The api function on Lambda, with buckets."""
    for name in (UPLOADS, RESULTS):
        make_s3_bucket(ministack, name)
    places = {"UPLOADS_URI": f"s3://{UPLOADS}", "RESULTS_URI": f"s3://{RESULTS}"}
    with Lambda(model=probe_file, environment={**ministack.environment, **places}) as server:
        yield server, ministack


@pytest.fixture(scope="module")
def gs(
    fake_gcs: Emulator, probe_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[CloudRun, Emulator]]:
    """The api function on Cloud Run, with buckets, and the key of an account that signs."""
    for name in (UPLOADS, RESULTS):
        make_gcs_bucket(fake_gcs, name)
    key = key_file(tmp_path_factory.mktemp("account"), make_key())
    places = {
        "UPLOADS_URI": f"gs://{UPLOADS}",
        "RESULTS_URI": f"gs://{RESULTS}",
        "GOOGLE_APPLICATION_CREDENTIALS": str(key),
    }
    with CloudRun(model=probe_file, environment={**fake_gcs.environment, **places}) as server:
        yield server, fake_gcs


@pytest.fixture
def function(cloud: Literal["s3", "gs"], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Transport:
    """The function; this process takes its emulator for the cloud as well."""
    server, emulator = request.getfixturevalue(cloud)
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    transport: Transport = server
    return transport


def wanted(name: str = "strip.jpg", content_type: str = "image/jpeg", size: Any = 1000) -> Request:  # noqa: ANN401 - JSON
    body = json.dumps({"name": name, "content_type": content_type, "size": size}).encode()
    return Request("POST", "/uploads", JSON, {}, body)


def signed_from(uploads: str, results: str) -> SignedUploads:
    return SignedUploads(Buckets(Location.parse(uploads), Location.parse(results)))


def sign(function: Transport, request: Request) -> dict[str, Any]:
    response = function.send(request)
    assert response.status == 201, response.body
    content: dict[str, Any] = assert_in_contract(function, request, response)
    return content


def put(signed: dict[str, Any], data: bytes) -> int:
    url = urlsplit(signed["url"])
    connection = http.client.HTTPConnection(url.netloc, timeout=10)
    connection.request(signed["method"], f"{url.path}?{url.query}", data, signed["headers"])
    status = connection.getresponse().status
    connection.close()
    return status


def score(cloud: Literal["s3", "gs"], key: str, probe: Scorer) -> Outcome:
    """As the upload function does when the bucket tells it."""
    info = open_store(f"{cloud}://{UPLOADS}").head(key)
    ref = ObjectRef(cloud, UPLOADS, key, order="01", version=info.version, size=info.size)
    return UploadProcessor(FixedModel(probe), Buckets(Location(cloud, UPLOADS), Location(cloud, RESULTS))).process(ref)


def result(function: Transport, key: str) -> tuple[Response, dict[str, Any]]:
    response = function.send(Request("GET", f"/results/{key}"))
    return response, assert_in_contract(function, Request("GET", "/results/{key}"), response)


def test_a_picture_is_put_and_its_result_asked_for(
    function: Transport, cloud: Literal["s3", "gs"], probe: Scorer
) -> None:
    picture = strip_jpeg()
    signed = sign(function, wanted("Linie 3/Bänder (1).jpg", size=len(picture)))
    assert signed["key"].endswith("/Bander-1-.jpg")
    late = datetime.fromisoformat(signed["expires"]) - datetime.now(UTC)
    assert timedelta(minutes=14) < late <= timedelta(minutes=15)
    response, problem = result(function, signed["key"])
    assert (response.status, problem["type"]) == (404, f"{PROBLEM_TYPE}result-not-ready")
    assert response.headers["retry-after"] == "2"
    assert put(signed, picture) == 200
    assert score(cloud, signed["key"], probe) is Outcome.SCORED
    for key in (signed["key"], quote(signed["key"], safe="")):
        response, content = result(function, key)
        assert response.status == 200
        assert content["decision"] == "review"
        assert content["source"]["key"] == signed["key"]
    stored = open_store(f"{cloud}://{RESULTS}").get(result_key(signed["key"]))
    assert content == json.loads(stored.data)


def test_what_is_no_picture_has_a_result_that_says_so(
    function: Transport, cloud: Literal["s3", "gs"], probe: Scorer
) -> None:
    signed = sign(function, wanted(size=5))
    assert put(signed, b"notes") == 200
    assert score(cloud, signed["key"], probe) is Outcome.FAILED
    response, content = result(function, signed["key"])
    assert response.status == 200
    assert content["problem"]["type"] == f"{PROBLEM_TYPE}not-an-image"


def test_what_can_be_scored_is_signed() -> None:
    assert {f"image/{name.lower()}" for name in FORMATS} == set(TYPES)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../../etc/passwd",
        "a\\b\\..\\c.jpg",
        "%2e%2e%2f",
        "a?b#c&d.jpg",
        "日本.png",
        "\ud800",
        "x" * 5000,
    ],
)
def test_a_key_is_new_and_of_plain_characters_whatever_the_name(function: Transport, name: str) -> None:
    keys = [sign(function, wanted(name))["key"] for _ in range(2)]
    assert keys[0] != keys[1]
    for key in keys:
        response, problem = result(function, key)
        assert (response.status, problem["type"]) == (404, f"{PROBLEM_TYPE}result-not-ready")
        assert len(key) < 200
        assert quote(key) == key


@pytest.mark.parametrize(
    ("request_", "status", "slug"),
    [
        (wanted(size=CONTRACT.input.max_bytes + 1), 413, "too-many-bytes"),
        (wanted(size=10**30), 413, "too-many-bytes"),
        (wanted(content_type="text/html"), 415, "unsupported-media-type"),
        (wanted(content_type="image/gif"), 415, "unsupported-media-type"),
        (wanted(content_type="image/jpeg\r\nx: y"), 415, "unsupported-media-type"),
        (Request("POST", "/uploads", {"content-type": "image/jpeg"}, {}, b"{}"), 415, "unsupported-media-type"),
        (replace(wanted(), headers={}), 415, "unsupported-media-type"),
        (wanted(size=0), 400, "malformed-body"),
        (wanted(size=True), 400, "malformed-body"),
        (wanted(size="5"), 400, "malformed-body"),
        (wanted("x" * 20_000), 400, "malformed-body"),
        (Request("POST", "/uploads", JSON, {}, b"[]"), 400, "malformed-body"),
        (Request("POST", "/uploads", JSON, {}, b"{"), 400, "malformed-body"),
        (Request("POST", "/uploads", JSON, {}, b""), 400, "malformed-body"),
    ],
)
def test_what_is_not_signed(function: Transport, request_: Request, status: int, slug: str) -> None:
    response = function.send(request_)
    assert response.status == status, response.body
    assert assert_in_contract(function, request_, response)["type"] == PROBLEM_TYPE + slug


@pytest.mark.parametrize(
    "key",
    ["line-3/camera.jpg", "web/../line-3/camera.jpg", f"{KEY}/b.jpg", "web/2026-01-31", "%00", f"scores/{KEY}", "ü"],
)
def test_what_cameras_put_and_whatever_else_is_in_the_bucket_cannot_be_read(
    function: Transport, cloud: Literal["s3", "gs"], key: str
) -> None:
    open_store(f"{cloud}://{RESULTS}").put(result_key("line-3/camera.jpg"), WRITTEN_RESULT)
    response, problem = result(function, quote(key, safe="/%"))
    assert (response.status, problem["type"]) == (404, f"{PROBLEM_TYPE}not-found")


def test_a_bucket_that_is_not_there_is_a_fault_of_the_deployment(
    probe: Scorer, ministack: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ministack.environment.items():
        monkeypatch.setenv(name, value)
    api = Api(lambda: probe, uploads=lambda: signed_from("s3://signed-nothing", "s3://signed-nothing-either"))
    assert api.handle(Request("GET", f"/results/{KEY}")).status == 500


def test_buckets_that_cannot_be_reached_are_worth_a_retry(probe: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    api = Api(lambda: probe, uploads=lambda: signed_from("s3://uploads", "s3://results"))
    response = api.handle(Request("GET", f"/results/{KEY}"))
    assert (response.status, json.loads(response.body)["type"]) == (503, f"{PROBLEM_TYPE}uploads-unavailable")


def test_stores_that_cannot_sign_count_as_none(probe: Scorer) -> None:
    api = Api(lambda: probe, uploads=lambda: signed_from("memory://signed-uploads", "memory://signed-results"))
    response = api.handle(wanted())
    assert (response.status, json.loads(response.body)["type"]) == (404, f"{PROBLEM_TYPE}uploads-not-configured")


@pytest.mark.parametrize("bucket", ["signed-uploads", "signed.uploads", "signed-uploads/a b"])
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "cn-north-1", None])
def test_urls_are_of_the_places_that_the_page_may_send_to(
    bucket: str, region: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On AWS with a region, whose host takes a browser's PUT at once; on Google Cloud without."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": region or "",
        "GOOGLE_CLOUD_PROJECT": "test",
        "GOOGLE_APPLICATION_CREDENTIALS": str(key_file(tmp_path, make_key())),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    places = {"UPLOADS_URI": f"{'gs' if region is None else 's3'}://{bucket}", "RESULTS_URI": "s3://results"}
    uploads = signed_uploads(settings_from({**places, **({"AWS_REGION": region} if region else {})}))
    assert uploads is not None
    url = uploads.sign(wanted(size=5).body, 100)["url"]
    assert [url.startswith(source) for source in uploads.sources].count(True) == 1, url
    assert region is None or f"s3.{region}.amazonaws.com" in url


def test_a_prefix_of_the_store_is_part_of_the_uploads_name_and_not_of_the_key(
    probe: Scorer, ministack: Emulator, monkeypatch: pytest.MonkeyPatch, s3: object
) -> None:
    assert s3
    for name, value in ministack.environment.items():
        monkeypatch.setenv(name, value)
    api = Api(lambda: probe, uploads=lambda: signed_from(f"s3://{UPLOADS}/a/b/", f"s3://{RESULTS}/c"))
    signed = json.loads(api.handle(wanted(size=5)).body)
    assert put(signed, b"notes") == 200
    store: Store = open_store(f"s3://{UPLOADS}")
    assert store.get(f"a/b/{signed['key']}").data == b"notes"
    open_store(f"s3://{RESULTS}/c").put(result_key(f"a/b/{signed['key']}"), WRITTEN_RESULT)
    assert api.handle(Request("GET", f"/results/{signed['key']}")).status == 200
