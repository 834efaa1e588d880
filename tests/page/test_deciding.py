"""Decisions that can be taken back, clicks that were meant for another picture, and which defect it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: uv sync --group browser")
from playwright.sync_api import expect

from tests.page.pictures import DOUBTFUL_PASS, DOUBTFUL_REJECT, add, twelve, upload
from tests.page.test_accessible import serious
from tests.page.test_page import card, expect_totals, exported_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    OpenPage = Callable[..., Page]

STILL_MILLISECONDS = 450  # Longer than clicks do nothing after the list moved.


def reviews(page: Page) -> None:
    """Only what is to review, and the list stands still."""
    add(page, *twelve())
    page.click("#total-review")
    expect(page.locator(".card")).to_have_count(4)
    page.wait_for_timeout(STILL_MILLISECONDS)


def test_undo_brings_back_the_last_decision_wherever_it_went(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    reviews(page)
    page.keyboard.press("n")
    page.keyboard.press("o")
    page.keyboard.press("a")
    expect(page.locator("#toast")).to_contain_text("leans-reject-1.png: REJECT")
    expect_totals(page, **{"review": 2, "pass": 5, "reject": 3})
    page.click("#undo")
    expect_totals(page, **{"review": 3, "pass": 5, "reject": 2})
    expect(page.locator(".card[aria-current=true]")).to_contain_text("leans-reject-1.png")
    page.keyboard.press("u")
    expect_totals(page, **{"review": 4, "pass": 4, "reject": 2})
    expect(page.locator(".card[aria-current=true]")).to_contain_text("leans-reject-0.png")
    page.keyboard.press("u")
    expect_totals(page, review=4)


def test_undo_in_the_viewer(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    add(page, *twelve())
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    page.keyboard.press("a")
    expect(page.locator("#viewer .name")).to_have_text("leans-reject-1.png")
    page.locator("#viewer").get_by_role("button", name="Undo").click()
    expect(page.locator("#viewer .name")).to_have_text("leans-reject-0.png")
    expect_totals(page, review=4)


@pytest.mark.parametrize("kind", ["all", "review"])
def test_a_double_click_decides_one_picture(open_page: OpenPage, url: str, kind: str) -> None:
    page = open_page(url)
    add(page, upload("first.png", DOUBTFUL_REJECT), upload("second.png", DOUBTFUL_REJECT))
    page.click(f"#total-{kind}")
    page.wait_for_timeout(STILL_MILLISECONDS)
    page.locator(".card").nth(0).get_by_role("button", name="Accept").dblclick()
    expect_totals(page, review=1, reject=1)
    page.wait_for_timeout(STILL_MILLISECONDS)
    expect_totals(page, review=1, reject=1)
    card(page, "second.png").get_by_role("button", name="Accept").click()
    expect_totals(page, review=0, reject=2)


def test_a_double_click_in_the_viewer_decides_one_picture(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    add(page, upload("first.png", DOUBTFUL_REJECT), upload("second.png", DOUBTFUL_REJECT))
    card(page, "first.png").locator(".frame").click()
    page.wait_for_timeout(STILL_MILLISECONDS)
    page.locator("#viewer .do").get_by_role("button", name="Accept").dblclick()
    page.wait_for_timeout(STILL_MILLISECONDS)
    expect_totals(page, review=1, reject=1)


def test_a_held_key_on_a_button_decides_one_picture(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    add(page, *(upload(f"{number}.png", DOUBTFUL_REJECT) for number in range(4)))
    card(page, "0.png").locator(".frame").click()
    page.locator("#viewer .do").get_by_role("button", name="Accept").focus()
    for _ in range(4):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    page.wait_for_timeout(STILL_MILLISECONDS)
    expect_totals(page, review=3, reject=1)


def test_a_decision_is_withdrawn_by_its_own_button(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    add(page, *twelve())
    chosen = card(page, "scratched-0.jpg")
    chosen.get_by_role("button", name="Overrule: PASS").click()
    chosen.get_by_role("button", name="Overrule: PASS").click()
    expect(chosen.locator(".by")).to_have_text("by you: overruled")
    chosen.get_by_role("button", name="Withdraw").click()
    expect(chosen.locator(".by")).to_have_text("")
    expect_totals(page, **{"pass": 4, "reject": 2})


def test_which_defect_it_is_can_be_said(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    add(page, upload("first.png", DOUBTFUL_PASS), upload("second.png", DOUBTFUL_PASS))
    card(page, "first.png").get_by_role("button", name="Overrule: REJECT").click()
    page.locator("#toast").get_by_role("button", name="left").click()
    expect(card(page, "first.png").locator(".by")).to_have_text("by you: overruled, left")
    page.keyboard.press("2")
    expect(page.locator("#toast").get_by_role("button", name="right")).to_have_attribute("aria-pressed", "true")
    page.locator("#toast").get_by_role("button", name="right").focus()
    page.wait_for_timeout(STILL_MILLISECONDS)
    card(page, "second.png").get_by_role("button", name="Accept as PASS").click()
    expect(page.locator("#toast").get_by_role("button", name="left")).to_have_count(0)
    rows = exported_rows(page)
    assert rows["first.png"]["operator_class"] == "right"
    assert rows["second.png"]["operator_class"] == ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_by_everybody(open_page: OpenPage, url: str, scheme: str) -> None:
    page = open_page(url, color_scheme=scheme, bypass_csp=True)
    add(page, upload("first.png", DOUBTFUL_PASS))
    card(page, "first.png").get_by_role("button", name="Overrule: REJECT").click()
    page.locator("#toast").get_by_role("button", name="left").click()
    page.locator("#toast").get_by_role("button", name="left").focus()
    assert serious(page) == []
    page.locator(".card .frame").click()
    assert serious(page) == []
