"""Calling the posts of a batch: schedules, one price a good, and an exact settlement."""

from __future__ import annotations

import numpy as np

from ecs_market.components.call_auction import ZI_U
from ecs_market.components.inventory import Inventory
from ecs_market.components.market_account import MarketAccount
from ecs_market.kernels.call_money import charge
from ecs_market.kernels.demand_schedules import FIELDS
from ecs_market.kernels.uniform_price import clear_calls
from ecs_market.mechanisms.batch import Batch
from ecs_market.mechanisms.call_report import Called, Ladder, Round, report
from ecs_market.mechanisms.schedules import (
    CallRules,
    Gathered,
    kernels,
    market_of,
    members_of,
    orders_for,
    scale_of,
    still_good,
)
from ecs_market.types import I64, Bool


def call(batch: Batch, called: Bool, rules: CallRules, gathered: Gathered | None = None) -> Called:
    """Clear the goods of the posts called, one after the other, and book the trades.

    Parameters
    ----------
    called
        bool (posts,), which posts are called.
    gathered
        Orders handed in before; members of posts that gather orders hand in none now.

    Returns
    -------
    Called
        Each good's schedules are those of what the goods before left their members with.
    """
    goods = batch.world.goods
    at = np.repeat(np.arange(batch.posts), np.diff(batch.first))
    rounds = []
    start_lots = batch.lots.copy()
    for k in range(goods):
        here = called & batch.commodities[:, k]
        found = _call_good(batch, at, here, rules, gathered, k)
        _book(batch, at, found, k)
        rounds.append(found)
    return report(batch, called, rounds, batch.lots - start_lots)


def _call_good(
    batch: Batch, at: I64, called: Bool, rules: CallRules, gathered: Gathered | None, k: int
) -> Round:
    """Find one good's price and fills; orders of who would end up worse off are dropped."""
    if gathered is None:
        records = orders_for(batch, called, rules, k)
    else:
        fresh = orders_for(batch, called & ~gathered.posts, rules, k)
        records = np.concatenate([fresh, still_good(batch, called, gathered, k)])
    forgiving = rules.behaviour[at] == ZI_U
    while True:
        found = _clear_book(batch, at, called, rules, _sorted(batch, at, records), k)
        worse = (found.gain < 0.0) & ~forgiving
        if not worse.any():
            return found
        records = records[~worse[records[:, 0]]]


def _sorted(batch: Batch, at: I64, records: I64) -> Ladder:
    """Sort orders by post, bids first, then by limit and id; a member's blocks keep their order."""
    member, lots, limit = (records[:, column] for column in range(FIELDS))
    sells = lots < 0
    order = np.lexsort((batch.id[member], np.where(sells, limit, -limit), sells, at[member]))
    side = 2 * at[member] + sells
    first = np.zeros(2 * batch.posts + 1, np.int64)
    np.cumsum(np.bincount(side, minlength=2 * batch.posts), out=first[1:])
    return Ladder(member[order], np.abs(lots[order]), limit[order], ~sells[order], first)


def _clear_book(
    batch: Batch, at: I64, called: Bool, rules: CallRules, book: Ladder, k: int
) -> Round:
    world = batch.world
    market = market_of(batch)
    filled = np.zeros(len(book.lots), np.int64)
    price, paid, got, demand, supply, best_bid, best_ask = (
        np.zeros(batch.posts, np.int64) for _ in range(7)
    )
    world.over(
        0,
        batch.posts,
        clear_calls,
        book.first,
        book.limit,
        book.lots,
        called,
        rules.lowest[:, k].copy(),
        rules.highest[:, k].copy(),
        rules.k,
        rules.mcafee,
        filled,
        price,
        paid,
        got,
        demand,
        supply,
        best_bid,
        best_ask,
        cost=max(1, len(filled) // max(1, batch.posts)),
    )
    change, fee, cost = (np.zeros(batch.size, np.int64) for _ in range(3))
    np.add.at(change, book.member, np.where(book.buys, filled, -filled))
    charge(at, change, price, paid, got, market.fee_ppb, market.fee_per_lot, fee, cost)
    gain = np.zeros(batch.size)
    gains = kernels(world.families).gains
    world.over(0, batch.size, gains, k, change, cost, members_of(batch), scale_of(batch), gain)
    return Round(book, filled, price, demand, supply, best_bid, best_ask, change, fee, cost, gain)


def _book(batch: Batch, at: I64, found: Round, k: int) -> None:
    """Move goods and money in the world's own columns, and the fees to the posts' accounts."""
    if not found.change.any():
        return
    world = batch.world
    inventory = world.agents.whole(Inventory)
    batch.lots[:, k] += found.change
    batch.minor -= found.paid
    inventory.goods[batch.row] = batch.lots
    inventory.money[batch.row] = batch.minor
    world.scratch.filled[batch.row] |= found.change != 0
    account = world.posts.whole(MarketAccount).money[batch.table.start : batch.table.stop]
    np.add.at(account, at, found.fee)
