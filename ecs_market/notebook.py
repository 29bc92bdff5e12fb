"""How a simulation and its posts look in a notebook: compact HTML without colours of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from ecs_market.errors import InputError, MarketError

if TYPE_CHECKING:
    from ecs_market.market_view import MarketView
    from ecs_market.simulation import Simulation

POSTS_SHOWN = 10
GOODS_SHOWN = 6
ROWS_READ = 20_000
"""Of the newest prices so many are looked at, so that showing a long run takes no time."""
POINTS = 120

Line = list[tuple[int, float]]
Prices = dict[tuple[int, str], Line]

_RECENT = """\
SELECT p.market_id, p.commodity, p.tick, p.price / r.price_steps_per_money
FROM market_prices AS p CROSS JOIN runs AS r
WHERE p.rowid > (SELECT max(rowid) FROM market_prices) - ?"""


def simulation_html(simulation: Simulation, *, closed: bool) -> str:
    """Return a simulation's facts and a row a post; of a closed one the facts alone."""
    facts = [f"seed {simulation.seed}", f"tick {simulation.tick:,}"]
    if closed:
        path = simulation.telemetry.path
        facts += ["closed", *([] if path is None else [f"telemetry in {path.name}"])]
        return _head(f"Simulation {simulation.scenario.name}", facts)
    world = simulation.world
    facts.append(f"{world.agents.size:,} agents")
    totals = world.totals
    trades = f"{totals.market_trades:,} trades at posts, {totals.bilateral_trades:,} face to face"
    posts = posts_html(simulation.markets)
    return _head(f"Simulation {simulation.scenario.name}", [*facts, trades]) + posts


def posts_html(posts: Sequence[MarketView]) -> str:
    """Return a table with a row a post: where it is, what it charges, how it last cleared."""
    shown = posts[:POSTS_SHOWN]
    if not shown:
        return _paragraph("no market posts")
    try:
        goods = list(dict.fromkeys(good for post in shown for good in post.commodities[:-1]))
        rows = [[str(p.id), p.mechanism_type, f"{p.location}", p.status] for p in shown]
        prices = [post.current_prices for post in shown]
    except InputError as error:
        return _paragraph(str(error))
    lines = _recent(shown[0].simulation, shown)
    for post, row, price in zip(shown, rows, prices, strict=True):
        row[:] = map(escape, row)
        row += [
            _price(price.get(good), lines.get((post.id, good), []), good)
            for good in goods[:GOODS_SHOWN]
        ]
    names = ["post", "mechanism", "cell", "status"]
    names += [f"{good} [M / unit]" for good in goods[:GOODS_SHOWN]]
    left_out = [
        f"{count:,} more {name}"
        for count, name in (
            (len(posts) - len(shown), "posts"),
            (len(goods) - GOODS_SHOWN, "goods"),
        )
        if count > 0
    ]
    return _table(names, rows) + (_paragraph("and " + ", ".join(left_out)) if left_out else "")


def post_html(post: MarketView) -> str:
    """Return one post's facts and a row a good."""
    try:
        goods = post.commodities[:-1]
    except InputError as error:
        return _paragraph(str(error))
    last = post.last_clear_tick
    facts = [
        post.mechanism_type,
        f"on cell {post.location}",
        "no trade yet" if last is None else f"last trade in tick {last:,}",
        f"status {post.status}",
    ]
    lines, prices = _recent(post.simulation, [post]), post.current_prices
    formed, owned = post.price_formed_at, post.account
    rows = [
        [
            escape(good),
            _price(prices.get(good), lines.get((post.id, good), []), good),
            f"{formed[good]:,}" if good in formed else "",
            f"{owned[good]:,.10g}",
        ]
        for good in goods[:GOODS_SHOWN]
    ]
    rows.append(["M", "", "", f"{owned['M']:,.10g}"])
    names = ["good", "price [M / unit]", "formed in tick", "owned by the post"]
    more = len(goods) - GOODS_SHOWN
    foot = _paragraph(f"and {more:,} more goods") if more > 0 else ""
    return _head(f"Market post {post.id}", facts) + _table(names, rows) + foot


def sparkline_svg(line: Line, label: str) -> str:
    """Return a line of prices as a picture in the colour of the text around it."""
    ticks, values = zip(*line, strict=True)
    low, high = min(values), max(values)
    across, up = max(ticks[-1] - ticks[0], 1), high - low
    kept = [*line[:: max(1, len(line) // POINTS)], line[-1]]
    points = " ".join(
        f"{2 + 96 * (tick - ticks[0]) / across:.1f},"
        f"{16 - 14 * ((value - low) / up if up else 0.5):.1f}"
        for tick, value in kept
    )
    told = f"{label}, ticks {ticks[0]} to {ticks[-1]}: from {low:,.10g} to {high:,.10g}"
    return (
        f'<svg width="100" height="18" role="img" aria-label="{escape(told)}" '
        f'style="vertical-align:middle"><title>{escape(told)}</title><polyline '
        f'points="{points}" fill="none" stroke="currentColor" stroke-width="1.2"/></svg>'
    )


def _recent(simulation: Simulation, posts: Iterable[MarketView]) -> Prices:
    """Return the newest prices of posts as far as they are recorded."""
    shown = {post.id for post in posts}
    try:
        rows = simulation.telemetry.query(_RECENT, (ROWS_READ,))
    except MarketError:  # what is shown says what there is; nothing is recorded, or no longer
        return {}
    lines: Prices = {}
    for ident, good, tick, price in rows:
        if ident in shown:
            lines.setdefault((ident, good), []).append((tick, price))
    return lines


def _price(price: float | None, line: Line, good: str) -> str:
    if price is None:
        return "-"
    drawn = " " + sparkline_svg(line, f"price of {good}") if len(line) > 1 else ""
    return f"{price:,.10g}{drawn}"


def _head(title: str, facts: Sequence[str]) -> str:
    return f"<div><strong>{escape(title)}</strong>: {escape(', '.join(facts))}</div>"


def _paragraph(text: str) -> str:
    return f"<div>{escape(text)}</div>"


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of cells that are HTML already; notebooks give it their own looks."""
    head = "".join(f'<th scope="col" style="text-align:left">{escape(name)}</th>' for name in names)
    body = "".join(
        "<tr>"
        + "".join(f'<td style="text-align:left;white-space:nowrap">{cell}</td>' for cell in row)
        + "</tr>"
        for row in rows
    )
    return (
        f'<table style="color:inherit"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    )
