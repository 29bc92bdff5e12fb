"""One self-contained HTML file from data and assets, which asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from importlib import resources
from typing import Any

_STYLES = (
    "vendor/uPlot/uPlot.min.css",
    "css/base.css",
    "css/cards.css",
    "css/parts.css",
    "css/media.css",
)
_SCRIPTS = (
    "vendor/uPlot/uPlot.iife.min.js",
    "js/decode.js",
    "js/elements.js",
    "js/palette.js",
    "js/clock.js",
    "js/tables.js",
    "js/map_draw.js",
    "js/chart_look.js",
    "js/charts.js",
    "js/cards.js",
    "js/headline.js",
    "js/map_data.js",
    "js/map_legend.js",
    "js/map.js",
    "js/market_data.js",
    "js/prices.js",
    "js/clearings.js",
    "js/market.js",
    "js/curves.js",
    "js/welfare.js",
    "js/distributions.js",
    "js/systems.js",
    "js/facts.js",
    "js/comparison_tables.js",
    "js/comparison.js",
    "js/main.js",
)

ASSETS = (*_STYLES, *_SCRIPTS)
"""The files that a page is made of, in their order, below `assets`."""

MARK = b'<meta name="generator" content="ecs-market report">'
"""What tells a report from any other page."""

# Text of the database stays text: no tag can begin in it, and no old parser meets a line end.
_HARMLESS = str.maketrans(
    {
        "<": "\\u003c",
        ">": "\\u003e",
        "&": "\\u0026",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
    }
)


def render(title: str, data: dict[str, Any]) -> bytes:
    """Return the page.

    Parameters
    ----------
    title
        What the browser's tab says.
    data
        Ready for JSON. Its text may be anything.
    """
    style = "\n".join(_asset(name) for name in _STYLES)
    # A licence's notice stays with what it is of; its end can't close the script.
    licence = _asset("vendor/uPlot/LICENSE").replace("*/", "* /")
    script = "\n".join([f"/* uPlot:\n{licence}*/", *(_asset(name) for name in _SCRIPTS)])
    parts = {
        "policy": _policy(style, script),
        "title": html.escape(title),
        "style": style,
        "data": as_script_text(data),
        "script": script,
    }
    # Split at the marks, so that nothing that is put in can be taken for one.
    page = []
    for number, piece in enumerate(_asset("page.html").split("@@")):
        page.append(parts[piece] if number % 2 else piece)
    return "".join(page).encode()


def as_script_text(data: dict[str, Any]) -> str:
    """Return JSON that is safe inside a script element, whatever its texts hold."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # What is half a character in a text of the database can't be written as UTF-8.
    text = text.encode("utf-8", "replace").decode()
    return text.translate(_HARMLESS)


def _asset(name: str) -> str:
    return (resources.files("ecs_market.reporting") / "assets" / name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    """Return a content security policy: this style, this script, and no request at all."""
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:;"
        f" style-src {_digest(style)}; script-src {_digest(script)}"
    )


def _digest(text: str) -> str:
    # A page's parser turns other line ends to newlines before it reads an element.
    body = text.replace("\r\n", "\n").replace("\r", "\n").encode()
    return f"'sha256-{base64.b64encode(hashlib.sha256(body).digest()).decode()}'"
