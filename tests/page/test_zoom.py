"""The enlarged picture, to its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: uv sync --group browser")
from playwright.sync_api import expect

from tests.page.pictures import Upload, add
from tests.pictures import encoded, gray

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import FloatRect, Page

    OpenPage = Callable[..., Page]

# Where a crack is, as shares of the picture.
CRACK = (0.75, 0.25)


def long_line() -> Upload:
    """A strip of 6000 x 960, of which a window shows a third of the pixels."""
    return {"name": "long.png", "mimeType": "image/png", "buffer": encoded(gray(np.full((960, 6000), 115.0)))}


def enlarged(page: Page) -> None:
    add(page, long_line())
    page.locator(".card .frame").click()
    expect(page.locator("#viewer .strip img")).to_be_visible()


def box_of(page: Page, selector: str) -> FloatRect:
    found = page.locator(selector).bounding_box()
    assert found is not None
    return found


def at(page: Page, share: tuple[float, float] = CRACK) -> tuple[float, float]:
    """Where a point of the picture, the crack, is in the window."""
    box = box_of(page, "#viewer .strip")
    return box["x"] + share[0] * box["width"], box["y"] + share[1] * box["height"]


def test_all_of_it_is_seen_at_first(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    enlarged(page)
    frame, strip = box_of(page, "#viewer .frame"), box_of(page, "#viewer .strip")
    assert strip["width"] == pytest.approx(frame["width"], abs=1)
    assert strip["width"] / strip["height"] == pytest.approx(6000 / 960, rel=0.01)


def test_the_wheel_enlarges_what_is_under_it_to_the_pixel(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    enlarged(page)
    box = box_of(page, "#viewer .strip")
    before = (1050, 330)  # The mouse is at whole pixels.
    share = ((before[0] - box["x"]) / box["width"], (before[1] - box["y"]) / box["height"])
    page.mouse.move(*before)
    page.mouse.wheel(0, -500)
    expect(page.locator("#zoom output")).to_have_text("61 %")
    assert at(page, share) == pytest.approx(before, abs=3)
    for _ in range(6):
        page.mouse.wheel(0, -500)
    expect(page.locator("#zoom output")).to_have_text("1600 %")
    assert at(page, share) == pytest.approx(before, abs=20)
    expect(page.locator("#viewer .strip img")).to_have_css("image-rendering", "pixelated")
    for _ in range(8):
        page.mouse.wheel(0, 500)
    expect(page.locator("#zoom output")).to_have_text("23 %")
    assert box_of(page, "#viewer .strip") == box


def test_keys_and_the_mouse_move_it(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    enlarged(page)
    frame = box_of(page, "#viewer .frame")
    middle = (frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2)
    page.mouse.dblclick(*middle)
    expect(page.locator("#zoom output")).to_have_text("100 %")
    before = at(page)
    page.keyboard.press("Shift+ArrowRight")
    assert at(page) == pytest.approx((before[0] - 80, before[1]), abs=2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] - 100, middle[1] + 50, steps=4)
    page.mouse.up()
    assert at(page) == pytest.approx((before[0] - 180, before[1] + 50), abs=3)
    page.keyboard.press("+")
    expect(page.locator("#zoom output")).to_have_text("150 %")
    page.keyboard.press("-")
    expect(page.locator("#zoom output")).to_have_text("100 %")
    page.keyboard.press("0")
    assert box_of(page, "#viewer .strip")["width"] == pytest.approx(frame["width"], abs=1)


def test_two_fingers_enlarge_it(open_page: OpenPage, url: str) -> None:
    page = open_page(url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    enlarged(page)
    frame = box_of(page, "#viewer .frame")
    width = box_of(page, "#viewer .strip")["width"]
    x, y = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2
    fingers = page.context.new_cdp_session(page)

    def touch(kind: str, *places: float) -> None:
        points = [{"x": x + place, "y": y, "id": number} for number, place in enumerate(places)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", -20, 20)
    for distance in (40, 60, 80):
        touch("touchMove", -distance, distance)
    touch("touchEnd")
    page.wait_for_timeout(300)
    assert box_of(page, "#viewer .strip")["width"] == pytest.approx(4 * width, rel=0.05)
    assert page.evaluate("document.querySelector('#viewer').getBoundingClientRect().right") <= 390
