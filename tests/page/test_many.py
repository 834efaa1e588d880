"""Two thousand pictures: a scroll, a decision and a search stay fluent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: uv sync --group browser")
from playwright.sync_api import expect

from tests.page.pictures import DOUBTFUL_REJECT, add, upload
from tests.page.test_page import expect_totals

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    OpenPage = Callable[..., Page]

MANY = 2000
# Of the median of seven; 20 ms for a scroll and 45 for a decision were measured on two cores that others used as well.
BOUND_MILLISECONDS = 100

# Small pictures that differ, as one drop; Playwright would carry them one by one.
DROP = """([bytes, many]) => {
  const found = new DataTransfer();
  for (let n = 0; n < many; n++)
    found.items.add(new File([new Uint8Array(bytes), String(n)], `strip-${n}.png`, {type: 'image/png'}));
  document.querySelector('#add').dispatchEvent(new DragEvent('drop', {dataTransfer: found, bubbles: true}));
}"""
# The service's own answer, for all: it is the page that is timed.
CANNED = """globalThis.canned = null;
const real = fetch;
globalThis.fetch = (url, ...more) =>
  canned && String(url).includes('predict?') ? Promise.resolve(Response.json(canned)) : real(url, ...more);"""
# From the event to the frame that shows what came of it.
TIMED = """async act => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  const start = performance.now();
  (0, eval)(act);
  await frame(); await new Promise(done => setTimeout(done));
  return performance.now() - start;
}"""
ACTS = {
    "scroll": "scrollBy(0, 700)",
    "decision": "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', bubbles: true}))",
    "undo": "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'u', bubbles: true}))",
}


def test_a_scroll_and_a_decision_take_a_moment(open_page: OpenPage, url: str) -> None:
    page = open_page("about:blank", bypass_csp=True)
    page.add_init_script(CANNED)
    page.goto(url)
    with page.expect_response("**/predict?*") as scored:
        add(page, upload("first.png", DOUBTFUL_REJECT))
    answer = scored.value.json()
    page.evaluate("answer => { canned = answer; }", answer)
    page.evaluate(DROP, [list(upload("", DOUBTFUL_REJECT)["buffer"]), MANY - 1])
    expect(page.locator("#total-review b")).to_have_text("2,000", timeout=180_000)
    page.keyboard.press("n")
    page.wait_for_timeout(1000)
    expect(page.locator(".card[aria-current=true]")).to_be_focused()
    taken = {name: sorted(page.evaluate(TIMED, act) for _ in range(7)) for name, act in ACTS.items()}
    for name, times in taken.items():
        assert times[3] < BOUND_MILLISECONDS, f"{name}: {times}"
    expect_totals(page, reject=0)  # As many undone as decided.
    page.fill("#find", "strip-1999")
    expect(page.locator(".card")).to_have_count(0)
    page.fill("#find", "strip-1998")
    expect(page.locator(".card")).to_have_count(1)
