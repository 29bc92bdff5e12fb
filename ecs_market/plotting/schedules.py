"""Demand and supply in one clear."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecs_market.errors import InputError
from ecs_market.plotting.source import Source
from ecs_market.plotting.style import axes, colour, dash, legend
from ecs_market.types import F64

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CURVE = (
    "SELECT price, demand, supply FROM clear_curves_units"
    " WHERE market_id = ? AND commodity = ? AND tick = ? ORDER BY price"
)
_ORDERS = (
    "SELECT limit_price, sum(quantity) FROM market_orders_units WHERE market_id = ?"
    " AND commodity = ? AND tick = ? AND direction = ? AND limit_price NOT NULL"
    " AND status <> 'rejected' GROUP BY limit_price ORDER BY limit_price"
)


def excess_demand(source: Source, post: int, good: str, tick: int | None, ax: Axes | None) -> Axes:
    """Draw demand less supply; see `Plots.excess_demand`."""
    ax = axes(ax)
    at = _clear(source, "clear_curves", post, good, tick)
    if at is None:
        raise _missing(source, post, good, tick)
    price, demand, supply = source.columns(_CURVE, (post, good, at), width=3)
    ax.axhline(0.0, color="0.6", linewidth=0.8)
    ax.plot(price, demand - supply, color=colour(0), marker=".", label=f"tick {at}")
    _mark(source, ax, post, good, at, upright=True)
    ax.set_xlabel(f"price of {good} [M / unit]")
    ax.set_ylabel(f"excess demand for {good} [unit]")
    legend(ax, least=1)
    return ax


def schedules(source: Source, post: int, good: str, tick: int | None, ax: Axes | None) -> Axes:
    """Draw demand and supply; see `Plots.schedules`."""
    ax = axes(ax)
    at = _clear(source, "clear_curves", post, good, tick)
    if at is not None:
        price, demand, supply = source.columns(_CURVE, (post, good, at), width=3)
        lines = {"demand": (demand, price), "supply": (supply, price)}
    else:
        at = _clear(source, "market_orders", post, good, tick)
        lines = {} if at is None else _of_orders(source, post, good, at)
    if at is None:
        raise _missing(source, post, good, tick)
    for number, (label, (quantity, price)) in enumerate(lines.items()):
        ax.plot(quantity, price, color=colour(number), linestyle=dash(number), label=label)
    _mark(source, ax, post, good, at, upright=False)
    ax.set_xlabel(f"quantity of {good} [unit]")
    ax.set_ylabel(f"price of {good} [M / unit]")
    legend(ax, least=1)
    return ax


def _of_orders(source: Source, post: int, good: str, tick: int) -> dict[str, tuple[F64, F64]]:
    """Return steps of demand, from the highest bid down, and of supply, from the lowest ask up."""
    found = {}
    for label, direction in (("demand", "buy"), ("supply", "sell")):
        price, quantity = source.columns(_ORDERS, (post, good, tick, direction))
        if label == "demand":
            price, quantity = price[::-1], quantity[::-1]
        if len(price):
            total = np.concatenate([[0.0], np.repeat(np.cumsum(quantity), 2)])[:-1]
            found[label] = (total, np.repeat(price, 2))
    return found


def _clear(source: Source, table: str, post: int, good: str, tick: int | None) -> int | None:
    """Return the last tick up to `tick` in which a table has rows of a good at a post."""
    source.chosen_posts(post)
    source.chosen_goods(good)
    until = "" if tick is None else f" AND tick <= {int(tick)}"
    limit = " AND limit_price NOT NULL" if table == "market_orders" else ""
    ((found,),) = source.query(
        f"SELECT max(tick) FROM {table} WHERE market_id = ? AND commodity = ?{limit}{until}",  # noqa: S608 - our own names
        (post, good),
    )
    return None if found is None else int(found)


def _missing(source: Source, post: int, good: str, tick: int | None) -> InputError:
    until = "" if tick is None else f" up to tick {tick}"
    return InputError(
        f"no demand and supply of {good} at post {post} has been recorded{until}: Walrasian posts "
        f"have it from level 'trades', posts with limit orders from level 'orders'; this run was "
        f"recorded at level {source.run('level')[0]!r}"
    )


def _mark(source: Source, ax: Axes, post: int, good: str, tick: int, *, upright: bool) -> None:
    """Draw the clearing price."""
    for (price,) in source.query(
        "SELECT clearing_price FROM market_clears_units WHERE market_id = ? AND commodity = ?"
        " AND tick = ? AND clearing_price > 0",
        (post, good, tick),
    ):
        draw = ax.axvline if upright else ax.axhline
        draw(price, color="black", linewidth=0.8, linestyle=":", label="clearing price")
