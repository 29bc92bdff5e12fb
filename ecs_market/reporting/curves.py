"""Demand and supply around the price of single clears."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecs_market.reporting.encoding import pack
from ecs_market.reporting.reading import Codes, RunDatabase
from ecs_market.reporting.sampling import CURVE_POINTS, evenly
from ecs_market.types import Column as Array

_NAMES = ("good", "market", "tick", "price", "demand", "supply")


def curves_of(database: RunDatabase) -> dict[str, Any]:
    """Return demand and supply [lot] at prices [step]: schedules of clears, and of books' orders.

    Points are sorted by post, good, tick and price; `orders` holds what was bid and asked at each
    limit of auctions, which a page adds up.
    """
    goods = Codes.of(database.goods)
    schedules: list[Array] = [np.empty(0, np.int64)] * len(_NAMES)
    if database.has("clear_curves"):
        schedules = database.columns(
            "SELECT commodity, market_id, tick, price, demand, supply FROM clear_curves",
            text=(goods,),
        )
    orders: list[Array] = [np.empty(0, np.int64)] * len(_NAMES)
    if database.has("market_orders"):
        orders = database.columns(
            "SELECT commodity, market_id, tick, limit_price,"
            " sum(CASE direction WHEN 'buy' THEN quantity ELSE 0 END),"
            " sum(CASE direction WHEN 'sell' THEN quantity ELSE 0 END) FROM market_orders"
            " WHERE limit_price NOT NULL AND status <> 'rejected' GROUP BY 2, 1, 3, 4",
            text=(goods,),
        )
        orders = _of_clears(database, orders)
    return {
        "recorded": database.has("clear_curves"),
        "orders_recorded": database.has("market_orders"),
        "schedules": _packed(schedules),
        "orders": _packed(orders),
    }


def _of_clears(database: RunDatabase, orders: list[Array]) -> list[Array]:
    """Leave out orders of ticks in which their post traded nothing."""
    market, tick = database.columns(
        "SELECT DISTINCT market_id, tick FROM market_clears WHERE quantity_traded > 0"
    )
    kept = np.isin(orders[1] << 32 | orders[2], market << 32 | tick)
    return [column[kept] for column in orders]


def _packed(columns: list[Array]) -> dict[str, Any]:
    good, market, tick, price, *_ = columns
    order = np.lexsort((price, tick, good, market))
    columns = [column[order] for column in columns]
    good, market, tick, *_ = columns
    new = np.ones(len(tick), bool)
    new[1:] = (np.diff(good) != 0) | (np.diff(market) != 0) | (np.diff(tick) != 0)
    clear = np.cumsum(new) - 1
    clears, points = int(new.sum()), len(tick)
    shown = np.arange(clears)
    if points > CURVE_POINTS:
        shown = evenly(clears, max(CURVE_POINTS * clears // points, 2))
        columns = [column[np.isin(clear, shown)] for column in columns]
    return {
        "clears": clears,
        "kept": len(shown),
        **{name: pack(column) for name, column in zip(_NAMES, columns, strict=True)},
    }
