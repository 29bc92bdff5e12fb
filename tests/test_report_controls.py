"""What a report lets people choose, by pointer and by keyboard, and what it says about it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ecs_market import Simulation, load_scenario
from tests.browser import Shown
from tests.report_pages import Show, table
from tests.reports import query, record

if TYPE_CHECKING:
    from playwright.sync_api import Browser


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


@pytest.mark.parametrize("width", [360, 980])  # a phone, and where two cards stand side by side
def test_ledger_fits_and_the_next_price_is_told(
    width: int, browser: Browser, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    with Simulation(load_scenario("walrasian_two_markets"), seed=42) as simulation:
        simulation.run(55)  # its post 1 sets a price for tick 55 after the last one
        simulation.report(page)
        ((published,),) = simulation.telemetry.query(
            "SELECT price FROM market_prices_units WHERE tick = 54 AND market_id = 1"
        )
        following = simulation.markets[1].current_prices["A"]
    assert following != published
    shown = Shown(browser, page, viewport={"width": width, "height": 800})
    shown.page.locator("section > .controls.bar").get_by_label("Good").select_option(label="A")
    told = shown.page.locator("#card-prices .note").inner_text()
    assert f"post 1 {following:.4f} M" in told
    sizes = shown.page.locator("#card-ledger .scroll").evaluate(
        "e => [e.scrollWidth, e.clientWidth]"
    )
    assert sizes[0] == sizes[1] > 0
    shown.check()
    shown.context.close()


@pytest.mark.parametrize(
    ("scenario", "dot"),
    [
        ("smith_first_test", "the dot is the last of these prices"),
        ("call_auction", "The dot is the one price of the call"),
        ("single_walrasian", "The large dot is the clearing price"),
    ],
)
def test_the_dot_is_named_by_the_mechanism(
    scenario: str, dot: str, show: Show, tmp_path: Path
) -> None:
    base = tmp_path / "run.db"
    with Simulation(
        load_scenario(scenario), seed=1, telemetry=base, telemetry_level="orders"
    ) as simulation:
        simulation.run(10)
    card = show(base).page.locator("#card-curve")
    assert dot in card.locator(".note").inner_text()
    assert ("last price" in card.locator(".about").inner_text()) == ("last" in dot)


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
