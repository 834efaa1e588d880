"""What axe-core finds on the pages: nothing serious, in light and dark, empty and full, with each dialog."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: uv sync --group browser")
from playwright.sync_api import expect

from tests.page.pictures import add, twelve

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.page.bridge import Bridge

    OpenPage = Callable[..., Page]


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> dict[str, object]:
    """How the page is opened. Its own policy would keep axe-core out as well."""
    return {"color_scheme": request.param, "bypass_csp": True}


def serious(page: Page) -> list[str]:
    """What axe-core calls serious or critical, with the places."""
    # axe-core of Deque Systems, as npm has it, comes inside the package axe-playwright-python.
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")
    assert len(found["passes"]) > 10
    return [
        f"{violation['id']}: {[node['html'] for node in violation['nodes']]}"
        for violation in found["violations"]
        if violation["impact"] in {"serious", "critical"}
    ]


def test_the_empty_page(open_page: OpenPage, url: str, scheme: dict[str, object]) -> None:
    page = open_page(url, **scheme)
    expect(page.locator("#link")).to_have_text("Connected")
    assert serious(page) == []


def test_the_full_page_and_what_opens_over_it(open_page: OpenPage, url: str, scheme: dict[str, object]) -> None:
    page = open_page(url, **scheme)
    add(page, *twelve())
    page.locator(".card").nth(7).get_by_role("button", name="Overrule").click()
    page.click("#total-review")
    page.click("#total-review")
    expect(page.locator(".card")).to_have_count(12)
    assert serious(page) == []
    page.locator(".card .frame").nth(5).click()
    assert serious(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert serious(page) == []


def test_the_question_for_a_token(open_page: OpenPage, bridge: Bridge, scheme: dict[str, object]) -> None:
    bridge.token = "a.token"  # noqa: S105 - nobody takes it elsewhere
    page = open_page(bridge.url, **scheme)
    expect(page.locator("#signing")).to_be_visible()
    page.fill("#token", "wrong")
    page.click("#signed")
    expect(page.get_by_role("alert")).to_contain_text("not accepted")
    assert serious(page) == []


def test_the_description_of_the_interface(open_page: OpenPage, url: str, scheme: dict[str, object]) -> None:
    page = open_page(f"{url}docs", **scheme)
    expect(page.locator("#predict")).to_be_visible()
    assert serious(page) == []


def test_a_phone(open_page: OpenPage, url: str, scheme: dict[str, object]) -> None:
    page = open_page(url, **scheme, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    add(page, *twelve())
    assert serious(page) == []
