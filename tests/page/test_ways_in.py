"""Folders, the camera over plain HTTP, a lost connection, frames of another shape, and errors in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: uv sync --group browser")
from playwright.sync_api import expect

from tests.page.pictures import PASS, REJECT, Upload, add, upload
from tests.page.test_page import card, expect_totals
from tests.pictures import encoded, gray

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    OpenPage = Callable[..., Page]


def test_a_folder_is_chosen_by_button_with_what_is_below_it(open_page: OpenPage, url: str, tmp_path: Path) -> None:
    folder = tmp_path / "coil 4711"
    (folder / "edge").mkdir(parents=True)
    for name, shade in (("a.png", PASS), ("edge/b.png", REJECT)):
        (folder / name).write_bytes(upload(name, shade)["buffer"])
    (folder / "notes.txt").write_text("not a picture")
    (folder / ".hidden.png").write_text("not for people")
    page = open_page(url)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a folder").click()
    assert chooser.value.element.evaluate("input => input.webkitdirectory")
    chooser.value.set_files(folder)
    expect_totals(page, **{"all": 2, "pass": 1, "reject": 1})
    expect(card(page, "coil 4711/edge/b.png")).to_be_visible()
    expect(page.locator("#notice")).to_contain_text("files in the folder left out")


def test_without_https_the_camera_says_why_there_is_none(open_page: OpenPage, url: str) -> None:
    page = open_page("about:blank")
    page.add_init_script(
        """Object.defineProperty(Navigator.prototype, 'mediaDevices', {value: undefined});
           Object.defineProperty(globalThis, 'isSecureContext', {value: false});"""
    )
    page.goto(url)
    page.click("#camera-open")
    expect(page.locator("#notice")).to_contain_text("only over HTTPS")
    expect(page.locator("#camera")).to_be_hidden()


def test_a_lost_connection_stays_in_sight(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    add(page, *(upload(f"{n}.png", PASS) for n in range(30)))
    page.context.set_offline(True)
    page.set_input_files("#files", [upload("later.png", PASS)])
    expect(page.locator("#down")).to_contain_text("Pictures and decisions wait here")
    page.mouse.wheel(0, 3000)
    expect(page.locator("#down")).to_be_in_viewport()
    expect(page.locator("#total-all")).to_be_in_viewport()
    page.context.set_offline(False)
    expect(page.locator("#down")).to_be_hidden()
    expect_totals(page, all=31)


def test_the_first_picture_does_not_fix_the_shape_of_frames(open_page: OpenPage, url: str) -> None:
    square: Upload = {
        "name": "square.png",
        "mimeType": "image/png",
        "buffer": encoded(gray(np.full((300, 300), float(PASS)))),
    }
    page = open_page(url)
    add(page, square)
    add(page, *(upload(f"{n}.png", PASS) for n in range(3)))
    ratio = card(page, "0.png").locator(".frame").evaluate("frame => frame.clientWidth / frame.clientHeight")
    assert ratio == pytest.approx(6.25, rel=0.05)


def test_an_error_is_there_in_full(open_page: OpenPage, url: str) -> None:
    page = open_page(url, viewport={"width": 420, "height": 800})
    add(page, {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"these are my notes\n" * 100})
    why = card(page, "notes.jpg").locator(".why")
    expect(why).to_contain_text("Choose a file from the camera: JPEG, PNG, WebP, BMP or TIFF.")
    # A card may be drawn anew meanwhile: the element is looked up each time.
    page.wait_for_function(
        """() => [...document.querySelectorAll(".why")].some(
            why => why.scrollHeight <= why.clientHeight + 1 && getComputedStyle(why).overflow === "visible"
        )"""
    )
