"""Calling the posts of a batch: schedules, one price a good, and an exact settlement."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecs_market.components.call_auction import ZI_U
from ecs_market.components.inventory import Inventory
from ecs_market.components.market_account import MarketAccount
from ecs_market.components.market_post import CONVERGED, INDICATIVE, MARGINAL, RATIONED
from ecs_market.components.market_rules import MarketRules
from ecs_market.kernels import demand_schedules
from ecs_market.kernels.jit import specialise
from ecs_market.kernels.uniform_price import clear_calls
from ecs_market.mechanisms.batch import Batch
from ecs_market.mechanisms.settlement import (
    FILLED,
    PARTIAL,
    UNFILLED,
    Orders,
    Settled,
    Trades,
    pair_up,
    post_ids,
)
from ecs_market.preferences import families, limit_order
from ecs_market.types import F64, I8, I64, Bool

# One member's schedule in rows of the thread threshold.
SCHEDULE_COST = 16


@dataclass(slots=True)
class CallRules:
    """How posts are called; arrays have one entry a post of the batch.

    Attributes
    ----------
    k
        float64: where the price lies between the lowest and the highest that clears.
    mcafee
        bool: whether marginal orders are given up (McAfee 1992).
    order_size
        int64: the first blocks of a schedule [lot].
    behaviour
        int8, index into `call_auction.BEHAVIOURS`.
    price_low, price_high
        int64: range of what zero-intelligence members draw [price step].
    lowest, highest
        int64 (posts, K): prices allowed [price step].
    """

    k: F64
    mcafee: Bool
    order_size: I64
    behaviour: I8
    price_low: I64
    price_high: I64
    lowest: I64
    highest: I64


@dataclass(slots=True)
class Called:
    """What a call came to.

    Attributes
    ----------
    settled
        What members wanted at the prices and what they got; it is booked already.
    price
        int64 (posts, K) [price step]: uniform prices, at goods without volume a quote, 0 without
        orders.
    status
        int8 (posts,), index into `market_post.STATUSES`: the worst of a post's goods.
    orders, trades
        Every order and every trade, with fees.
    best_bid, best_ask
        int64 (posts, K) [price step]: the best limits of what is left, 0 if nothing.
    """

    settled: Settled
    price: I64
    status: I8
    orders: Orders
    trades: Trades
    best_bid: I64
    best_ask: I64


@dataclass(slots=True)
class Gathered:
    """Orders handed in before a call; arrays of one length, but for `posts`.

    Attributes
    ----------
    posts
        bool (posts,), which posts gather orders.
    member, good
        int64: member of the batch; index of the good.
    sells
        bool.
    lots, limit
        int64: quantity, not negative [lot]; limit [price step].
    """

    posts: Bool
    member: I64
    good: I64
    sells: Bool
    lots: I64
    limit: I64


@dataclass(slots=True)
class Ladder:
    """The orders of one good at all posts called, sorted by post, side and priority.

    Attributes
    ----------
    member, lots, limit
        int64 (n,): member of the batch; quantity, not negative [lot]; limit [price step].
    buys
        bool (n,).
    first
        int64 (2 posts + 1,): where the bids of a post begin, then its asks.
    """

    member: I64
    lots: I64
    limit: I64
    buys: Bool
    first: I64


@dataclass(slots=True)
class Round:
    """One good's call: the book, its fills and what they cost; arrays as in `clear_calls`."""

    book: Ladder
    filled: I64
    price: I64
    demand: I64
    supply: I64
    best_bid: I64
    best_ask: I64
    change: I64
    fee: I64
    paid: I64
    gain: F64


@functools.cache
def _kernels(codes: tuple[int, ...]) -> tuple[Any, Any, Any]:
    chosen = families.dispatch(codes)

    def made(template: Any, **names: Any) -> Any:
        return specialise(template, f"{template.__name__}_{chosen.name}", **names)

    worth_at = made(demand_schedules.worth_at, utility=chosen.utility)
    would_trade = made(demand_schedules.would_trade, worth_at=worth_at)
    block_limit = made(demand_schedules.block_limit, worth_at=worth_at, would_trade=would_trade)
    return (
        made(demand_schedules.first_quotes, block_limit=block_limit),
        made(demand_schedules.write_schedules, block_limit=block_limit),
        made(demand_schedules.gains, worth_at=worth_at, marginal=chosen.marginal),
    )


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
    return _report(batch, at, called, rounds, batch.lots - start_lots)


def _call_good(
    batch: Batch, at: I64, called: Bool, rules: CallRules, gathered: Gathered | None, k: int
) -> Round:
    """Find one good's price and fills; orders of who would end up worse off are dropped."""
    if gathered is None:
        records = orders_for(batch, called, rules, k)
    else:
        fresh = orders_for(batch, called & ~gathered.posts, rules, k)
        records = np.concatenate([fresh, _still_good(batch, at, called, gathered, k)])
    forgiving = rules.behaviour[at] == ZI_U
    while True:
        found = _clear_book(batch, at, called, rules, _sorted(batch, at, records), k)
        worse = (found.gain < 0.0) & ~forgiving
        if not worse.any():
            return found
        records = records[~worse[records[:, 0]]]


def _still_good(batch: Batch, at: I64, called: Bool, gathered: Gathered, k: int) -> I64:
    """Return gathered orders for one good, cut to what their members have by now."""
    here = (gathered.good == k) & called[at[gathered.member]]
    member, sells = gathered.member[here], gathered.sells[here]
    lots, limit = gathered.lots[here].copy(), gathered.limit[here]
    order = np.lexsort((np.where(sells, limit, -limit), sells, member))
    member, sells, lots, limit = member[order], sells[order], lots[order], limit[order]
    market = market_of(batch)
    fees = (market.fee_ppb, market.fee_per_lot)
    held = batch.lots[:, k].copy()
    demand_schedules.trim(member, sells, lots, limit, at, held, batch.minor, *fees)
    left = lots > 0
    signed = np.where(sells, -lots, lots)
    records: I64 = np.stack([member, signed, limit], axis=1)[left]
    return records


def orders_for(batch: Batch, called: Bool, rules: CallRules, k: int, *, ahead: bool = False) -> I64:
    """Return the orders for one good, int64 (n, 3): member, lots (negative to sell), limit.

    `ahead` of a call nobody knows who else will come: schedules are written out at full length.
    """
    world, market = batch.world, market_of(batch)
    at = np.repeat(np.arange(batch.posts), np.diff(batch.first))
    settings = world.settings
    if world.families == (limit_order.CODE,):
        return _limit_orders(batch, at, called, market, k)
    supply = np.zeros(batch.posts, np.int64)
    np.add.at(supply, at, batch.lots[:, k])
    if ahead:
        ledger = world.ledger
        supply[:] = (ledger.initial + ledger.harvest + ledger.host)[k]
    quotes, schedules, _ = _kernels(world.families)
    bid, ask = (np.zeros(batch.size, np.int64) for _ in range(2))
    high_bid, low_ask = (np.zeros(batch.posts, np.int64) for _ in range(2))
    members = (at, called, batch.family, batch.lots, batch.minor, k, supply)
    taste = (batch.parameters, batch.weight, settings.mode, market.fee_ppb, market.fee_per_lot)
    sizes = (world.most_steps(), settings.lot_size, settings.step_size, settings.minor_size)
    world.over(
        0,
        batch.size,
        quotes,
        *members,
        *taste,
        rules.order_size,
        *sizes,
        bid,
        ask,
        cost=SCHEDULE_COST,
    )
    demand_schedules.best_quotes(at, called, bid, ask, high_bid, low_ask)
    if ahead:
        high_bid[:], low_ask[:] = world.most_steps(), 1
    records = world.over(
        0,
        batch.size,
        schedules,
        *members,
        *taste,
        market.shading,
        rules.order_size,
        rules.behaviour,
        rules.price_low,
        rules.price_high,
        *sizes,
        bid,
        ask,
        high_bid,
        low_ask,
        world.seed,
        batch.id,
        world.tick,
        cost=SCHEDULE_COST,
    )
    none = np.empty((0, demand_schedules.FIELDS), np.int64)
    written: I64 = np.concatenate([none, *records])
    return written


def _limit_orders(batch: Batch, at: I64, called: Bool, market: MarketRules, k: int) -> I64:
    """Return orders that were handed in as such: their limits, less the fee on top of the price."""
    settings = batch.world.settings
    goods = batch.world.goods
    cap = np.rint(batch.parameters[:, goods + k] / settings.lot_size).astype(np.int64)
    sells = batch.lots[:, k] > 0
    here = called[at] & (cap > 0)
    rate = market.fee_ppb[at] / demand_schedules.PPB
    unit_fee = market.fee_per_lot[at].astype(np.float64)
    steps = np.rint(batch.parameters[:, k] / settings.step_size)
    noise = 1e-9
    bids = np.floor((steps - unit_fee) / (1.0 + rate) + noise)
    asks = np.ceil((steps + unit_fee) / (1.0 - rate) - noise)
    limit = np.where(sells, asks, bids).astype(np.int64)
    held = (1.0 - market.shading)[at] * cap
    lots = np.where(sells, -1, 1) * np.ceil(held - noise).astype(np.int64)
    kept = here & (limit > 0) & (lots != 0)
    return np.stack([np.flatnonzero(kept), lots[kept], limit[kept]], axis=1)


def market_of(batch: Batch) -> MarketRules:
    """Return the common rules of the batch's posts."""
    whole = batch.world.posts.whole(MarketRules)
    rows = slice(batch.table.start, batch.table.stop)
    return MarketRules(
        whole.clear_every[rows],
        whole.fee_ppb[rows],
        whole.fee_per_lot[rows],
        whole.price_band[rows],
        whole.shading[rows],
    )


def _sorted(batch: Batch, at: I64, records: I64) -> Ladder:
    """Sort orders by post, bids first, then by limit and id; a member's blocks keep their order."""
    member, lots, limit = (records[:, column] for column in range(demand_schedules.FIELDS))
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
    market, settings = market_of(batch), world.settings
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
    fees = (market.fee_ppb, market.fee_per_lot)
    demand_schedules.charge(0, batch.size, at, change, price, paid, got, *fees, fee, cost)
    gain = np.zeros(batch.size)
    world.over(
        0,
        batch.size,
        _kernels(world.families)[2],
        batch.family,
        batch.lots,
        batch.minor,
        change,
        cost,
        k,
        batch.parameters,
        batch.weight,
        settings.mode,
        settings.lot_size,
        settings.minor_size,
        gain,
    )
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


def _report(batch: Batch, at: I64, called: Bool, rounds: list[Round], filled: I64) -> Called:
    def by_good(name: str) -> I64:
        columns: I64 = np.stack([getattr(each, name) for each in rounds], axis=1)
        return columns

    price, demand, supply = by_good("price"), by_good("demand"), by_good("supply")
    best_bid, best_ask = by_good("best_bid"), by_good("best_ask")
    volume = np.zeros(price.shape, np.int64)
    np.add.at(volume, at, np.maximum(filled, 0))
    wished = np.zeros(filled.shape, np.int64)
    for k, each in enumerate(rounds):
        book = each.book
        limit = each.price[at[book.member]]
        inside = np.where(book.buys, book.limit >= limit, book.limit <= limit)
        signed = np.where(book.buys, book.lots, -book.lots)
        np.add.at(wished[:, k], book.member[inside], signed[inside])
    left_inside = (best_bid > price) | ((best_ask > 0) & (best_ask < price))
    status = np.where(demand == supply, CONVERGED, np.where(left_inside, RATIONED, MARGINAL))
    status = np.where(volume > 0, status, 0)
    worst = np.zeros(batch.posts, np.int8)
    for code in (CONVERGED, RATIONED, MARGINAL):
        worst[(status == code).any(axis=1)] = code
    worst[called & ~(volume > 0).any(axis=1)] = INDICATIVE
    minor = batch.world.settings.minor_size
    bound = float(2**61 // max(1, batch.size))
    gain = np.zeros(batch.size)
    for each in rounds:
        gain += each.gain
    settled = Settled(
        desired=wished,
        filled=filled,
        gain=np.clip(np.rint(gain / minor), -bound, bound).astype(np.int64),
        volume=volume,
        demand=demand,
        supply=supply,
    )
    trades = _trades(batch, filled, price, by_good("fee"))
    orders = _reported_orders(batch, at, rounds)
    return Called(settled, price, worst, orders, trades, best_bid, best_ask)


def _trades(batch: Batch, filled: I64, price: I64, fee: I64) -> Trades:
    """Pair buyers and sellers in the order of ids; each trade carries its part of their fees."""
    made = pair_up(batch, filled, price, post_ids(batch))
    made.fee = np.zeros(made.size if fee.any() else 0, np.int64)
    if len(made.fee):
        # Buyers and sellers may have paid fees on different prices.
        order = np.argsort(batch.id)
        buyer, seller = (
            order[np.searchsorted(batch.id, side, sorter=order)]
            for side in (made.buyer, made.seller)
        )
        demand_schedules.spread_fees(buyer, seller, made.good, made.quantity, filled, fee, made.fee)
    return made


def _reported_orders(batch: Batch, at: I64, rounds: list[Round]) -> Orders:
    ids = post_ids(batch)
    member = np.concatenate([each.book.member for each in rounds])
    good = np.repeat(np.arange(len(rounds)), [len(each.filled) for each in rounds])
    lots = np.concatenate([each.book.lots for each in rounds])
    filled = np.concatenate([each.filled for each in rounds])
    sign = np.where(np.concatenate([each.book.buys for each in rounds]), 1, -1)
    status = np.where(filled == lots, FILLED, np.where(filled == 0, UNFILLED, PARTIAL))
    return Orders(
        market=ids[at[member]],
        agent=batch.id[member],
        good=good,
        lots=sign * lots,
        limit=np.concatenate([each.book.limit for each in rounds]),
        filled=sign * filled,
        status=status,
    )
