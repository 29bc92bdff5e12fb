"""Simulations and posts in notebooks, and the executed notebook of the docs."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib import image

from ecs_market import Simulation, load_scenario
from ecs_market.bench import economy
from ecs_market.notebook import _RECENT, POINTS, ROWS_READ, sparkline_svg
from ecs_market.scenario import from_dict

DOCS = Path(__file__).resolve().parent.parent / "docs"
NOTEBOOK = DOCS / "first_market.ipynb"


def tree(html: str) -> ET.Element:
    """Return HTML as a tree; an element that is not closed or a stray sign is an error."""
    return ET.fromstring(f"<body>{html}</body>")  # noqa: S314 - our own output


def cells(html: str) -> list[list[str]]:
    """Return the text of each row of a table, pictures left out."""
    return [[(cell.text or "").strip() for cell in row] for row in tree(html).iter("tr")]


@pytest.fixture(scope="module")
def ran() -> Iterator[Simulation]:
    with Simulation(load_scenario("walrasian_two_markets"), seed=42) as simulation:
        simulation.run(60)
        yield simulation


# --- what notebooks show -----------------------------------------------------------------------


def test_a_simulation_is_its_posts_and_their_prices(ran: Simulation) -> None:
    html = ran._repr_html_()
    head, *rows = cells(html)
    assert head == ["post", "mechanism", "cell", "status", "A [M / unit]", "B [M / unit]"]
    for post, row in zip(ran.markets, rows, strict=True):
        prices = [
            f"{post.current_prices[g]:,.10g}" if g in post.current_prices else "-" for g in "AB"
        ]
        assert row == [str(post.id), post.mechanism_type, f"{post.location}", post.status, *prices]
    told = "".join(tree(html).itertext())
    assert "Simulation Two Competing Markets: seed 42, tick 60, 40 agents" in told
    summary = ran.summary()
    assert f"{summary['market_trades']:,} trades at posts" in told
    assert rows == cells(ran.markets._repr_html_())[1:]


def test_a_post_is_its_goods(ran: Simulation) -> None:
    post = ran.markets[0]
    _, *rows = cells(post._repr_html_())
    assert [row[0] for row in rows] == ["A", "B", "M"]
    assert rows[0][1:3] == [f"{post.current_prices['A']:,.10g}", f"{post.price_formed_at['A']}"]


def test_sparklines_are_the_recorded_prices(ran: Simulation) -> None:
    (first, *_) = tree(ran.markets[1]._repr_html_()).iter("polyline")
    points = np.array([pair.split(",") for pair in first.attrib["points"].split()], float)
    rows = ran.telemetry.query(
        "SELECT tick, price FROM market_prices WHERE market_id = 1 AND commodity = 'A'"
        " ORDER BY tick"
    )
    tick, price = np.array(rows, float).T
    assert np.allclose(points[:-1, 0], 2 + 96 * (tick - tick[0]) / (tick[-1] - tick[0]), atol=0.051)
    share = (price - price.min()) / (price.max() - price.min())
    assert np.allclose(points[:-1, 1], 16 - 14 * share, atol=0.051)


def test_long_sparklines_are_short() -> None:
    line = [(tick, math.sin(tick / 50.0)) for tick in range(10_000)]
    drawn = sparkline_svg(line, 'good "<&>"')
    (polyline,) = tree(drawn).iter("polyline")
    assert len(polyline.attrib["points"].split()) <= 2 * POINTS
    flat = next(tree(sparkline_svg([(0, 1.0), (5, 1.0)], "flat")).iter("polyline"))
    assert {pair.split(",")[1] for pair in flat.attrib["points"].split()} == {"9.0"}


def test_only_the_newest_prices_are_read(ran: Simulation) -> None:
    plan = ran.telemetry.query(f"EXPLAIN QUERY PLAN {_RECENT}", (ROWS_READ,))
    assert any("USING INTEGER PRIMARY KEY (rowid>?)" in str(row[-1]) for row in plan)


def test_names_are_escaped_and_colours_are_the_notebook_s() -> None:
    document = load_scenario("single_walrasian").to_dict()
    document["name"] = "</script><b>\u5e02\u5834</b> & co"
    with Simulation(from_dict(document)) as simulation:
        simulation.run(3)
        html = simulation._repr_html_() + simulation.markets[0]._repr_html_()
    assert "</script>" not in html
    assert "</script><b>\u5e02\u5834</b> & co" in "".join(tree(html).itertext())
    assert not re.search(r"#[0-9a-f]{3}|rgb|background", html)
    assert set(re.findall(r'stroke="(\w+)"', html)) <= {"currentColor"}
    assert "font" not in html


def test_many_posts_are_cut_short() -> None:
    with Simulation(economy(1000, 30), telemetry_level="summary") as simulation:
        html = simulation._repr_html_()
        assert len(cells(html)) == 11
        assert "and 20 more posts" in html
        assert len(html) < 10_000


def test_what_is_over_is_said(tmp_path: Path) -> None:
    with Simulation(load_scenario("competing_posts"), telemetry=tmp_path / "run.db") as simulation:
        post, posts = simulation.markets[0], simulation.markets
        simulation.remove_market_post(0)
        assert "market post 0 has been removed" in post._repr_html_()
        assert "market post 0 has been removed" in posts._repr_html_()
    html = simulation._repr_html_()
    assert "closed, telemetry in run.db" in html
    assert str(tmp_path) not in html
    assert len(cells(simulation.markets._repr_html_())) == 2


def test_without_telemetry_or_posts_there_are_no_lines() -> None:
    with Simulation(load_scenario("competing_posts"), telemetry_level="off") as simulation:
        simulation.run(2)
        assert not list(tree(simulation._repr_html_()).iter("svg"))
    with Simulation(load_scenario("bilateral_only")) as simulation:
        assert "no market posts" in simulation._repr_html_()


# --- the notebook of the docs ------------------------------------------------------------------


@pytest.fixture(scope="module")
def program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_notebook", DOCS / "notebook.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pictures(output: dict[str, Any]) -> np.ndarray | None:
    """Take the picture out of an output and return its dots."""
    data = output.get("data", {})
    if "image/png" not in data:
        return None
    return np.asarray(image.imread(io.BytesIO(base64.b64decode(data.pop("image/png")))))


def test_the_notebook_says_what_its_cells_do(program: ModuleType) -> None:
    stored = json.loads(NOTEBOOK.read_text("utf-8"))
    anew = program.executed(stored)
    seen = 0
    for before, now in zip(stored["cells"], anew["cells"], strict=True):
        outputs = zip(before.get("outputs", []), now.get("outputs", []), strict=True)
        for old, new in outputs:
            first, second = pictures(old), pictures(new)
            if first is not None and second is not None:
                seen += 1
                # Letters may be drawn a little differently by another version.
                assert first.shape[2] == second.shape[2]
                assert np.allclose(first.shape[:2], second.shape[:2], atol=8)
                height, width = np.minimum(first.shape[:2], second.shape[:2])
                apart = np.abs(first[:height, :width] - second[:height, :width])
                assert apart.mean() < 0.02
        assert before == now, "results have moved: python docs/notebook.py runs it anew"
    assert seen == 7
    assert {key: stored[key] for key in ("metadata", "nbformat")} == {
        key: anew[key] for key in ("metadata", "nbformat")
    }


def test_the_notebook_is_small_and_of_no_machine() -> None:
    text = NOTEBOOK.read_text("utf-8")
    assert len(text) < 400_000
    plain = re.sub(r'"image/png": "[^"]*"', "", text)
    assert not re.search(r"/home/|/tmp/|/root|[A-Z]:\\\\|agent-ticks/s|GHz|Core", plain)
    assert "traceback" not in plain.lower()
