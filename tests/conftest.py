"""Fixtures of several test files: reports opened in a browser, and terminals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ecs_market.reporting import write_comparison, write_report
from tests.browser import Shown, chromium
from tests.report_pages import LAPTOP, Show
from tests.reports import shipped
from tests.screens import Terminal

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Show]:
    """Return a function that reports databases and opens the page."""
    opened: list[Shown] = []

    def open_page(*bases: Path, viewport: dict[str, int] = LAPTOP, **context: Any) -> Shown:
        page = tmp_path / "report.html"
        if len(bases) == 1:
            write_report(bases[0], page)
        else:
            write_comparison(bases, page)
        opened.append(Shown(browser, page, viewport=viewport, **context))
        return opened[-1]

    yield open_page
    for shown in opened:
        shown.check()
        shown.context.close()


@pytest.fixture(scope="module")
def markets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the database of a run of two markets."""
    return shipped(tmp_path_factory.mktemp("markets") / "run.db", 90)


@pytest.fixture
def tty() -> Iterator[Callable[..., Terminal]]:
    """Return a function that opens a terminal of a size."""
    made: list[Terminal] = []

    def make(width: int = 100, height: int = 30) -> Terminal:
        made.append(Terminal(width, height))
        return made[-1]

    yield make
    for each in made:
        each.close()
