"""A headless Chromium to look at pages with, where there is one."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Nothing but the page itself may ask the network for anything.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def missing(reason: str) -> None:
    """Skip, or fail where a browser is required."""
    if os.environ.get("ECS_MARKET_BROWSER") == "required":
        pytest.fail(f"{reason}, and ECS_MARKET_BROWSER says that one is required")
    pytest.skip(f"{reason}: pages are not looked at in a browser")


def place() -> str | None:
    """Return where the browser's program is, None if there is none."""
    named = os.environ.get("ECS_MARKET_CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser with an empty profile, or skip."""
    program = place()
    if program is None:
        missing("there is no Chromium here")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed (the extra `browser`)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class Shown:
    """A page in the browser, what it complained about and what it asked for."""

    def __init__(self, browser: Browser, file: Path, **context: Any) -> None:
        self.context = browser.new_context(accept_downloads=True, **context)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.url = file.as_uri()
        self.page.goto(self.url)
        self.page.wait_for_selector("footer p")
        self.settle()

    def settle(self) -> None:
        """Wait until what is drawn with the next frames is drawn."""
        self.page.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def wait(self, script: str, *values: Any) -> None:
        """Wait until a function of the page is true."""
        until = time.monotonic() + 10
        while not self.ask(script, *values):
            assert time.monotonic() < until, script
            time.sleep(0.02)

    def ask(self, script: str, *values: Any) -> Any:
        """Return what a function of the page gives: `R` is the report's object."""
        body = f"(values) => {{ const R = window.ecsMarketReport; return ({script})(...values) }}"
        return self.page.evaluate(body, list(values))

    def check(self) -> None:
        """Nothing went wrong so far, and nothing but the file itself was asked for."""
        assert self.complaints == []
        assert [url for url in self.requests if not url.startswith("data:")] == [self.url]
