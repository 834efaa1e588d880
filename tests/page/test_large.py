"""Pictures too large for one request: the page puts them into the bucket, and shows their results as it does others."""

from __future__ import annotations

import json
import re
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from botocore.session import Session

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: uv sync --group browser")
from playwright.sync_api import expect

from steel_defect.location import Buckets, Location
from steel_defect.serving import FixedModel
from steel_defect.storage import open_store
from steel_defect.uploads.processor import UploadProcessor
from steel_defect.uploads.refs import ObjectRef
from tests.infra.aws.template import Resolved
from tests.page.bridge import Bridge
from tests.page.pictures import DOUBTFUL_REJECT, PASS, REJECT, Upload, add, upload
from tests.page.test_page import card, expect_totals, exported_rows
from tests.page.test_shift import named
from tests.servers.emulators import Emulator, make_gcs_bucket, make_s3_bucket
from tests.servers.google_account import key_file, make_key
from tests.transports import CloudRun, Lambda, Server, free_port
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page, Route

    from steel_defect.scorer import Scorer

    OpenPage = Callable[..., Page]


_numbers = count()
ONE_REQUEST = 20_000  # Bytes that the gateway takes here.


@dataclass(frozen=True)
class Place:
    """A function that serves the page, and its buckets.

    Attributes:
        url: of the page.
        scheme: of the buckets.
        uploads: name of the bucket for pictures.
        results: name of the bucket for results.
        emulator: that has them.
    """

    url: str
    scheme: Literal["s3", "gs"]
    uploads: str
    results: str
    emulator: Emulator

    def score(self, scorer: Scorer) -> None:
        """As the upload function does with all that is there."""
        store = open_store(f"{self.scheme}://{self.uploads}")
        processor = UploadProcessor(
            FixedModel(scorer), Buckets(Location(self.scheme, self.uploads), Location(self.scheme, self.results))
        )
        for listed in store.list():
            info = store.head(listed.key)
            processor.process(ObjectRef(self.scheme, self.uploads, info.key, "01", info.version, info.size, info.tag))


def names() -> tuple[str, str]:
    """Of two buckets that no other test has."""
    number = next(_numbers)
    return f"page-uploads-{number}", f"page-results-{number}"


@pytest.fixture
def s3(tmp_path: Path, probe_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """The function of Lambda behind a gateway, and a bucket that keeps to the rules of the template."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    # A MiniStack of its own: it knows rules for other origins only where it checks who asks.
    options = {"AUTH": "true", "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "IOT_MTLS_ENABLED": "0"}
    environment = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    uploads, results = names()
    places = {"UPLOADS_URI": f"s3://{uploads}", "RESULTS_URI": f"s3://{results}"}
    with ExitStack() as stack:
        ministack = [str(Path(sys.executable).with_name("ministack"))]
        stack.enter_context(Server(ministack, {**options, "TMPDIR": str(tmp_path)}, port))
        emulator = Emulator(url, environment)
        for name in (uploads, results):
            make_s3_bucket(emulator, name)
        function = stack.enter_context(Lambda(probe_file, environment={**environment, **places}))
        bridge = stack.enter_context(Bridge(function))
        rules: Any = Resolved().resources["UploadsBucket"]["Properties"]["CorsConfiguration"]["CorsRules"]
        for rule in rules:
            # What CloudFormation calls otherwise than S3, and where the page is here.
            rule["MaxAgeSeconds"] = rule.pop("MaxAge")
            rule["AllowedOrigins"] = [bridge.url.removesuffix("/prod/")]
        client = Session().create_client("s3", endpoint_url=url)
        client.put_bucket_cors(Bucket=uploads, CORSConfiguration={"CORSRules": rules})
        yield Place(bridge.url, "s3", uploads, results, emulator)


@pytest.fixture
def gs(fake_gcs: Emulator, tmp_path: Path, probe_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """The function of Cloud Run; the bucket takes any origin, as the emulator knows no rules."""
    uploads, results = names()
    for name in (uploads, results):
        make_gcs_bucket(fake_gcs, name)
    for name, value in fake_gcs.environment.items():
        monkeypatch.setenv(name, value)
    places = {
        "UPLOADS_URI": f"gs://{uploads}",
        "RESULTS_URI": f"gs://{results}",
        "GOOGLE_APPLICATION_CREDENTIALS": str(key_file(tmp_path, make_key())),
    }
    with CloudRun(probe_file, environment={**fake_gcs.environment, **places}) as server:
        yield Place(f"http://127.0.0.1:{server.port}/", "gs", uploads, results, fake_gcs)


@pytest.fixture(params=["s3", "gs"])
def place(request: pytest.FixtureRequest) -> Place:
    """Either cloud."""
    found: Place = request.getfixturevalue(request.param)
    return found


def large(name: str, shade: int) -> Upload:
    """A strip in a file that one request does not take; all such files are of one size."""
    found = upload(name, shade)
    return {**found, "buffer": found["buffer"].ljust(2 * ONE_REQUEST, b"\0")}


def refuse_large(page: Page) -> list[int]:
    """Answer as a gateway does to what it does not take. The sizes of what was sent come into the list."""
    sizes: list[int] = []

    def answer(route: Route) -> None:
        sizes.append(len(route.request.post_data_buffer or b""))
        if sizes[-1] > ONE_REQUEST:
            route.fulfill(status=413, json={"message": "Request Entity Too Large"})
        else:
            route.continue_()

    page.route("**/predict?map=true*", answer)
    return sizes


def test_a_large_picture_goes_through_the_bucket(open_page: OpenPage, place: Place, probe: Scorer) -> None:
    page = open_page(place.url)
    sizes = refuse_large(page)
    page.set_input_files("#files", [large("large.png", REJECT)])
    expect(card(page, "large.png")).to_contain_text("in the bucket of uploads")
    notes: Upload = {"name": "notes.jpg", "mimeType": "", "buffer": b"no picture" * ONE_REQUEST}
    page.set_input_files("#files", [large("more.png", PASS), notes, upload("small.png", PASS)])
    expect(page.locator(".card").filter(has_text=re.compile("in the bucket of uploads"))).to_have_count(3)
    expect_totals(page, **{"all": 4, "pass": 1})
    place.score(probe)
    expect_totals(page, **{"all": 4, "pass": 2, "reject": 1, "failed": 1})
    assert [size > ONE_REQUEST for size in sizes] == [True, False], "the first told how much one request takes"
    expect(card(page, "notes.jpg")).to_contain_text("Not a picture")
    rows = exported_rows(page)
    assert float(rows["large.png"]["defect_prob"]) == pytest.approx(REJECT / 255, abs=1e-3)
    assert rows["large.png"]["model_ms"] == ""


def test_what_is_said_of_a_small_picture_is_said_of_it_in_the_bucket(
    open_page: OpenPage, place: Place, probe: Scorer
) -> None:
    page = open_page(place.url)
    named(page, "", "Anna")
    add(page, upload("small.png", DOUBTFUL_REJECT))
    card(page, "small.png").get_by_role("button", name="Accept").click()
    uploads, results = open_store(f"{place.scheme}://{place.uploads}"), open_store(f"{place.scheme}://{place.results}")
    wait_for(lambda: list(uploads.list()))
    place.score(probe)
    (found,) = wait_for(lambda: list(results.list("verdicts/")))
    verdict = json.loads(results.get(found.key).data)
    (key,) = (info.key for info in uploads.list())
    assert (verdict["picture"], verdict["who"], verdict["verdict"]) == (key, "Anna", "reject")
    assert verdict["version"] == uploads.head(key).version
