"""Prices, volumes and clearings of the posts, and of trade face to face."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ecs_market.reporting.encoding import pack
from ecs_market.reporting.reading import Codes, RunDatabase
from ecs_market.reporting.sampling import (
    CLEAR_ROWS,
    SERIES_POINTS,
    VOLUME_BARS,
    extremes,
)
from ecs_market.types import I64
from ecs_market.types import Column as Array

FACE_TO_FACE = -1
"""Stands for the id of a post where trade was face to face."""
OTHER_POSTS = -2
"""Stands for all posts whose series are not kept."""

_LEAST_POSTS, _MOST_POSTS = 8, 1_000


def market_of(database: RunDatabase, ticks: int) -> dict[str, Any]:
    """Return the posts, what each came to, and the series of those that traded most."""
    posts = _posts(database)
    chosen = _chosen(posts)
    goods, statuses = Codes.of(database.goods), Codes()
    only = "" if len(chosen) == len(posts["id"]) else f" IN ({','.join(map(str, chosen))})"
    return {
        "goods": database.goods,
        "posts": {name: _plain(column) for name, column in posts.items()},
        "chosen": chosen,
        "clears": _clears(database, only, goods, statuses),
        "prices": _prices(database, only, goods),
        "paid": _paid(database, only, goods),
        "traded": _traded(database, ticks, only, goods),
        "overall": _overall(database, ticks, goods),
        "statuses": statuses.names,
        "status_counts": _status_counts(database, ticks, statuses),
    }


def _plain(column: Any) -> Any:
    return pack(column) if isinstance(column, np.ndarray) else column


def _posts(database: RunDatabase) -> dict[str, Any]:
    """Return the posts in the order of ids: where they are, and what they came to."""
    mechanisms, sold = Codes(), Codes()
    found = database.columns(
        "SELECT mechanism_type, commodities, market_id, location_x, location_y, visibility_radius,"
        " interaction_radius, broadcast_radius FROM market_posts ORDER BY market_id",
        text=(mechanisms, sold),
    )
    names = ("mechanism", "goods", "id", "x", "y", "visibility", "interaction", "broadcast")
    posts: dict[str, Any] = dict(zip(names, found, strict=True))
    ids = posts["id"]
    sums = "SELECT market_id, sum(trades), sum(gain), sum(fee), count(*) FROM trade_gains"
    _add_sums(posts, ids, database.columns(f"{sums} WHERE market_id NOT NULL GROUP BY 1"))
    counted = database.columns("SELECT market_id, count(*) FROM market_clears GROUP BY 1")
    posts["rows"] = _at_ids(ids, counted[0], counted[1])
    return posts | {"mechanisms": mechanisms.names, "commodities": _goods_sold(sold)}


def _goods_sold(sold: Codes) -> list[list[str]]:
    return [[str(good) for good in json.loads(text)] for text in sold.names]


def _add_sums(posts: dict[str, Any], ids: I64, found: list[Array]) -> None:
    for name, column in zip(("trades", "gain", "fee", "clears"), found[1:], strict=True):
        posts[name] = _at_ids(ids, found[0], column)


def _at_ids(ids: I64, known: Array, values: Array) -> Array:
    """Return values in the order of ids, 0 where there is none."""
    placed = np.zeros(len(ids), values.dtype)
    if len(ids):
        at = np.minimum(np.searchsorted(ids, known), len(ids) - 1)
        fits = ids[at] == known
        placed[at[fits]] = values[fits]
    return placed


def _chosen(posts: dict[str, Any]) -> list[int]:
    """Return the ids of the posts whose series are kept, those with the most trades first."""
    order = np.lexsort((posts["id"], -posts["rows"], -posts["trades"]))[:_MOST_POSTS]
    rows = np.cumsum(np.minimum(posts["rows"][order], SERIES_POINTS))
    fitting = max(int(np.searchsorted(rows, CLEAR_ROWS, side="right")), _LEAST_POSTS)
    return [int(ident) for ident in posts["id"][order[:fitting]]]


def _where(only: str, *more: str) -> str:
    terms = [f"market_id{only}"] if only else []
    terms += more
    return f" WHERE {' AND '.join(terms)}" if terms else ""


def _clears(database: RunDatabase, only: str, goods: Codes, statuses: Codes) -> dict[str, Any]:
    good, status, *numbers = database.columns(
        "SELECT commodity, status, market_id, tick, clearing_price, total_demand, total_supply,"  # noqa: S608 - our own ids
        " quantity_traded, convergence_iterations, residual, participants FROM market_clears"
        + _where(only),
        text=(goods, statuses),
    )
    names = ("market", "tick", "price", "demand", "supply", "traded", "iterations", "residual")
    columns = dict(zip((*names, "participants"), numbers, strict=True))
    columns |= {"good": good, "status": status}
    return _table(columns, ("price", "traded", "iterations", "residual"))


def _prices(database: RunDatabase, only: str, goods: Codes) -> dict[str, Any]:
    good, *numbers = database.columns(
        "SELECT commodity, market_id, tick, price, bid_ask_spread FROM market_prices"  # noqa: S608 - our own ids
        + _where(only),
        text=(goods,),
    )
    columns = dict(zip(("market", "tick", "price", "spread"), numbers, strict=True))
    return _table(columns | {"good": good}, ("price", "spread"))


def _paid(database: RunDatabase, only: str, goods: Codes) -> dict[str, Any]:
    """Return mean prices paid and their dispersion, at the chosen posts and face to face."""
    chosen = f" WHERE market_id IS NULL OR market_id{only}" if only else ""
    good, *numbers = database.columns(
        f"SELECT commodity, coalesce(market_id, {FACE_TO_FACE}), tick, quantity, mean_price,"  # noqa: S608 - our own ids
        f" dispersion FROM trade_prices{chosen}",
        text=(goods,),
    )
    columns = dict(zip(("market", "tick", "quantity", "mean", "dispersion"), numbers, strict=True))
    return _table(columns | {"good": good}, ("mean", "quantity"))


def _table(columns: dict[str, Array], shape: tuple[str, ...]) -> dict[str, Any]:
    """Sort by post, good and tick, and thin out series that are longer than a page shows."""
    order = np.lexsort((columns["tick"], columns["good"], columns["market"]))
    columns = {name: column[order] for name, column in columns.items()}
    market, good = columns["market"], columns["good"]
    edge = np.flatnonzero((np.diff(market) != 0) | (np.diff(good) != 0)) + 1
    starts, stops = np.append(0, edge), np.append(edge, len(market))
    rows = len(market)
    if rows and (stops - starts).max() > SERIES_POINTS:
        kept = [
            start + extremes([columns[name][start:stop] for name in shape])
            for start, stop in zip(starts, stops, strict=True)
        ]
        columns = {name: column[np.concatenate(kept)] for name, column in columns.items()}
    packed = {name: pack(column) for name, column in columns.items()}
    return {"rows": rows, "kept": len(columns["market"]), "columns": packed}


def _traded(database: RunDatabase, ticks: int, only: str, goods: Codes) -> dict[str, Any]:
    """Return the volume [lot] of stretches of ticks, a good and a place of trade each."""
    stretch = _bars(ticks)
    place = (
        f"CASE WHEN market_id{only} THEN market_id ELSE {OTHER_POSTS} END" if only else "market_id"
    )
    good, market, tick, quantity = database.columns(
        f"SELECT commodity, CASE WHEN market_id IS NULL THEN {FACE_TO_FACE} ELSE {place} END,"  # noqa: S608 - our own ids
        " tick / ? * ?, sum(quantity) FROM trade_prices GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        (stretch, stretch),
        text=(goods,),
    )
    columns = {"good": good, "market": market, "tick": tick, "quantity": quantity}
    return {"stretch": stretch, "columns": {name: pack(each) for name, each in columns.items()}}


def _overall(database: RunDatabase, ticks: int, goods: Codes) -> dict[str, Any]:
    """Return, a good each, the mean price of all trades and its dispersion over time.

    Each unit counts once, wherever it was traded: the variance is that within posts and pairs
    plus that between them.
    """
    stretch = _stretch(ticks)
    good, tick, volume, paid, squares = database.columns(
        "SELECT commodity, tick / ? * ?, sum(quantity), sum(1.0 * quantity * mean_price),"
        " sum(1.0 * quantity * mean_price * mean_price * (1 + dispersion * dispersion))"
        " FROM trade_prices WHERE quantity > 0 GROUP BY 2, 1",
        (stretch, stretch),
        text=(goods,),
    )
    mean = np.divide(paid, volume) if len(volume) else np.empty(0)
    variance = np.divide(squares, volume) - mean * mean if len(volume) else np.empty(0)
    # Below the rounding of the squares there is no telling a dispersion from none.
    deviation = np.sqrt(np.where(variance > 1e-9 * mean * mean, variance, 0.0))
    columns = {"good": good, "tick": tick, "volume": volume, "mean": mean, "deviation": deviation}
    order = np.lexsort((tick, good))
    return {
        "stretch": stretch,
        "columns": {name: pack(column[order]) for name, column in columns.items()},
    }


def _bars(ticks: int) -> int:
    """Return how many ticks a bar stands for: 1, 2, 5, 10, 20, 50 and so on."""
    stretch = max(-(-ticks // VOLUME_BARS), 1)
    ten = int("1".ljust(len(str(stretch)), "0"))
    return next(step * ten for step in (1, 2, 5, 10) if step * ten >= stretch)


def _stretch(ticks: int) -> int:
    return max(-(-ticks // SERIES_POINTS), 1)


def _status_counts(database: RunDatabase, ticks: int, statuses: Codes) -> dict[str, Any]:
    """Return how many clears, of a post in a tick, ended in each status."""
    stretch = _bars(ticks)
    status, tick, count = database.columns(
        "SELECT status, tick / ? * ?, count(*)"
        " FROM (SELECT DISTINCT tick, market_id, status FROM market_clears) GROUP BY 2, 1",
        (stretch, stretch),
        text=(statuses,),
    )
    return {
        "stretch": stretch,
        "columns": {"status": pack(status), "tick": pack(tick), "count": pack(count)},
    }
