"""Orders that wait at a call auction for the end of its interval."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ecs_market.components.call_auction import GatheredOrders
from ecs_market.mechanisms.batch import Batch
from ecs_market.mechanisms.schedules import CallRules, Gathered, market_of, orders_for
from ecs_market.mechanisms.settlement import CANCELLED, OPEN, Orders, post_ids
from ecs_market.types import I64, Bool


def gather_orders(
    batch: Batch, gathers: Bool, called: Bool, rules: CallRules, book: GatheredOrders
) -> tuple[Gathered, list[Orders]]:
    """Cancel the orders of who has left, take those of who has come, and empty what is called.

    Parameters
    ----------
    gathers, called
        bool (posts,): posts that gather orders; posts whose orders are cleared now.
    book
        What waits; afterwards, what waits on.

    Returns
    -------
    gathered : Gathered
        All orders of members, those taken now among them.
    changes : list of Orders
        The orders cancelled, and those that wait from now on.
    """
    member = _members(batch, book)
    gone = (member < 0) & ~_resting(batch, book)
    cancelled = _reported(book, gone, CANCELLED)
    away = GatheredOrders(*(column[(member < 0) & ~gone] for column in _columns(book)))
    there = member >= 0
    records = [
        np.stack([member, book.good, book.sells, book.lots, book.price], axis=1)[there],
        _handed_in(batch, batch.active & gathers, rules, member[there]),
    ]
    whose, good, sells, lots, limit = np.concatenate(records).T.copy()
    at = np.repeat(np.arange(batch.posts), np.diff(batch.first))[whose]
    everything = GatheredOrders(
        post_ids(batch)[at], batch.id[whose], good, sells.astype(np.bool_), lots, limit
    )
    waits = ~called[at]
    opened = _reported(everything, waits & (np.arange(len(whose)) >= len(records[0])), OPEN)
    kept = (column[waits] for column in _columns(everything))
    for name, old, new in zip(_names(), _columns(away), kept, strict=True):
        setattr(book, name, np.concatenate([old, new]))
    gathered = Gathered(gathers, whose, good, everything.sells, lots, limit)
    return gathered, [cancelled, opened]


def _handed_in(batch: Batch, posts: Bool, rules: CallRules, known: I64) -> I64:
    """Return the orders of members that have none yet: member, good, sells, lots, limit."""
    new = posts[np.repeat(np.arange(batch.posts), np.diff(batch.first))]
    new[known] = False
    found = [np.empty((0, 5), np.int64)]
    for k in range(batch.world.goods if new.any() else 0):
        taken = orders_for(batch, posts & batch.commodities[:, k], rules, k, ahead=True)
        whose, lots, limit = taken[new[taken[:, 0]]].T
        found.append(np.stack([whose, np.full(len(whose), k), lots < 0, np.abs(lots), limit], 1))
    return np.concatenate(found)


def _members(batch: Batch, book: GatheredOrders) -> I64:
    """Return the member whose order each entry is, -1 where its agent is not at the post."""
    found = np.full(len(book.agent), -1, np.int64)
    if not batch.size or not len(found):
        return found
    order = np.argsort(batch.id)
    place = np.minimum(np.searchsorted(batch.id, book.agent, sorter=order), batch.size - 1)
    member = order[place]
    at = np.repeat(post_ids(batch), np.diff(batch.first))
    return np.where((batch.id[member] == book.agent) & (at[member] == book.post), member, found)


def _resting(batch: Batch, book: GatheredOrders) -> Bool:
    """Return which entries are at posts where nobody is admitted in this tick (`clear_every`)."""
    closed = (batch.world.tick + 1) % np.maximum(market_of(batch).clear_every, 1) != 0
    return np.isin(book.post, post_ids(batch)[closed])


def _names() -> list[str]:
    return [each.name for each in dataclasses.fields(GatheredOrders)]


def _columns(book: GatheredOrders) -> list[Any]:
    return [getattr(book, name) for name in _names()]


def _reported(book: GatheredOrders, chosen: Bool, status: int) -> Orders:
    lots = np.where(book.sells, -book.lots, book.lots)[chosen]
    return Orders(
        market=book.post[chosen],
        agent=book.agent[chosen],
        good=book.good[chosen],
        lots=lots,
        limit=book.price[chosen],
        filled=np.zeros(len(lots), np.int64),
        status=np.full(len(lots), status, np.int64),
    )


def join_orders(parts: list[Orders]) -> Orders:
    """Return several lists of orders as one."""
    columns = [each.name for each in dataclasses.fields(Orders)]
    return Orders(*(np.concatenate([getattr(part, name) for part in parts]) for name in columns))
