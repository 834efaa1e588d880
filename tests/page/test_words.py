"""What operators say goes to the service where it keeps verdicts: queued, corrected, and everybody's word kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: uv sync --group browser")
from playwright.sync_api import expect

from tests.page.pictures import DOUBTFUL_PASS, DOUBTFUL_REJECT, add, upload
from tests.page.test_deciding import STILL_MILLISECONDS
from tests.page.test_page import card, expect_totals
from tests.page.test_shift import named
from tests.transports import CloudRun
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    OpenPage = Callable[..., Page]


class Service:
    """A function that keeps verdicts in a folder."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self._folder = folder

    def said(self) -> list[tuple[Any, ...]]:
        """Who said what of which picture, the oldest first."""
        found = [json.loads(path.read_text()) for path in self._folder.rglob("verdicts/**/*.json")]
        found.sort(key=lambda verdict: verdict["received"])
        return [tuple(verdict[name] for name in ("who", "picture", "verdict", "class")) for verdict in found]

    def expect_said(self, *said: tuple[str, str, str, str | None]) -> None:
        """Wait for it."""
        wait_for(lambda: len(self.said()) >= len(said))
        assert self.said() == list(said)


@pytest.fixture
def service(tmp_path: Path, probe_file: Path) -> Iterator[Service]:
    for name in ("uploads", "results"):
        (tmp_path / name).mkdir()
    places = {"UPLOADS_URI": f"file://{tmp_path}/uploads", "RESULTS_URI": f"file://{tmp_path}/results"}
    with CloudRun(probe_file, environment=places) as server:
        yield Service(f"http://127.0.0.1:{server.port}/", tmp_path / "results")


def test_a_decision_its_class_and_its_correction_are_sent(open_page: OpenPage, service: Service) -> None:
    page = open_page(service.url)
    named(page, "4711", "Anna")
    add(page, upload("a.png", DOUBTFUL_PASS), upload("b.png", DOUBTFUL_REJECT))
    card(page, "a.png").get_by_role("button", name="Overrule: REJECT").click()
    page.locator("#toast").get_by_role("button", name="left").click()
    service.expect_said(("Anna", "a.png", "reject", "left"))
    page.keyboard.press("u")
    service.expect_said(("Anna", "a.png", "reject", "left"), ("Anna", "a.png", "withdrawn", None))
    expect(page.locator("#unsent")).to_be_hidden()


def test_what_is_undone_at_once_is_never_sent(open_page: OpenPage, service: Service) -> None:
    page = open_page(service.url)
    named(page, "", "Anna")
    add(page, upload("a.png", DOUBTFUL_REJECT), upload("b.png", DOUBTFUL_REJECT))
    page.keyboard.press("n")
    page.keyboard.press("a")
    page.keyboard.press("u")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("a")
    service.expect_said(("Anna", "b.png", "reject", None))


def test_two_operators_keep_both_words(open_page: OpenPage, service: Service) -> None:
    page = open_page(service.url)
    named(page, "", "Anna")
    add(page, upload("a.png", DOUBTFUL_REJECT))
    card(page, "a.png").get_by_role("button", name="Accept").click()
    service.expect_said(("Anna", "a.png", "reject", None))
    named(page, "", "Ben")
    page.wait_for_timeout(STILL_MILLISECONDS)
    card(page, "a.png").get_by_role("button", name="Overrule").click()
    both = (("Anna", "a.png", "reject", None), ("Ben", "a.png", "pass", None))
    service.expect_said(*both)
    page.keyboard.press("u")
    service.expect_said(*both, ("Ben", "a.png", "withdrawn", None))
    expect(card(page, "a.png").locator(".badge")).to_have_text("REJECT")


def test_failures_are_tried_again_also_after_a_reload(open_page: OpenPage, service: Service) -> None:
    page = open_page(service.url)
    named(page, "", "Anna")
    add(page, upload("a.png", DOUBTFUL_REJECT))
    page.route("**/verdicts", lambda route: route.fulfill(status=503, json={"type": "about:blank"}))
    with page.expect_response("**/verdicts"):
        card(page, "a.png").get_by_role("button", name="Accept").click()
    page.wait_for_timeout(500)  # The browser keeps it.
    assert service.said() == []
    page.unroute_all(behavior="ignoreErrors")
    page.reload()
    service.expect_said(("Anna", "a.png", "reject", None))
    page.wait_for_timeout(1000)  # The browser keeps that, too.
    page.reload()
    expect_totals(page, reject=1)
    page.wait_for_timeout(3000)
    assert len(service.said()) == 1, "it is sent once"


def test_without_a_name_it_waits_for_one_and_says_so(open_page: OpenPage, service: Service) -> None:
    page = open_page(service.url)
    add(page, upload("a.png", DOUBTFUL_REJECT))
    card(page, "a.png").get_by_role("button", name="Accept").click()
    expect(page.locator("#unsent")).to_contain_text(
        "Not sent before the operator is named (Name this shift): 1 decision"
    )
    named(page, "", "Anna")
    service.expect_said(("Anna", "a.png", "reject", None))


def test_a_service_that_keeps_none_is_asked_once(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "verdicts" in request.url else None)
    named(page, "", "Anna")
    add(page, upload("a.png", DOUBTFUL_REJECT), upload("b.png", DOUBTFUL_REJECT))
    with page.expect_response("**/verdicts"):
        card(page, "a.png").get_by_role("button", name="Accept").click()
    page.wait_for_timeout(STILL_MILLISECONDS)
    card(page, "b.png").get_by_role("button", name="Accept").click()
    page.wait_for_timeout(3000)
    assert len(asked) == 1
    expect(page.locator("#unsent")).to_be_hidden()
