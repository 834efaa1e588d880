"""What the browser cannot show is seen by the function's preview, and never passed blind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: uv sync --group browser")
from playwright.sync_api import expect

from tests.page.pictures import DOUBTFUL_PASS, DOUBTFUL_REJECT, Upload, add, upload
from tests.page.test_page import card, expect_totals
from tests.pictures import encoded, gray

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page, Route

    OpenPage = Callable[..., Page]


def without_preview(page: Page) -> None:
    def answered(route: Route) -> None:
        content = route.fetch().json()
        content.pop("preview", None)
        route.fulfill(json=content)

    page.route("**/predict?*", answered)


def test_a_tiff_is_seen_on_its_card_and_enlarged_and_after_a_reload(open_page: OpenPage, either_url: str) -> None:
    page = open_page(either_url)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "predict" in request.url else None)
    add(page, upload("a.tif", DOUBTFUL_REJECT, "TIFF"), upload("b.png", DOUBTFUL_REJECT))
    assert sorted("preview=true" in url for url in asked) == [False, True], "only for what browsers do not show"
    expect(card(page, "a.tif").locator(".strip img")).to_be_visible()
    card(page, "a.tif").locator(".frame").click()
    image = page.locator("#viewer .strip img")
    expect(image).to_be_visible()
    assert image.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [400, 64]
    page.keyboard.press("Escape")
    page.wait_for_timeout(500)
    page.reload()
    expect(card(page, "a.tif").locator(".strip img")).to_be_visible()
    card(page, "a.tif").get_by_role("button", name="Overrule: PASS").click()
    expect_totals(page, **{"review": 1, "pass": 1})


def test_of_several_pages_the_one_that_decided_is_seen(open_page: OpenPage, url: str) -> None:
    pages = [gray(np.full((64, 400), float(shade))) for shade in (20, 140)]
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    page = open_page(url)
    add(page, {"name": "two.tif", "mimeType": "image/tiff", "buffer": data})
    image = card(page, "two.tif").locator(".strip img")
    expect(image).to_be_visible()
    expect(card(page, "two.tif")).to_contain_text("page 2 of 2")
    shade = """image => { const pen = document.createElement('canvas').getContext('2d');
        pen.drawImage(image, 0, 0); return pen.getImageData(9, 9, 1, 1).data[0]; }"""
    assert image.evaluate(shade) == pytest.approx(140, abs=3)


@pytest.mark.parametrize("shade", [DOUBTFUL_PASS, DOUBTFUL_REJECT])
def test_without_a_preview_nothing_passes_it_but_it_can_be_rejected(open_page: OpenPage, url: str, shade: int) -> None:
    page = open_page(url)
    without_preview(page)
    add(page, upload("a.tif", shade, "TIFF"))
    blind = card(page, "a.tif")
    expect(blind.locator(".stand-in")).to_contain_text("cannot be shown here")
    passing = blind.get_by_role("button", name="PASS")
    expect(passing).to_be_disabled()
    expect(passing).to_have_attribute("title", "a.tif cannot be shown here, so it cannot be passed")
    blind.locator(".frame").focus()
    for key in ("p", "a" if shade == DOUBTFUL_PASS else "o"):
        page.keyboard.press(key)
    expect(page.locator("#said")).to_contain_text("cannot be passed")
    expect_totals(page, **{"review": 1, "pass": 0})
    page.keyboard.press("r")
    expect_totals(page, review=0, reject=1)


def test_a_preview_is_asked_for_where_the_browser_fails_at_what_it_should_show(open_page: OpenPage, url: str) -> None:
    page = open_page("about:blank")
    page.add_init_script(
        """const real = createImageBitmap;
           globalThis.createImageBitmap = (source, ...more) =>
             source.name === 'odd.png' ? Promise.reject(new Error('odd')) : real(source, ...more);"""
    )
    page.goto(url)
    odd: Upload = upload("odd.png", DOUBTFUL_REJECT)
    with page.expect_request("**/predict?preview=true"):
        add(page, odd)
    expect(card(page, "odd.png").locator(".strip img")).to_be_visible()
    expect(card(page, "odd.png").get_by_role("button", name="PASS")).to_be_enabled()
