"""The page in English and German: all texts are in one table, and the browser's language decides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: uv sync --group browser")
from playwright.sync_api import expect

from tests.page.pictures import DOUBTFUL_REJECT, twelve, upload
from tests.page.sources import MARKUP, SCRIPTS, TEXTS
from tests.page.test_accessible import serious
from tests.page.test_page import card, expect_totals, exported_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    OpenPage = Callable[..., Page]

TABLE = TEXTS.partition("const TEXTS = `\n")[2].partition("\n`;")[0].split("\n")


def table() -> dict[str, list[str]]:
    return {line.split("|")[0]: line.split("|")[1:] for line in TABLE}


def test_each_text_is_there_once_in_both_languages() -> None:
    found = table()
    assert len(found) == len(TABLE)
    for name, texts in found.items():
        assert len(texts) == 2, name
        assert all(texts), name
        places = [sorted(re.findall(r"\{\d\}", text)) for text in texts]
        assert places[0] == places[1], name


def test_each_text_that_the_page_names_is_in_the_table_and_the_other_way_round() -> None:
    code = SCRIPTS.replace(TEXTS, "")
    named = set(re.findall(r"data-[tl]=([\w-]+)", MARKUP)) | set(re.findall(r"\bt\.([a-z]\w*)", code))
    named |= set(re.findall(r"\bt\['([^']+)'\]", code))
    assert named - table().keys() == set()
    unused = {name for name in table().keys() - named if not name.startswith("help ")}
    # What is named by a value: a kind, a reason, a problem.
    assert {name for name in unused if f"'{name}'" not in code and not name.endswith("+")} <= {
        *("accepted", "decided"),
        *("dark", "saturated", "flat", "blurred", "noisy", "unfamiliar", "scale", "shape"),
        *(
            "empty-body",
            "too-many-bytes",
            "too-many-pixels",
            "not-an-image",
            "damaged-image",
            "image-too-small",
            "unsupported-media-type",
        ),
        *("too-many-tiles", "model-unavailable", "pictures", "defects", "decisions"),
    }


def test_no_text_stands_beside_the_table() -> None:
    markup = MARKUP.partition("<body")[2].partition("<script ")[0]
    words = re.findall(r">([^<>]*[A-Za-z]{2,}[^<>]*)<", markup)
    assert words == ["CSV", "JSON"]


@pytest.mark.parametrize(("locale", "scheme"), [("de-AT", "light"), ("de-DE", "dark"), ("fr-FR", "light")])
def test_the_browsers_language_decides(open_page: OpenPage, url: str, locale: str, scheme: str) -> None:
    german = locale.startswith("de")
    page = open_page(url, locale=locale, color_scheme=scheme, bypass_csp=True)
    expect(page.locator("#link")).to_have_text("Verbunden" if german else "Connected")
    assert page.evaluate("document.documentElement.lang") == ("de" if german else "en")
    page.set_input_files("#files", [*twelve(), upload("last.png", DOUBTFUL_REJECT)])
    expect_totals(page, **{"all": 13, "pass": 4, "review": 5, "reject": 2, "failed": 2})
    first = card(page, "last.png")
    expect(first.locator(".badge")).to_have_text("PRÜFEN" if german else "REVIEW")
    expect(first.locator(".facts b")).to_have_text("54,9 %" if german else "54.9 %")
    first.get_by_role("button", name="Annehmen: SPERREN" if german else "Accept as REJECT").click()
    expect(page.locator("#toast")).to_contain_text("last.png: SPERREN" if german else "last.png: REJECT")
    assert serious(page) == []
    rows = exported_rows(page)
    assert rows["last.png"]["operator_decision"] == "reject", "exports are the same in all languages"
    page.locator(".card .frame").nth(0).click()
    assert serious(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_contain_text("Nächstes Bild" if german else "Next picture")
    assert serious(page) == []
