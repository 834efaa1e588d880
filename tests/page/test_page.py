"""The page in a browser: pictures in, decisions and words out."""

from __future__ import annotations

import csv
import json
import re
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: uv sync --group browser")
from playwright.sync_api import expect

from tests.page.pictures import DOUBTFUL_PASS, PASS, REJECT, add, totals, twelve, upload

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

    from tests.page.bridge import Bridge

    OpenPage = Callable[..., Page]


def card(page: Page, name: str) -> Locator:
    return page.locator(".card").filter(has_text=re.compile(re.escape(name)))


def expect_totals(page: Page, **counts: int) -> None:
    for kind, count in counts.items():
        expect(page.locator(f"#total-{kind} b")).to_have_text(str(count))


def exported(page: Page, button: str) -> str:
    with page.expect_download() as download:
        page.click(button)
    return Path(download.value.path()).read_text(encoding="utf-8-sig")


def exported_rows(page: Page) -> dict[str, dict[str, str]]:
    return {row["file"]: row for row in csv.DictReader(StringIO(exported(page, "#csv"), newline=""))}


def test_twelve_pictures_at_once_two_of_them_bad(open_page: OpenPage, either_url: str) -> None:
    page = open_page("about:blank")
    page.add_init_script(
        """const real = fetch; let now = 0; globalThis.most = 0;
           globalThis.fetch = (...given) => {
             most = Math.max(most, ++now);
             return real(...given).finally(() => now--);
           };"""
    )
    page.goto(either_url)
    expect(page.locator("#link")).to_have_text("Connected")
    add(page, *twelve())
    assert totals(page) == {"all": 12, "pass": 4, "review": 4, "reject": 2, "failed": 2}
    assert page.evaluate("most") == 4
    expect(card(page, "notes.jpg")).to_contain_text("Not a picture")
    expect(card(page, "cut-off.png")).to_contain_text("Damaged picture")
    rejected = card(page, "scratched-0.jpg")
    expect(rejected.locator(".badge")).to_have_text("REJECT")
    expect(rejected.locator(".badge use")).to_have_attribute("href", "#s-reject")
    expect(rejected.locator(".bar")).to_have_attribute(
        "aria-label", "Probability of a defect 90.2 %; threshold 50.0 %; review from 25.0 % to 75.0 %"
    )
    expect(rejected).to_contain_text("400 \u00d7 64")
    expect(rejected.locator("canvas")).to_be_visible()
    expect(card(page, "clean-tiff.tif").locator("img")).to_be_visible()
    expect(page.locator("#said")).to_have_text("12 pictures done: 4 pass, 4 review, 2 reject, 2 failed")


def test_a_moved_threshold_decides_anew_without_a_request_and_goes_back(open_page: OpenPage, either_url: str) -> None:
    page = open_page(either_url)
    add(page, *twelve())
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url) if "blob:" not in request.url else None)
    slider = page.locator("#threshold")
    slider.fill("90")
    # The band moves along, by the same odds: from 75 to 96.4 %.
    expect(page.locator("#low")).to_have_value("75.0")
    expect(page.locator("#high")).to_have_value("96.4")
    expect_totals(page, **{"pass": 8, "review": 2, "reject": 0, "failed": 2})
    slider.fill("10")
    expect_totals(page, **{"pass": 0, "review": 4, "reject": 6})
    page.click("#own")
    expect(page.locator("#tools output")).to_have_text("50.0 %")
    expect_totals(page, **{"pass": 4, "review": 4, "reject": 2})
    assert requests == []


def test_the_legend_says_what_passes_and_its_ends_move_by_themselves(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    add(page, *twelve())
    expect(page.locator("#legend .pass")).to_contain_text("PASS below")
    expect(page.locator("#low")).to_have_value("25.0")
    expect(page.locator("#high")).to_have_value("75.0")
    page.fill("#high", "52")
    expect_totals(page, **{"pass": 4, "review": 2, "reject": 4})
    page.fill("#low", "48")
    expect_totals(page, **{"pass": 6, "review": 0, "reject": 4})
    page.fill("#low", "90")  # Nothing from the threshold on passes.
    expect_totals(page, **{"pass": 6, "review": 0, "reject": 4})
    page.click("#own")
    expect(page.locator("#low")).to_have_value("25.0")
    expect_totals(page, **{"pass": 4, "review": 4, "reject": 2})


def test_pictures_are_found_by_name(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    add(page, *twelve())
    page.fill("#find", "Leans")
    expect(page.locator(".card")).to_have_count(4)
    page.keyboard.press("a")  # It is a letter here.
    expect(page.locator("#none")).to_be_visible()
    expect_totals(page, review=4)
    page.once("dialog", lambda dialog: dialog.accept())
    page.click("#clear")
    expect(page.locator("#find")).to_have_value("")


def test_exports_hold_the_models_decision_and_the_operators(open_page: OpenPage, either_url: str) -> None:
    page = open_page(either_url)
    add(page, *twelve())
    card(page, "scratched-0.jpg").get_by_role("button", name="Overrule: PASS").click()
    card(page, "leans-reject-0.png").get_by_role("button", name="Accept as REJECT").click()
    expect_totals(page, **{"pass": 5, "review": 3, "reject": 2})
    rows = exported_rows(page)
    assert len(rows) == 12
    overruled = rows["scratched-0.jpg"]
    names = ("decision", "model_decision", "operator", "operator_decision")
    assert [overruled[name] for name in names] == ["pass", "reject", "overruled", "pass"]
    assert [rows["leans-reject-0.png"][name] for name in names] == ["reject", "review", "accepted", "reject"]
    assert [rows["leans-pass-0.png"][name] for name in names] == ["review", "review", "", ""]
    assert float(overruled["defect_prob"]) == pytest.approx(REJECT / 255, abs=1e-3)
    assert float(overruled["prob: left"]) == pytest.approx(REJECT / 255, abs=1e-3)
    assert rows["notes.jpg"]["error"].startswith("Not a picture.")
    content = json.loads(exported(page, "#json"))
    pictures = {picture["file"]: picture for picture in content["pictures"]}
    assert pictures["scratched-0.jpg"]["operator"] == "overruled"
    assert pictures["scratched-0.jpg"]["class_prob"].keys() == {"left", "right"}
    assert content["threshold_moved_to"] is None


def test_reviews_by_keyboard(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    add(page, *twelve())
    current = page.locator(".card[aria-current=true]")
    page.keyboard.press("n")
    expect(current).to_contain_text("leans-reject-0.png")
    page.keyboard.down("a")
    page.keyboard.down("a")  # Held: it is one decision all the same.
    page.keyboard.up("a")
    expect_totals(page, review=3, reject=3)
    expect(current).to_contain_text("leans-reject-1.png")
    expect(current).to_be_focused()
    page.keyboard.press("o")
    expect_totals(page, **{"review": 2, "reject": 3, "pass": 5})
    expect(current).to_contain_text("leans-pass-0.png")
    page.keyboard.press("a")
    page.keyboard.press("a")
    expect_totals(page, **{"review": 0, "reject": 3, "pass": 7})
    page.keyboard.press("u")
    expect_totals(page, **{"review": 1, "reject": 3, "pass": 6})
    page.keyboard.press("Enter")
    expect(page.locator("#viewer")).to_be_visible()
    expect(page.locator("#viewer .name")).to_have_text("leans-pass-1.png")
    expect(page.locator("#viewer .strip img")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#viewer .name")).to_have_text("leans-pass-0.png")
    page.keyboard.press("Escape")
    expect(current).to_be_focused()
    page.keyboard.press("?")
    expect(page.locator("#help")).to_contain_text("Overrule")
    page.keyboard.press("a")  # Means nothing here.
    expect_totals(page, **{"review": 1, "reject": 3, "pass": 6})


def test_filter_and_sort(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    add(page, *twelve())
    names = page.locator(".card .name")
    page.select_option("#sort", "defect")
    expect(names.nth(0)).to_have_text("scratched-0.jpg")
    page.select_option("#sort", "doubt")
    expect(names.nth(0)).to_have_text("leans-reject-0.png")
    page.click("#total-review")
    expect(names).to_have_text(["leans-reject-0.png", "leans-reject-1.png", "leans-pass-0.png", "leans-pass-1.png"])
    expect(page.locator("#total-review")).to_have_attribute("aria-pressed", "true")
    page.click("#total-review")
    expect(names).to_have_count(12)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", " ="])
def test_a_hostile_name_is_text_everywhere(open_page: OpenPage, url: str, start: str) -> None:
    page = open_page(url)
    name = f"{start}HYPERLINK(\"x\",'y')<img src=x onerror=document.title='owned'>\u202egnp.jpg"
    add(page, upload(name, REJECT), {**upload(name, PASS), "buffer": b"<b>no picture</b>"})
    expect(page.locator(".card .name").nth(0)).to_have_text(name.strip())
    page.locator(".card .frame").nth(0).click()
    expect(page.locator("#viewer .name")).to_have_text(name.strip())
    assert page.locator("[onerror], img[src=x], .card b b").count() == 0
    assert page.title() == "Steel strip inspection"
    page.keyboard.press("Escape")
    assert list(exported_rows(page)) == [f"'{name}"]
    assert json.loads(exported(page, "#json"))["pictures"][0]["file"] == name


def test_without_a_token_it_asks_and_goes_on_with_what_waited(open_page: OpenPage, bridge: Bridge) -> None:
    bridge.token = "a.good-token"  # noqa: S105 - nobody takes it elsewhere
    page = open_page(bridge.url)
    asks = page.locator("#signing")
    expect(asks).to_be_visible()
    asks.get_by_role("button", name="Later").click()
    expect(page.locator("#link")).to_have_text("Not signed in")
    page.set_input_files("#files", [upload("waits.png", PASS), upload("too.png", REJECT)])
    expect(card(page, "waits.png")).to_contain_text("Waits until you are signed in")
    page.click("#sign")
    page.fill("#token", "a.stale-token")
    page.click("#signed")
    expect(asks.get_by_role("alert")).to_contain_text("not accepted")
    page.fill("#token", "Bearer a.good-token")
    page.keyboard.press("Enter")
    expect(asks).to_be_hidden()
    expect_totals(page, **{"pass": 1, "reject": 1})
    expect(page.locator("#link")).to_have_text("Connected")
    bridge.token = "the.next-token"  # noqa: S105 - as above; the first has expired
    page.set_input_files("#files", [upload("later.png", PASS)])
    expect(asks).to_be_visible()
    page.fill("#token", "the.next-token")
    page.click("#signed")
    expect_totals(page, **{"pass": 2, "failed": 0})
    assert page.evaluate("[Object.values(sessionStorage), localStorage.length, document.cookie]") == [
        ["the.next-token"], 0, ""
    ]  # fmt: skip


def test_a_token_of_a_sign_in_elsewhere_is_taken_from_the_address_and_does_not_stay_there(
    open_page: OpenPage, bridge: Bridge
) -> None:
    bridge.token = "a.good-token"  # noqa: S105 - as above
    page = open_page(f"{bridge.url}#id_token=a.good-token&token_type=Bearer&expires_in=43200")
    expect(page.locator("#link")).to_have_text("Connected")
    assert page.url == bridge.url
    page.set_input_files("#files", [upload("a.png", PASS)])
    expect_totals(page, **{"pass": 1})


def test_a_busy_service_is_asked_again(open_page: OpenPage, bridge: Bridge) -> None:
    page = open_page(bridge.url)
    bridge.busy = 5
    page.set_input_files("#files", [upload(f"{n}.png", PASS) for n in range(6)])
    expect(page.locator("#link")).to_have_text("Busy, slowing down")
    expect_totals(page, **{"pass": 6, "failed": 0})
    expect(page.locator("#link")).to_have_text("Connected")
    assert bridge.busy == 0


def test_a_lost_connection_is_said_and_pictures_wait_for_it(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    expect(page.locator("#link")).to_have_text("Connected")
    page.context.set_offline(True)
    page.set_input_files("#files", [upload("a.png", PASS), upload("b.png", REJECT)])
    expect(page.locator("#link")).to_have_text("No connection, trying again")
    page.context.set_offline(False)
    expect_totals(page, **{"pass": 1, "reject": 1, "failed": 0})
    expect(page.locator("#link")).to_have_text("Connected")


def test_each_picture_keeps_the_limits_of_the_model_that_scored_it(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    with page.expect_response("**/predict?map=true*") as scored:
        add(page, upload("before.png", DOUBTFUL_PASS))
    model = page.evaluate("fetch('model').then(answer => answer.json())")
    promoted = {**model, "sha256": "b" * 64, "review_low": 0.1, "threshold": 0.2, "review_high": 0.3}
    answer = {**scored.value.json(), "model": {"name": "probe", "version": "2", "sha256": "b" * 64}}
    answer |= {"decision": "reject", "threshold": 0.2}
    page.route("**/model", lambda route: route.fulfill(json=promoted))
    page.route("**/predict?map=true*", lambda route: route.fulfill(json=answer))
    add(page, upload("after.png", DOUBTFUL_PASS))
    expect_totals(page, review=1, reject=1)
    bar = card(page, "after.png").locator(".bar")
    expect(bar).to_have_attribute("aria-label", re.compile("review from 10.0 % to 30.0 %"))
    bar = card(page, "before.png").locator(".bar")
    expect(bar).to_have_attribute("aria-label", re.compile("review from 25.0 % to 75.0 %"))


def test_a_picture_that_is_too_large_is_not_sent(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    expect(page.locator("#link")).to_have_text("Connected")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    large = upload("large.png", PASS)
    large["buffer"] += bytes(600_000)
    add(page, large)
    expect(card(page, "large.png")).to_contain_text("Too large. The file has 0.6 MB; at most 0.5 MB are accepted.")
    assert not [url for url in requests if "predict" in url]


def test_a_picture_that_the_gateway_refuses_is_told_another_way(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    refusal = {"message": "Request Entity Too Large"}
    page.route("**/predict?map=true*", lambda route: route.fulfill(status=413, json=refusal))
    add(page, upload("large.png", PASS))
    expect(card(page, "large.png")).to_contain_text("takes less in one request, and has no bucket of uploads.")


def test_dropped_and_pasted_pictures_and_the_cameras_are_scored(open_page: OpenPage, url: str) -> None:
    page = open_page(url)
    transfer = page.evaluate_handle(
        """bytes => { const found = new DataTransfer();
                      found.items.add(new File([new Uint8Array(bytes)], 'dropped.png', {type: 'image/png'}));
                      return found; }""",
        list(upload("", PASS)["buffer"]),
    )
    page.dispatch_event("#add", "drop", {"dataTransfer": transfer})
    expect_totals(page, **{"all": 1, "pass": 1})
    page.evaluate(
        """bytes => { const found = new DataTransfer();
                      found.items.add(new File([new Uint8Array(bytes)], 'pasted.png', {type: 'image/png'}));
                      dispatchEvent(new ClipboardEvent('paste', {clipboardData: found})); }""",
        list(upload("pasted", PASS)["buffer"]),
    )
    expect_totals(page, **{"all": 2, "pass": 2})
    page.click("#camera-open")
    page.click("#shoot")
    expect_totals(page, all=3, failed=0)
    expect(page.locator("#camera p")).to_contain_text("taken")
    page.keyboard.press("Escape")
    expect(page.locator("#camera video")).to_have_js_property("srcObject", None)


@pytest.mark.parametrize(("width", "columns"), [(360, 1), (390, 1), (1440, 3), (3840, 5)])
def test_it_fits_a_phone_and_a_wall(open_page: OpenPage, url: str, width: int, columns: int) -> None:
    page = open_page(url, viewport={"width": width, "height": 800}, has_touch=width < 400, is_mobile=width < 400)
    add(page, *twelve())
    found = "getComputedStyle(document.querySelector('#grid')).gridTemplateColumns.split(' ').length"
    assert page.evaluate(found) == columns
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width < 400:
        page.click("#tools-open")
        expect(page.locator("#tools")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.click("#tools-open")
    page.locator(".card .frame").nth(0).click()
    box = page.locator("#viewer").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    if width == 3840:
        assert page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") > 24


def test_it_is_dark_where_the_system_is(open_page: OpenPage, url: str) -> None:
    back = "getComputedStyle(document.body).backgroundColor"
    assert open_page(url, color_scheme="light").evaluate(back) == "rgb(241, 244, 247)"
    assert open_page(url, color_scheme="dark").evaluate(back) == "rgb(13, 17, 22)"


def test_nothing_moves_while_pictures_are_scored(open_page: OpenPage, url: str) -> None:
    page = open_page(url, viewport={"width": 1440, "height": 2000})  # All cards are in view.
    add(page, upload("first.png", PASS))
    held: list[Any] = []
    open_gate: list[bool] = []
    page.route("**/predict?map=true*", lambda route: route.continue_() if open_gate else held.append(route))
    page.set_input_files("#files", twelve())
    expect(page.locator(".card")).to_have_count(13)
    expect(page.locator(".card.waiting")).to_have_count(12)
    boxes = "[...document.querySelectorAll('.card')].map(card => JSON.stringify(card.getBoundingClientRect()))"
    before = page.evaluate(boxes)
    page.evaluate(
        """() => { globalThis.moved = 0;
                   new PerformanceObserver(list => { for (const entry of list.getEntries()) moved += entry.value; })
                       .observe({type: 'layout-shift'}); }"""
    )
    open_gate.append(True)
    for route in held:
        route.continue_()
    expect(page.locator(".card.waiting")).to_have_count(0)
    page.wait_for_timeout(300)
    assert page.evaluate(boxes) == before
    assert page.evaluate("moved") < 0.01


def test_many_pictures_take_few_cards_and_few_thumbnails(open_page: OpenPage, url: str) -> None:
    page = open_page("about:blank")
    page.add_init_script(
        """globalThis.alive = new Set();
           for (const [name, act] of [['createObjectURL', 'add'], ['revokeObjectURL', 'delete']]) {
             const real = URL[name].bind(URL);
             URL[name] = (value) => { const found = real(value); alive[act](found || value); return found; };
           }
           const ask = fetch;
           let first = null;
           globalThis.fetch = (where, options) => {  // One answer for all of them.
             if (!String(where).includes('predict')) return ask(where, options);
             return (first ??= ask(where, options)).then(answer => answer.clone());
           };"""
    )
    page.goto(url)
    add(page, *(upload(f"{number:03}.png", REJECT) for number in range(194)))
    assert page.locator(".card").count() == 48
    expect(page.locator("#pager span")).to_have_text("1 to 48 of 194")
    for _ in range(4):
        expect(page.locator(".card img")).to_have_count(48)
        page.click("#on")
    expect(page.locator("#pager span")).to_have_text("193 to 194 of 194")
    expect(page.locator(".card img")).to_have_count(2)
    assert 48 <= page.evaluate("alive.size") <= 146
    page.click("#clear")
    expect(page.locator("#total-all b")).to_have_text("0")
    assert page.evaluate("alive.size") == 0


def test_the_description_of_the_interface_for_people(open_page: OpenPage, either_url: str) -> None:
    page = open_page(f"{either_url}docs")
    predict = page.locator("#predict")
    expect(predict).to_contain_text("Score one picture")
    expect(predict).to_contain_text(f"{either_url}predict")
    predict.get_by_text("application/json").last.click()
    expect(predict.get_by_text("Calibrated probability that the picture shows a defect")).to_be_visible()
    page.click("#page")
    expect(page).to_have_title("Steel strip inspection")


def test_the_first_paint_takes_one_request(open_page: OpenPage, url: str) -> None:
    page = open_page("about:blank")
    asked: list[str] = []

    def alone(route: Any) -> None:  # noqa: ANN401 - Playwright's
        asked.append(route.request.url)
        if route.request.url == url:
            route.continue_()
        # The others are never answered.

    page.route("**/*", alone)
    page.goto(url)
    expect(page.get_by_role("button", name="Choose pictures")).to_be_visible()
    painted = page.evaluate(
        """new Promise(resolve => new PerformanceObserver(
               list => resolve(list.getEntriesByName('first-contentful-paint').length)
           ).observe({type: 'paint', buffered: true}))"""
    )
    assert painted == 1
    assert asked == [url, f"{url}model"]
    page.unroute_all(behavior="ignoreErrors")
