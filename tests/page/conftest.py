"""One browser, and the page on the servers of both clouds."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.page.bridge import Bridge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from tests.transports import CloudRun, Lambda

# The sandbox and the graphics card are not there in a container; the rest would ask the internet for something.
# A drawn camera, which is allowed without a question.
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
]

PATIENCE_MILLISECONDS = 60_000


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    reason = "Playwright is not installed: uv sync --group browser"
    playwright = pytest.importorskip("playwright.sync_api", reason=reason)
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    playwright.expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def bridge(aws_lambda: Lambda) -> Iterator[Bridge]:
    """The function of Lambda behind a gateway."""
    with Bridge(aws_lambda) as started:
        yield started


@pytest.fixture
def url(cloud_run: CloudRun) -> str:
    """The page served by functions-framework."""
    return f"http://127.0.0.1:{cloud_run.port}/"


@pytest.fixture(params=["functions-framework", "lambda"])
def either_url(request: pytest.FixtureRequest) -> str:
    """The page served by either cloud's function."""
    found = request.getfixturevalue("url") if request.param == "functions-framework" else None
    return str(found or request.getfixturevalue("bridge").url)


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens an address in a context of its own; options are Playwright's of a context. Errors of the script fail."""
    contexts = []
    errors: list[str] = []

    def opened(address: str, **options: Any) -> Page:  # noqa: ANN401 - Playwright's
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if "Content Security Policy" in line.text else None)
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not errors
