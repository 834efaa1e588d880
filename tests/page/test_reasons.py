"""Pictures that the model cannot judge, and those that are laid otherwise before it, with the bundled model."""

from __future__ import annotations

import csv
import json
import re
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: uv sync --group browser")
from playwright.sync_api import expect

from steel_defect.decision import Reason
from tests.conftest import SAMPLES
from tests.page.pictures import Upload, add, totals
from tests.page.sources import TEXTS
from tests.page.test_accessible import serious
from tests.pictures import STRIP, encoded, gray
from tests.transports import CloudRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from playwright.sync_api import Locator, Page, Route

    OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def judging() -> Iterator[str]:
    """The page of a function with the bundled model, which has a frame and a guard."""
    with CloudRun() as server:
        yield f"http://127.0.0.1:{server.port}/"


def sample(name: str) -> NDArray[np.uint8]:
    return np.asarray(Image.open(BytesIO((SAMPLES / f"{name}.jpg").read_bytes())).convert("L"))


def png(name: str, pixels: NDArray[np.uint8]) -> Upload:
    return {"name": f"{name}.png", "mimeType": "image/png", "buffer": encoded(gray(pixels))}


def black() -> Upload:
    return png("black", np.zeros(STRIP, np.uint8))


def long_strip() -> Upload:
    """6400 x 256, with a scratch in its second quarter."""
    return png(
        "long", np.hstack([sample(name) for name in ("clean-water-stain", "scratch", *["clean-water-stain"] * 2)])
    )


def letterboxed() -> Upload:
    """A strip in the middle of a black square: the map is over the strip alone."""
    pixels = np.zeros((1600, 1600), np.uint8)
    pixels[672:928] = sample("scratch")
    return png("letterboxed", pixels)


def card(page: Page, name: str) -> Locator:
    return page.locator(".card").filter(has_text=re.compile(rf"{name}\.\w+"))


def test_every_reason_has_words() -> None:
    for reason in Reason:
        for name in (reason.value, f"{reason.value}+"):
            assert len(re.findall(rf"^{re.escape(name)}\|[^|\n]+\|[^|\n]+$", TEXTS, re.MULTILINE)) == 1, name


def test_a_black_picture_is_a_review_that_looks_like_no_close_call(open_page: OpenPage, judging: str) -> None:
    page = open_page(judging)
    pits: Upload = {"name": "pits.jpg", "mimeType": "image/jpeg", "buffer": (SAMPLES / "pits.jpg").read_bytes()}
    add(page, black(), pits)
    assert totals(page)["review"] == 2
    expect(page.locator("#total-review small")).to_have_text("1 not judged")
    odd, close = card(page, "black"), card(page, "pits")
    for found, icon, style in ((odd, "#s-suspect", "dashed"), (close, "#s-review", "solid")):
        expect(found.locator(".badge")).to_have_text("REVIEW")
        expect(found.locator(".badge use")).to_have_attribute("href", icon)
        expect(found).to_have_css("border-top-style", style)
    expect(odd.locator(".odd")).to_contain_text("Too dark")
    expect(odd.locator(".bar")).to_have_count(0)
    expect(close.locator(".odd")).to_have_count(0)
    odd.locator(".frame").click()
    expect(page.locator("#viewer .advice")).to_contain_text("Look at the lamp")
    expect(page.locator("#viewer .bar")).to_be_visible()


def test_no_threshold_and_no_key_of_acceptance_passes_it(open_page: OpenPage, judging: str) -> None:
    page = open_page(judging)
    add(page, black())
    for threshold in ("99", "1"):
        page.locator("#threshold").fill(threshold)
        expect(card(page, "black").locator(".badge")).not_to_have_text("PASS")
    page.click("#own")
    card(page, "black").focus()
    page.keyboard.press("a")
    page.keyboard.press("o")
    expect(page.locator("#said")).to_contain_text("the model cannot judge it")
    assert totals(page)["review"] == 1
    page.keyboard.press("p")
    expect(page.locator("#total-pass b")).to_have_text("1")
    expect(card(page, "black").locator(".by")).to_have_text("by you: decided")
    page.keyboard.press("u")
    card(page, "black").get_by_role("button", name="I looked: REJECT").click()
    expect(page.locator("#total-reject b")).to_have_text("1")


def test_exports_have_the_reasons(open_page: OpenPage, judging: str) -> None:
    page = open_page(judging)
    add(page, black(), long_strip())
    text = {}
    for name in ("csv", "json"):
        with page.expect_download() as download:
            page.click(f"#{name}")
        text[name] = Path(download.value.path()).read_text(encoding="utf-8-sig")
    rows = {row["file"]: row for row in csv.DictReader(StringIO(text["csv"], newline=""))}
    pictures = {picture["file"]: picture for picture in json.loads(text["json"])["pictures"]}
    assert Reason.DARK in rows["black.png"]["reasons"].split()
    assert rows["black.png"]["reasons"].split() == pictures["black.png"]["reasons"]
    assert (rows["long.png"]["reasons"], pictures["long.png"]["reasons"]) == ("", [])
    assert pictures["long.png"]["view"]["tiles"] > 1


def test_tiles_turns_and_estimated_bits_are_said_and_what_is_plain_is_not(open_page: OpenPage, judging: str) -> None:
    page = open_page(judging)
    deep = Image.fromarray(sample("clean-water-stain").astype(np.uint16) * 4)
    add(
        page,
        long_strip(),
        png("upright", np.rot90(sample("scratch"))),
        png("plain", sample("clean-water-stain")),
        {"name": "deep.png", "mimeType": "image/png", "buffer": encoded(deep)},
    )
    expect(card(page, "long").locator(".how")).to_have_text(re.compile(r"^\d tiles$"))
    expect(card(page, "upright").locator(".how")).to_have_text("turned")
    expect(card(page, "deep").locator(".how")).to_have_text("10 bits (estimated)")
    expect(card(page, "plain").locator(".how")).to_have_text("")


def test_the_map_lies_over_what_was_scored(open_page: OpenPage, judging: str) -> None:
    page = open_page(judging)

    def without_masks(route: Route) -> None:
        """As a model answers that knows where, but no masks."""
        response = route.fetch()
        known = {name: value for name, value in response.json().items() if name not in {"defects", "masks"}}
        route.fulfill(response=response, json=known)

    page.route("**/predict?map=true*", without_masks)
    add(page, letterboxed())
    strip, heat = (card(page, "letterboxed").locator(name).bounding_box() for name in (".strip", "canvas"))
    assert strip is not None
    assert heat is not None
    assert (heat["y"] - strip["y"]) / strip["height"] == pytest.approx(672 / 1600, abs=0.02)
    assert heat["height"] / strip["height"] == pytest.approx(256 / 1600, abs=0.02)
    assert heat["width"] == pytest.approx(strip["width"], abs=1)


def test_a_map_of_another_page_than_the_browser_shows_is_not_drawn(open_page: OpenPage, judging: str) -> None:
    page = open_page(judging)
    frames = [Image.fromarray(sample(name)).convert("RGB") for name in ("clean-water-stain", "scratch")]
    file = BytesIO()
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    add(page, {"name": "moving.webp", "mimeType": "image/webp", "buffer": file.getvalue()})
    expect(card(page, "moving").locator(".how")).to_contain_text("page 2 of 2")
    expect(card(page, "moving").locator("img")).to_be_visible()
    expect(card(page, "moving").locator("canvas")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_by_everybody(open_page: OpenPage, judging: str, scheme: str) -> None:
    page = open_page(judging, color_scheme=scheme, bypass_csp=True)
    add(page, black(), long_strip())
    assert serious(page) == []
    card(page, "black").locator(".frame").click()
    assert serious(page) == []


def test_a_reason_moves_nothing(open_page: OpenPage, judging: str) -> None:
    page = open_page(judging, viewport={"width": 1440, "height": 2000})
    add(page, black(), png("plain", sample("clean-water-stain")))
    heights = "[...document.querySelectorAll('.card .body')].map(body => body.getBoundingClientRect().height)"
    with_reason, without = page.evaluate(heights)
    assert with_reason == without
