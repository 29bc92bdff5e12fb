"""Pages of reports in a browser: windows to show them in, and what their charts tell."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from tests.browser import Shown

Show = Callable[..., Shown]
LAPTOP, PHONE = {"width": 1366, "height": 850}, {"width": 390, "height": 844}


def table(shown: Shown, name: str) -> list[list[str]]:
    """Return the CSV of a chart, row by row."""
    text = shown.ask("(name) => R.csv(R.tables[name]())", name)
    return list(csv.reader(io.StringIO(text)))
