"""The report of a shift: one page, printed by the browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: uv sync --group browser")
from playwright.sync_api import expect

from tests.page.pictures import REJECT, add, twelve, upload
from tests.page.test_accessible import serious
from tests.page.test_page import card
from tests.page.test_shift import named

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    OpenPage = Callable[..., Page]


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_a_shift_is_one_printed_page(open_page: OpenPage, url: str, locale: str) -> None:
    page = open_page(url, locale=locale, color_scheme="dark", bypass_csp=True)
    named(page, "4711", "Anna")
    page.set_input_files("#files", [*twelve(), *(upload(f"more-{n}.jpg", REJECT, "JPEG") for n in range(12))])
    expect(page.locator("#total-reject b")).to_have_text("14")
    card(page, "scratched-0.jpg").locator(".do button").nth(1).click()
    page.click("#report-open")
    report = page.locator("#report")
    for word in ("4711", "Anna", "probe 1"):
        expect(report).to_contain_text(word)
    cells = report.locator("tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
    )
    numbers = [[text for text in row[1:] if re.fullmatch(r"\d*", text)] for row in cells]
    assert numbers == [["5", "1", "4"], ["4", "0", "4"], ["13", "0", "13"], ["2", "", "", ""]]
    german = locale == "de-DE"
    still = "Nicht fertig: 6 Bilder" if german else "Not finished: 6 pictures still to decide"
    expect(report.locator(".still")).to_contain_text(still)
    expect(report.locator("li")).to_have_count(8)
    expect(report.locator("li .strip img")).to_have_count(8)
    bars = report.locator("svg[role=img] text").all_text_contents()
    assert [text for text in bars if "%" not in text] == ["4", "2", "2", "14"]
    expect(report.locator(".band")).to_have_attribute("width", "300")
    assert serious(page) == []
    pdf = page.pdf(format="A4", print_background=True)
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 1
    page.emulate_media(media="print")
    expect(report).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(page.locator("main")).to_be_hidden()


def test_without_the_button_the_browser_prints_the_report_too(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    add(page, *twelve())
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    expect(page.locator("#report tbody tr")).to_have_count(4)
    expect(page.locator("#report article")).to_be_visible()
    expect(page.locator("#grid")).to_be_hidden()
