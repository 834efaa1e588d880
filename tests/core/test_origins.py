"""Pages of the origins that a deployment names may call it from a browser, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steel_defect.api import Api
from steel_defect.http import Request
from steel_defect.settings import SettingsError, settings_from
from tests.pictures import strip_jpeg
from tests.transports import CloudRun, Lambda

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect.scorer import Scorer

PAGE, OTHER = "https://line-3.example", "https://elsewhere.example"


def asked(origin: str, path: str = "/predict") -> Request:
    return Request("OPTIONS", path, {"origin": origin, "access-control-request-method": "POST"})


@pytest.fixture
def api(probe: Scorer) -> Api:
    """One that allows a page."""
    return Api(
        lambda: probe, origins=settings_from({"ALLOWED_ORIGINS": f"{PAGE}, http://10.0.0.7:8080"}).allowed_origins
    )


def test_a_page_may_ask_and_read(api: Api) -> None:
    allowed = api.handle(asked(PAGE))
    assert (allowed.status, allowed.body) == (204, "")
    assert allowed.headers["access-control-allow-origin"] == PAGE
    assert allowed.headers["access-control-allow-methods"] == "POST"
    assert "content-type" in allowed.headers["access-control-allow-headers"]
    for picture, status in ((strip_jpeg(), 200), (b"no picture", 422)):
        answer = api.handle(Request("POST", "/predict", {"origin": PAGE, "content-type": "image/jpeg"}, {}, picture))
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (status, PAGE)
        assert answer.headers["vary"] == "origin"


@pytest.mark.parametrize("origin", [OTHER, "null", f"{PAGE}.evil.example", f"{PAGE}:8443", "*"])
def test_no_other_page_may(api: Api, origin: str) -> None:
    for request in (asked(origin), Request("GET", "/model", {"origin": origin})):
        answer = api.handle(request)
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["vary"] == "origin"
    assert api.handle(asked(origin)).status == 405


def test_by_default_nothing_is_allowed(probe_api: Api) -> None:
    assert probe_api.handle(asked(PAGE)).status == 405
    assert "vary" not in probe_api.handle(Request("GET", "/model", {"origin": PAGE})).headers


@pytest.mark.parametrize("origin", ["*", "line-3.example", f"{PAGE}/", "https://a b", "https://line-3.example:port"])
def test_what_is_no_origin_is_refused_at_the_start(origin: str) -> None:
    with pytest.raises(SettingsError, match="ALLOWED_ORIGINS"):
        settings_from({"ALLOWED_ORIGINS": origin})


@pytest.mark.parametrize("runtime", [CloudRun, Lambda])
def test_the_servers_of_both_clouds_answer_so(runtime: type[CloudRun | Lambda], probe_file: Path) -> None:
    with runtime(model=probe_file, environment={"ALLOWED_ORIGINS": PAGE}) as server:
        answer = server.send(asked(PAGE))
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, PAGE)
