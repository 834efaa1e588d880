"""What is in the pages' files and headers, on every transport; no browser is needed."""

from __future__ import annotations

import re
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from steel_defect import pages
from steel_defect.api import Api
from steel_defect.http import Request
from steel_defect.settings import settings_from
from steel_defect.uploads.signed import signed_uploads
from tests.page.sources import FOLDER
from tests.transports import CloudRun

if TYPE_CHECKING:
    from steel_defect.scorer import Scorer
    from tests.transports import Lambda, Transport

FILES = {"/": "page.html", "/docs": "docs.html"}
MAXIMUM_BYTES = 90_000


def text_of(path: str) -> str:
    return (Path(pages.__file__).parent / FILES[path]).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES)
def test_a_page_is_one_small_file_that_asks_for_nothing(path: str) -> None:
    text = text_of(path)
    assert len(text.encode()) <= MAXIMUM_BYTES
    # Nothing is loaded: neither by an element, nor by the style or the script.
    assert not re.search(r"""(?:src|href)=["'](?!data:|#|docs["']|\./["'])""", text)
    assert not re.search(r"@import|url\(|\bimport\b|importScripts", text)
    # Nor is there a way for text to become HTML or script.
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|DOMParser", text)
    markup = re.sub(r"<(script|style)>.*?</\1>", "", text, flags=re.DOTALL)
    assert not re.search(r"<[^>]+\s(style|on\w+)=", markup)
    assert not re.search(r"""<(?!a )[^>]+\s(?:src|href)=(?!["']?(?:data:|#))""", markup)


def test_the_page_is_what_its_sources_give() -> None:
    command = [sys.executable, str(FOLDER / "build.py"), "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_page_comes_with_a_strict_policy(transport: Transport, path: str, method: str) -> None:
    response = transport.send(Request(method, path))
    assert response.status == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert "camera=(self)" in response.headers["permissions-policy"]
    if method == "GET":
        assert response.body == text_of(path)
    policy = dict(part.split(" ", 1) for part in response.headers["content-security-policy"].split("; "))
    assert "unsafe" not in str(policy)
    for name in ("default-src", "base-uri", "form-action", "frame-ancestors"):
        assert policy[name] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert policy["img-src"] == "blob: data:"
    for element in ("script", "style"):
        (content,) = re.findall(rf"<{element}>(.*?)</{element}>", text_of(path), re.DOTALL)
        digest = b64encode(sha256(content.encode()).digest()).decode()
        assert policy[f"{element}-src"] == f"'sha256-{digest}'"


@pytest.mark.parametrize(
    ("store", "environment", "places"),
    [
        (
            "s3://line-3",
            {"AWS_REGION": "eu-central-1"},
            "https://line-3.s3.eu-central-1.amazonaws.com/web/ https://s3.eu-central-1.amazonaws.com/line-3/web/",
        ),
        (
            "s3://a/b c",
            {"AWS_ENDPOINT_URL": "http://s3.test"},
            "http://a.s3.test/b%20c/web/ http://s3.test/a/b%20c/web/",
        ),
        ("gs://a/b", {}, "https://a.storage.googleapis.com/b/web/ https://storage.googleapis.com/a/b/web/"),
        ("file:///uploads", {}, ""),
    ],
)
def test_the_page_may_also_send_to_the_folder_of_signed_uploads_and_nowhere_else(
    probe: Scorer, store: str, environment: dict[str, str], places: str
) -> None:
    buckets = {"UPLOADS_URI": store, "RESULTS_URI": "gs://results"}
    api = Api(lambda: probe, uploads=lambda: signed_uploads(settings_from({**environment, **buckets})))
    for path, allowed in (("/", f"connect-src 'self' {places}".strip()), ("/docs", "connect-src 'self'")):
        policy = api.handle(Request("GET", path)).headers["content-security-policy"].split("; ")
        assert [part for part in policy if part.startswith("connect-src")] == [allowed]


def test_the_page_takes_no_pictures(transport: Transport) -> None:
    response = transport.send(Request("POST", "/"))
    assert (response.status, response.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/prod", "/prod/"])
def test_a_stages_own_address_is_the_page(aws_lambda: Lambda, path: str) -> None:
    context = {"http": {"method": "GET", "path": path}, "stage": "prod"}
    answer = aws_lambda.invoke({"version": "2.0", "rawPath": path, "requestContext": context})
    assert (answer["statusCode"], answer["body"]) == (200, text_of("/"))


def test_the_page_is_there_without_a_model(tmp_path: Path) -> None:
    with CloudRun(model=tmp_path / "missing.onnx") as server:
        assert server.send(Request("GET", "/")).status == 200
        assert server.send(Request("GET", "/model")).status == 503
