"""Outlines of damage on cards and in the viewer, and the list of defects, with a model that gives masks."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: uv sync --group browser")
from playwright.sync_api import expect

from tests.page.pictures import Upload, add
from tests.page.test_accessible import serious
from tests.page.test_page import card, exported
from tests.pictures import encoded, gray
from tests.probe_model import MASKED, probe_model
from tests.transports import CloudRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page, Route

    OpenPage = Callable[..., Page]

SOUND, BRIGHT, DARK = 120, 230, 4


@pytest.fixture(scope="module")
def masking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page of a function whose model gives masks: bright is "left", dark is "right"."""
    model = tmp_path_factory.mktemp("masked") / "masked.onnx"
    model.write_bytes(probe_model(MASKED, masks=True))
    with CloudRun(model=model) as server:
        yield f"http://127.0.0.1:{server.port}/"


def strip(name: str, *, dark: bool = False) -> Upload:
    """A strip with a bright spot of 160 x 80 pixels, and a dark one of 320 x 40."""
    pixels = np.full((256, 1600), SOUND, np.uint8)
    pixels[40:120, 400:560] = BRIGHT
    if dark:
        pixels[160:200, 800:1120] = DARK
    return {"name": name, "mimeType": "image/png", "buffer": encoded(gray(pixels))}


def test_damage_is_outlined_where_it_is(open_page: OpenPage, masking: str) -> None:
    page = open_page(masking)
    add(page, strip("two.png", dark=True))
    drawn = card(page, "two.png")
    expect(drawn.locator(".edge")).to_have_count(2)
    expect(drawn.locator("canvas")).to_have_count(0)
    expect(drawn.locator(".class")).to_contain_text("2 defects")
    whole, area = (drawn.locator(name).first.bounding_box() for name in (".strip", ".k0 .area"))
    assert whole is not None
    assert area is not None
    assert (area["x"] - whole["x"]) / whole["width"] == pytest.approx(400 / 1600, abs=0.01)
    assert (area["y"] - whole["y"]) / whole["height"] == pytest.approx(40 / 256, abs=0.02)
    assert area["width"] / whole["width"] == pytest.approx(160 / 1600, abs=0.01)
    assert area["height"] / whole["height"] == pytest.approx(80 / 256, abs=0.02)
    page.uncheck("#overlay")
    expect(drawn.locator("svg .edge").first).to_be_hidden()


def test_the_viewer_lists_defects_and_shows_those_of_a_class(open_page: OpenPage, masking: str) -> None:
    page = open_page(masking)
    add(page, strip("two.png", dark=True))
    card(page, "two.png").locator(".frame").click()
    rows = page.locator("#defects tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="left").locator("td")).to_have_text(
        ["left", "90.2 %", "12,800 px, 160 px long", "480, 80 px"]
    )
    expect(page.locator("#viewer .edge")).to_have_count(2)
    page.locator("#viewer .classes").get_by_role("button", name="right 1").click()
    expect(rows).to_have_count(1)
    expect(page.locator("#viewer .edge")).to_have_count(1)
    rows.get_by_role("button").click()
    expect(page.locator("#viewer rect.chosen")).to_have_attribute("x", "800")
    expect(rows.get_by_role("button")).to_be_focused()
    # It is in the middle of the window, and stays there if the others are shown again.
    inside, found = (page.locator(f"#viewer {name}").bounding_box() for name in (".frame", ".k1 .area"))
    assert inside is not None
    assert found is not None
    middle = found["x"] + found["width"] / 2
    assert middle == pytest.approx(inside["x"] + inside["width"] / 2, abs=20)
    page.locator("#viewer .classes").get_by_role("button", name="All").click()
    expect(page.locator("#viewer .edge")).to_have_count(2)
    found = page.locator("#viewer .k1 .area").bounding_box()
    assert found is not None
    assert found["x"] + found["width"] / 2 == pytest.approx(middle, abs=2)


def test_pictures_of_a_class(open_page: OpenPage, masking: str) -> None:
    page = open_page(masking)
    add(page, strip("one.png"), strip("two.png", dark=True))
    page.select_option("#class", "right")
    expect(page.locator(".card .name")).to_have_text(["two.png"])
    page.select_option("#class", "left")
    expect(page.locator(".card .name")).to_have_text(["one.png", "two.png"])
    page.select_option("#class", "")
    expect(page.locator(".card")).to_have_count(2)


def test_without_run_lengths_there_are_boxes(open_page: OpenPage, masking: str) -> None:
    page = open_page(masking)

    def without(route: Route) -> None:
        content = route.fetch().json()
        del content["masks"]
        route.fulfill(json=content)

    page.route("**/predict?map=true*", without)
    add(page, strip("one.png"))
    box = card(page, "one.png").locator(".strip rect")
    assert [box.get_attribute(name) for name in ("x", "y", "width", "height")] == ["400", "40", "160", "80"]


def test_exports_have_the_defects(open_page: OpenPage, masking: str) -> None:
    page = open_page(masking)
    add(page, strip("two.png", dark=True))
    (row,) = csv.DictReader(StringIO(exported(page, "#csv"), newline=""))
    assert row["defects"] == "2"
    (picture,) = json.loads(exported(page, "#json"))["pictures"]
    assert {defect["class"] for defect in picture["defects"]} == {"left", "right"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_by_everybody(open_page: OpenPage, masking: str, scheme: str) -> None:
    page = open_page(masking, color_scheme=scheme, bypass_csp=True)
    add(page, strip("two.png", dark=True))
    card(page, "two.png").locator(".frame").click()
    expect(page.locator("#defects tbody tr")).to_have_count(2)
    assert serious(page) == []
