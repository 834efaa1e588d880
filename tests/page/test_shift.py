"""A shift's work: kept over reloads with its names, without duplicates, and left to the next one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: uv sync --group browser")
from playwright.sync_api import expect

from tests.page.pictures import DOUBTFUL_REJECT, PASS, REJECT, Upload, add, twelve, upload
from tests.page.test_accessible import serious
from tests.page.test_deciding import STILL_MILLISECONDS
from tests.page.test_page import card, expect_totals, exported, exported_rows
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Dialog, Page

    OpenPage = Callable[..., Page]

TWELVE = {"all": 12, "pass": 4, "review": 4, "reject": 2, "failed": 2}
KEPT = """async () => {
  const got = asked => new Promise(done => { asked.onsuccess = () => done(asked.result); });
  const database = await got(indexedDB.open((await indexedDB.databases())[0].name));
  const read = database.transaction(['shifts', 'pictures', 'files']);
  const counts = await Promise.all([...read.objectStoreNames].map(name => got(read.objectStore(name).count())));
  const notes = (await got(read.objectStore('pictures').getAll())).map(picture => picture.note).filter(Boolean);
  database.close();
  return [counts, notes];
}"""


def expect_kept(page: Page, files: int, pictures: int, shifts: int, notes: tuple[str, ...] = ()) -> None:
    # Not by wait_for_function: to that, the promise of an async function is true.
    wait_for(lambda: page.evaluate(KEPT) == [[files, pictures, shifts], list(notes)])


def named(page: Page, coil: str, operator: str) -> None:
    page.click("#shift")
    page.fill("#coil", coil)
    page.fill("#operator", operator)
    page.keyboard.press("Escape")


def test_a_reload_keeps_pictures_decisions_notes_and_names(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    named(page, "4711", "Anna")
    add(page, *twelve())
    card(page, "scratched-0.jpg").get_by_role("button", name="Overrule: PASS").click()
    page.wait_for_timeout(STILL_MILLISECONDS)
    card(page, "leans-reject-0.png").get_by_role("button", name="Accept as REJECT").click()
    page.locator("#toast").get_by_role("button", name="left").click()
    page.wait_for_timeout(STILL_MILLISECONDS)
    card(page, "leans-reject-0.png").locator(".frame").click()
    page.fill("#note", "near the edge")
    page.keyboard.press("Escape")
    expect_kept(page, 12, 12, 1, ("near the edge",))
    page.reload()
    expect_totals(page, **{"all": 12, "pass": 5, "review": 3, "reject": 2, "failed": 2})
    expect(page.locator("#shift")).to_have_text("4711, Anna")
    expect(card(page, "scratched-0.jpg").locator(".by")).to_have_text("by you: overruled")
    expect(card(page, "scratched-0.jpg").locator(".strip img")).to_be_visible()
    row = exported_rows(page)["leans-reject-0.png"]
    assert [
        row[name] for name in ("operator_decision", "operator_class", "operator_note", "operator_name", "coil")
    ] == [*("reject", "left", "near the edge", "Anna", "4711")]
    assert json.loads(exported(page, "#json"))["coil"] == "4711"


def test_what_waits_is_scored_after_a_reload(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    expect(page.locator("#link")).to_have_text("Connected")
    page.route("**/predict?*", lambda route: route.abort())
    page.set_input_files("#files", [upload("a.png", PASS), upload("b.png", REJECT)])
    expect_totals(page, all=2)
    expect_kept(page, 2, 2, 1)
    page.unroute_all(behavior="ignoreErrors")
    page.reload()
    expect_totals(page, **{"all": 2, "pass": 1, "reject": 1})


def test_an_undone_decision_and_a_removed_picture_do_not_come_back(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    add(page, upload("a.png", DOUBTFUL_REJECT), upload("b.png", PASS))
    card(page, "a.png").get_by_role("button", name="Accept").click()
    page.keyboard.press("u")
    expect_totals(page, review=1)
    page.wait_for_timeout(STILL_MILLISECONDS)
    card(page, "b.png").get_by_role("button", name="Remove").click()
    expect_kept(page, 1, 1, 1)
    page.reload()
    expect_totals(page, **{"all": 1, "review": 1, "pass": 0})


def test_pictures_and_all_failed_ones_are_removed_and_brought_back(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    add(page, *twelve())
    page.click("#prune")
    expect_totals(page, all=10, failed=0)
    page.wait_for_timeout(STILL_MILLISECONDS)
    card(page, "clean-0.png").get_by_role("button", name="Remove").click()
    expect(page.locator("#toast")).to_contain_text("clean-0.png removed")
    expect_totals(page, **{"all": 9, "pass": 3})
    page.click("#undo")
    expect_totals(page, **{"all": 10, "pass": 4})
    page.keyboard.press("u")
    expect_totals(page, **TWELVE)
    expect_kept(page, 12, 12, 1)


def test_a_folder_that_comes_twice_is_there_once(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    pictures = twelve()
    drop = """([pictures]) => { const found = new DataTransfer();
        for (const [name, bytes] of pictures)
          found.items.add(new File([new Uint8Array(bytes)], name, {lastModified: 5}));
        document.querySelector('#add').dispatchEvent(new DragEvent('drop', {dataTransfer: found, bubbles: true})); }"""
    argument = [[[picture["name"], list(picture["buffer"])] for picture in pictures]]
    page.evaluate(drop, argument)
    expect_totals(page, **TWELVE)
    page.evaluate(drop, argument)
    expect(page.locator("#notice")).to_contain_text("12 pictures left out, there already: clean-0.png")
    expect_totals(page, **TWELVE)


def test_the_same_picture_under_another_name_is_said_and_not_judged_twice(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    add(page, upload("a.png", REJECT))
    again: Upload = {**upload("a.png", REJECT), "name": "b.png"}
    page.set_input_files("#files", [again, upload("c.png", PASS)])
    expect(page.locator("#notice")).to_contain_text("1 picture left out, the very same as one before: b.png (as a.png)")
    expect_totals(page, **{"all": 2, "reject": 1, "pass": 1})
    expect(card(page, "a.png")).to_contain_text("came 2 times")
    assert exported_rows(page)["a.png"]["same_as"] == "b.png"
    page.click("#read")
    expect(page.locator("#notice")).to_be_hidden()


def test_shifts_before_are_opened_and_deleted(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    named(page, "4711", "Anna")
    add(page, upload("a.png", PASS))
    page.click("#clear")
    expect_totals(page, all=0)
    expect(page.locator("#shift")).to_have_text("Anna")
    named(page, "4712", "Anna")
    add(page, upload("b.png", REJECT), upload("c.png", REJECT))
    page.click("#shift")
    expect(page.locator("#past li")).to_contain_text(["4711, Anna"])
    expect(page.locator("#past li")).to_contain_text(["1 all, 1 pass"])
    expect(page.locator("#kept")).to_contain_text("kept in this browser on this computer until you delete it")
    page.get_by_role("button", name="Open: 4711").click()
    expect_totals(page, **{"all": 1, "pass": 1})
    page.click("#shift")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete: 4712").click()
    expect(page.locator("#past li")).to_have_text(["None is kept."])
    expect_kept(page, 1, 1, 1)
    page.once("dialog", lambda dialog: dialog.accept())
    page.click("#delete-all")
    expect_totals(page, all=0)
    expect_kept(page, 0, 0, 0)


def test_a_browser_that_keeps_nothing_says_so_and_works(open_page: OpenPage, url: str) -> None:
    page = open_page("about:blank")
    page.add_init_script("IDBFactory.prototype.open = () => { throw new Error('no room'); };")
    page.goto(url)
    add(page, upload("a.png", DOUBTFUL_REJECT))
    card(page, "a.png").get_by_role("button", name="Accept").click()
    page.click("#shift")
    expect(page.locator("#kept")).to_contain_text("export before you close the page")
    page.keyboard.press("Escape")
    questions: list[str] = []

    def dismissed(dialog: Dialog) -> None:
        questions.append(dialog.message)
        dialog.dismiss()

    page.once("dialog", dismissed)
    page.click("#clear")
    assert "keeps nothing" in questions[0]
    expect_totals(page, all=1)


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_the_dialog_can_be_read_by_everybody(open_page: OpenPage, url: str, locale: str) -> None:
    page = open_page(url, locale=locale, bypass_csp=True)
    page.set_input_files("#files", [upload("a.png", PASS)])
    expect_totals(page, **{"pass": 1})
    page.click("#clear")
    again: Upload = {**upload("b.png", PASS), "name": "c.png"}
    page.set_input_files("#files", [upload("b.png", PASS), again])
    expect(page.locator("#notice")).to_be_visible()
    assert serious(page) == []
    page.click("#shift")
    expect(page.locator("#past button")).to_have_count(2)
    assert serious(page) == []
