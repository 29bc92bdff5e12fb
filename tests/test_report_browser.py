"""Reports in a real browser: no error, no request, and what is shown is what was recorded."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ecs_market import Simulation
from ecs_market.reporting import write_comparison, write_report
from ecs_market.scenario import from_dict
from tests.browser import Shown, chromium
from tests.reports import NAUGHTY, WALKERS, million, query, record, shipped

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Show = Callable[..., Shown]
LAPTOP, PHONE = {"width": 1366, "height": 850}, {"width": 390, "height": 844}


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


def table(shown: Shown, name: str) -> list[list[str]]:
    """Return the CSV of a chart, row by row."""
    text = shown.ask("(name) => R.csv(R.tables[name]())", name)
    return list(csv.reader(io.StringIO(text)))


def numbers(rows: list[list[str]]) -> list[list[float | None]]:
    return [[float(cell) if cell else None for cell in row] for row in rows]


def test_scrubber_moves_agents_to_where_they_were(markets: Path, show: Show) -> None:
    shown = show(markets)
    for tick in (0, 37, 89, 12, -1):
        shown.page.locator("#scrubber").fill(str(tick))
        shown.settle()
        assert shown.page.locator("#map").get_attribute("data-tick") == str(tick)
        found = shown.ask("() => R.agents().map((each) => [each.id, each.x, each.y])")
        wanted = query(markets, "SELECT agent_id, x, y FROM agents WHERE tick = ?", tick)
        assert [tuple(each) for each in found] == sorted(wanted)
    assert len(wanted) == 40


def test_the_pointer_finds_agents_where_they_are_drawn(markets: Path, show: Show) -> None:
    shown = show(markets)
    shown.page.locator("#scrubber").fill("20")
    shown.page.locator("#map").scroll_into_view_if_needed()
    shown.settle()
    for agent in (0, 17, 39):
        x, y = shown.ask("(id) => R.screenPosition(id)", agent)
        shown.page.mouse.move(x, y)
        ((cx, cy),) = query(
            markets, "SELECT x, y FROM agents WHERE tick = 20 AND agent_id = ?", agent
        )
        text = shown.page.locator("#under").inner_text()
        assert f"at ({cx}, {cy})" in text
        box = shown.page.locator("#map").bounding_box()
        assert box
        assert int((x - box["x"]) / box["width"] * 50) == cx
        assert int((y - box["y"]) / box["height"] * 50) == cy


def test_charts_show_the_database_s_numbers(markets: Path, show: Show) -> None:
    shown = show(markets)
    head, *rows = table(shown, "prices")
    at = head.index("post 0, published [M]")
    found = [(float(row[0]), float(row[at])) for row in rows if row[at]]
    prices = (
        "SELECT tick, price / 10000.0 FROM market_prices WHERE market_id = 0 AND commodity = 'A'"
    )
    assert found == query(markets, f"{prices} ORDER BY tick")

    _, *rows = table(shown, "volume")
    total = query(markets, "SELECT sum(quantity) / 1000.0 FROM trade_prices WHERE commodity = 'A'")
    assert sum(float(cell) for row in rows for cell in row[1:]) == pytest.approx(total[0][0])

    _, *rows = table(shown, "gains")
    gains = query(markets, "SELECT market_gain, bilateral_gain FROM ticks ORDER BY tick")
    last = [float(cell) for cell in rows[-1]]
    assert last[2] == pytest.approx(sum(row[0] for row in gains) / 1e7)
    assert last[3] == pytest.approx(sum(row[1] for row in gains) / 1e7)

    head, *rows = table(shown, "status")
    at = head.index("post 1")
    statuses = "SELECT tick, status FROM market_clears WHERE market_id = 1 AND commodity = 'A'"
    assert [(int(row[0]), row[at]) for row in rows if row[at]] == query(markets, statuses)

    for name in ("iterations", "residual"):
        column = "convergence_iterations" if name == "iterations" else "abs(residual)"
        head, *rows = table(shown, name)
        at = head.index("post 0")
        found = [(float(row[0]), float(row[at])) for row in rows if row[at]]
        where = "FROM market_clears WHERE market_id = 0 AND commodity = 'A'"
        assert found == query(markets, f"SELECT tick, {column} {where}")


def test_what_is_drawn_is_what_is_told(markets: Path, show: Show) -> None:
    """The values that uPlot draws are those of the CSV."""
    shown = show(markets)
    drawn = shown.ask("() => R.drawn('Gains from trade').map((column) => Array.from(column))")
    told = numbers(table(shown, "gains")[1:])
    assert [list(row) for row in zip(*drawn, strict=True)] == told


def test_the_curve_is_the_chosen_clear_s(markets: Path, show: Show) -> None:
    shown = show(markets)
    ((tick,),) = query(
        markets,
        "SELECT max(tick) FROM clear_curves WHERE market_id = 0 AND commodity = 'A' AND tick <= 50",
    )
    shown.page.locator("#scrubber").fill("50")
    shown.settle()
    assert f"tick {tick}:" in shown.page.locator("#card-curve .about").inner_text()
    found = numbers(table(shown, "curve")[1:])
    wanted = query(
        markets,
        "SELECT price / 10000.0, demand / 1000.0, supply / 1000.0 FROM clear_curves"
        " WHERE market_id = 0 AND commodity = 'A' AND tick = ? ORDER BY price",
        tick,
    )
    assert [tuple(row[:3]) for row in found] == wanted
    shown.page.locator("#card-curve").get_by_label("Excess demand").check()
    assert shown.page.locator("#card-curve .key").inner_text().startswith("excess demand")


def test_distributions_follow_the_tick(markets: Path, show: Show) -> None:
    shown = show(markets)
    for tick in (40, 80):
        shown.page.locator("#scrubber").fill(str(tick))
        shown.settle()
        rows = numbers(table(shown, "gain")[1:])
        gains = sorted(
            g / 1e7 for (g,) in query(markets, "SELECT gain FROM agents WHERE tick = ?", tick)
        )
        assert sum(row[2] or 0 for row in rows) == len(gains)
        assert rows[0][0] == pytest.approx(gains[0])
        assert rows[-1][1] == pytest.approx(gains[-1])
        first = sum(gain < (rows[0][1] or 0) for gain in gains)
        assert rows[0][2] == first


def test_keyboard_and_play(markets: Path, show: Show) -> None:
    shown = show(markets)
    scrubber = shown.page.locator("#scrubber")
    scrubber.focus()
    for key, tick in (("Home", "-1"), ("ArrowRight", "0"), ("ArrowRight", "1"), ("End", "89")):
        shown.page.keyboard.press(key)
        assert scrubber.input_value() == tick
    shown.page.locator("#map").focus()
    shown.page.keyboard.press("ArrowLeft")
    assert scrubber.input_value() == "88"
    play = shown.page.locator("#play")
    scrubber.fill("3")
    play.focus()
    shown.page.keyboard.press("Enter")
    assert play.get_attribute("aria-label") == "Pause"
    shown.wait("() => R.clock.tick > 5")
    shown.page.keyboard.press("Enter")
    assert play.get_attribute("aria-label") == "Play"
    # Everything that can be pressed has a name.
    named = "e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length"
    pressed = "document.querySelectorAll('button, input, select, [role=img], [role=region]')"
    nameless = f"[...{pressed}].filter((e) => !(e.closest('[hidden]') || {named}))"
    assert shown.page.evaluate(f"{nameless}.map((e) => e.outerHTML)") == []


def test_numbers_as_table_copy_and_file(markets: Path, show: Show, tmp_path: Path) -> None:
    shown = show(markets, permissions=["clipboard-read", "clipboard-write"])
    card = shown.page.locator("#card-gains")
    card.locator("summary").click()
    card.locator("table").wait_for()
    told = table(shown, "gains")
    assert card.locator("thead th").all_inner_texts() == told[0]
    assert card.locator("tbody tr").count() == len(told) - 1
    card.get_by_text("Copy CSV").click()
    shown.wait("() => document.getElementById('said').textContent === 'Copied.'")
    assert (
        list(csv.reader(io.StringIO(shown.page.evaluate("navigator.clipboard.readText()")))) == told
    )
    with shown.page.expect_download() as waited:
        card.get_by_text("Download CSV").click()
    assert waited.value.suggested_filename == "gains.csv"
    waited.value.save_as(tmp_path / "gains.csv")
    with (tmp_path / "gains.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == told


def test_theme_follows_the_system_and_the_switch(markets: Path, show: Show) -> None:
    shown = show(markets, color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = shown.page.evaluate(background)
    shown.page.locator("#theme").click()
    light = shown.page.evaluate(background)
    assert dark != light
    assert shown.page.locator("#theme").inner_text() == "Dark colours"
    other = show(markets, color_scheme="light")
    assert other.page.evaluate(background) == light


LONELY = {
    "populations": [
        {
            "name": "hermits",
            "count": 1,
            "initial_positions": {"at": [4, 4]},
            "inventories": {"A": 5, "B": 5, "M": 100},
            "utilities": [{"type": "linear", "weights": [0.7, 0.3]}],
        }
    ]
}
CASES: dict[str, tuple[int, dict[str, Any]]] = {
    "no tick": (0, {}),
    "one tick": (1, {}),
    "a post without trades": (6, LONELY),
    "no post": (4, {"market_posts": []}),
    "names": (6, {"name": NAUGHTY, "description": NAUGHTY, "populations": [
        WALKERS["populations"][0] | {"name": NAUGHTY}]}),
}  # fmt: skip


def rename(base: Path, good: str, name: str) -> None:
    """Give a good of a recorded run another name."""
    connection = sqlite3.connect(base)
    tables = "market_clears market_prices trade_prices trades clear_curves patches"
    for each in tables.split():
        change = f"UPDATE {each} SET commodity = ? WHERE commodity = ?"  # noqa: S608 - our own names
        connection.execute(change, (name, good))
    connection.execute("UPDATE runs SET goods = ?", (json.dumps([name, "B"]),))
    connection.commit()
    connection.close()


@pytest.mark.parametrize("viewport", [LAPTOP, PHONE], ids=["laptop", "phone"])
@pytest.mark.parametrize("case", CASES)
def test_odd_runs(case: str, viewport: dict[str, int], show: Show, tmp_path: Path) -> None:
    ticks, changes = CASES[case]
    base = record(tmp_path / "run.db", ticks, **changes)
    if case == "names":  # of goods too, as no scenario can say it
        rename(base, "A", NAUGHTY)
    shown = show(base, viewport=viewport)
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert (
        shown.page.locator("h1").inner_text().split() == str(changes.get("name", "walkers")).split()
    )
    shown.page.locator("#scrubber").fill("0")
    for summary in shown.page.locator("summary").all():
        summary.click()
    shown.settle()
    count = query(base, "SELECT count(*) FROM agents WHERE tick = ?", min(ticks - 1, 0))[0][0]
    assert len(shown.ask("() => R.agents()")) == count > 0


@pytest.mark.parametrize("options", [{"snapshot_every": 0}, {"telemetry_level": "summary"}])
def test_runs_that_recorded_little(options: dict[str, Any], show: Show, tmp_path: Path) -> None:
    base = tmp_path / "run.db"
    with Simulation(from_dict(WALKERS), seed=7, telemetry=base, **options) as simulation:
        simulation.run(12)
    shown = show(base)
    shown.page.locator("#scrubber").fill("5")
    shown.settle()
    agents = query(base, "SELECT count(*) FROM agents WHERE tick = 5")[0][0]
    assert shown.page.locator("#map").get_attribute("data-agents") == str(agents)
    assert len(table(shown, "prices")) > 1


def test_comparison_shares_axes(markets: Path, show: Show, tmp_path: Path) -> None:
    other = shipped(tmp_path / "other.db", 60, seed=3)
    empty = record(tmp_path / "empty.db", 0)
    shown = show(markets, other, empty, viewport=PHONE)
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    ranges = shown.ask("() => R.scalesOf('Gains from trade')")
    assert len(ranges) == 2
    assert ranges[0] == ranges[1]
    head, *rows = table(shown, "results")
    assert head[1:] == [markets.parent.name, "other.db", "empty.db"]
    trades = next(row for row in rows if row[0] == "trades at posts")
    wanted = [
        query(base, "SELECT coalesce(sum(market_trades), 0) FROM ticks")[0][0]
        for base in (markets, other, empty)
    ]
    assert [int(cell) for cell in trades[1:]] == wanted
    parameters = {row[0]: row[1:] for row in table(shown, "parameters")}
    assert parameters["seed"] == ["42", "3", "7"]


def test_controls_choose_goods_and_posts(markets: Path, show: Show) -> None:
    shown = show(markets)
    bar = shown.page.locator("section > .controls.bar")
    bar.get_by_label("Good").select_option(label="B")
    assert "post 1, published [M]" not in table(shown, "prices")[0]
    bar.get_by_label("Good").select_option(label="A")
    bar.get_by_label("post 0").uncheck()
    assert "post 0, published [M]" not in table(shown, "prices")[0]
    for by in ("population", "target", "wealth", "gain"):
        shown.page.get_by_label("Colour by").select_option(by)
    for box in shown.page.locator("#card-map input[type=checkbox]").all():
        box.set_checked(not box.is_checked())
    shown.settle()


def test_posts_that_are_not_shown_are_named(markets: Path, show: Show) -> None:
    shown = show(markets)
    bar = shown.page.locator("section > .controls.bar")
    words = shown.page.locator("#posts-left-out")
    legend = shown.page.locator("#card-status .legend li")
    for good in ("B", "A"):
        bar.get_by_label("Good").select_option(label=good)
        told = words.inner_text() if words.is_visible() else ""
        posts = "SELECT market_id, commodities FROM market_posts"
        others = [post for post, sold in query(markets, posts) if good not in json.loads(sold)]
        assert re.findall(r"post (\d+)", told) == [str(post) for post in others]
        wanted = query(
            markets,
            "SELECT DISTINCT c.status FROM market_clears AS c WHERE commodity = ? ORDER BY 1",
            good,
        )
        assert sorted(text.partition(":")[0] for text in legend.all_inner_texts()) == [
            status for (status,) in wanted
        ]
    # A box that is pressed keeps the focus, though the list is made anew.
    box = bar.get_by_label("post 0")
    box.focus()
    shown.page.keyboard.press("Space")
    assert not box.is_checked()
    assert box.evaluate("(element) => element === document.activeElement")


def test_the_map_s_legend_says_what_is_drawn(markets: Path, show: Show, tmp_path: Path) -> None:
    shown = show(markets)
    legend = shown.page.locator("#card-map .legend")
    assert "outlined patch: empty" in legend.inner_text()
    for name, checked in (("interaction", True), ("visibility", True), ("broadcast", False)):
        box = shown.page.get_by_label(f"{name.capitalize()} radius")
        assert (box.is_checked(), f"{name} radius" in legend.inner_text()) == (checked, checked)
        box.set_checked(not checked)
        assert (f"{name} radius" in legend.inner_text()) != checked
    shown.page.get_by_label("Patches").uncheck()
    assert "patch" not in legend.inner_text()
    postless = show(record(tmp_path / "run.db", 3, market_posts=[]))
    assert postless.page.get_by_label("radius").count() == 0
    assert postless.page.get_by_label("Patches").count() == 1


def test_bars_stand_on_their_ticks_and_axes_agree(show: Show, tmp_path: Path) -> None:
    base = record(tmp_path / "run.db", 20)
    shown = show(base)
    titles = ("Prices", "Volume", "How posts cleared", "How all clears ended", "Trades", "Gini")
    found = [shown.ask("(title) => R.scalesOf(title)[0].slice(0, 2)", each) for each in titles]
    assert found == [[-1.5, 19.5]] * len(titles)
    ((tick,),) = query(base, "SELECT min(tick) FROM trade_prices WHERE quantity > 0")
    shown.ask("(tick) => R.clock.set(tick)", tick)
    shown.settle()
    # A click on the bar goes to its tick, wherever on the bar it is.
    over = shown.page.locator("#card-volume .u-over")
    over.scroll_into_view_if_needed()
    for aside in (-0.4, 0.4):
        shown.ask("() => R.clock.set(-1)")
        box = over.bounding_box()
        assert box
        over.click(position={"x": (tick + aside + 1.5) / 21 * box["width"], "y": 60})
        assert shown.ask("() => R.clock.tick") == tick


def test_charts_are_looked_at_closely_by_keyboard(markets: Path, show: Show) -> None:
    shown = show(markets, reduced_motion="reduce")

    def ticks(title: str) -> list[float]:
        found: list[float] = shown.ask("(title) => R.scalesOf(title)[0].slice(0, 2)", title)
        return found

    whole = ticks("Prices")
    shown.ask("() => R.clock.set(40)")
    plot = shown.page.locator("#card-prices .plot")
    plot.focus()
    shown.page.keyboard.press("+")
    shown.settle()
    low, high = ticks("Prices")
    assert high - low == pytest.approx((whole[1] - whole[0]) / 2)
    assert (low + high) / 2 == pytest.approx(40)
    assert ticks("Volume") == [low, high]
    shown.page.keyboard.press("+")
    shown.page.keyboard.press("-")
    shown.settle()
    assert ticks("Prices") == pytest.approx([low, high])
    shown.page.locator("#card-prices .key").first.click()  # a hidden line leaves the stretch
    assert ticks("Prices") == pytest.approx([low, high])
    plot.focus()
    shown.page.keyboard.press("Tab")
    shown.page.keyboard.press("Enter")
    shown.settle()
    assert ticks("Prices") == ticks("Volume") == whole
    assert plot.evaluate("(element) => element === document.activeElement")
    assert not shown.page.get_by_text("Show all", exact=True).first.is_visible()
    plot.press("+")
    plot.press("0")
    shown.settle()
    assert ticks("Prices") == whole


def test_every_stop_of_the_tab_key_is_seen(show: Show, tmp_path: Path) -> None:
    shown = show(record(tmp_path / "run.db", 5))
    stop = """() => {
      const e = document.activeElement, box = e.getBoundingClientRect();
      const clock = document.getElementById("clock"), bar = clock.getBoundingClientRect();
      const seen = box.width > 0 && box.top < innerHeight && box.bottom > 0;
      const covered = !clock.contains(e) && box.top >= bar.top;
      const place = (e.compareDocumentPosition(window.before || document.body) & 2) > 0;
      window.before = e;
      const outlined = getComputedStyle(e).outlineStyle !== "none";
      return e === document.body ? null : [seen && outlined && !covered && place, e.outerHTML];
    }"""
    stops = []
    while True:
        shown.page.keyboard.press("Tab")
        found = shown.page.evaluate(stop)
        if found is None:
            break
        stops.append(found)
        assert len(stops) < 400
    assert len(stops) > 60
    assert [text for fine, text in stops if not fine] == []


@pytest.mark.parametrize(
    ("share", "told"),
    [(1.0, "100 %"), (0.9996, "99.96 %"), (0.9999999, "> 99.99 %"), (0.95, "95 %"), (0.0, "0 %")],
)
def test_no_percentage_is_rounded_up_to_all(
    share: float, told: str, markets: Path, show: Show
) -> None:
    shown = show(markets)
    assert shown.ask("(share) => R.percent(share)", share).replace("\u202f", " ") == told


@pytest.mark.slow
def test_a_million_agents(show: Show, tmp_path: Path) -> None:
    base = million(tmp_path / "run.db")
    shown = show(base)
    assert "5,000 of 1,000,000 agents" in shown.page.locator("#card-map .note").inner_text()
    shown.page.locator("#scrubber").fill("47")
    assert shown.page.locator("#map").get_attribute("data-snapshot") == "40"
    shown.page.get_by_label("Heat map").uncheck()
    shown.settle()
    found = shown.ask("() => R.agents().map((each) => [each.id, each.x, each.y])")
    wanted = query(base, "SELECT agent_id, x, y FROM agents WHERE tick = 40 ORDER BY agent_id")
    assert [tuple(each) for each in found] == wanted
