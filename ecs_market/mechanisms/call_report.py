"""What a call came to: prices, fills, orders and trades, for settlement's report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.components.market_post import CONVERGED, INDICATIVE, MARGINAL, RATIONED
from ecs_market.kernels.call_money import spread_fees
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
from ecs_market.types import F64, I8, I64, Bool


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


def report(batch: Batch, called: Bool, rounds: list[Round], filled: I64) -> Called:
    """Return the report of all goods' rounds; `filled` (m, K) is what members got [lot]."""
    at = np.repeat(np.arange(batch.posts), np.diff(batch.first))

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
    fee = np.zeros(batch.posts, np.int64)
    for each in rounds:
        gain += each.gain
        np.add.at(fee, at, each.fee)
    settled = Settled(
        desired=wished,
        filled=filled,
        gain=np.clip(np.rint(gain / minor), -bound, bound).astype(np.int64),
        volume=volume,
        demand=demand,
        supply=supply,
        fee=fee,
    )
    trades = _trades(batch, filled, price, by_good("fee"))
    orders = _reported_orders(batch, at, rounds)
    return Called(settled, price, worst, orders, trades, best_bid, best_ask)


def _trades(batch: Batch, filled: I64, price: I64, fee: I64) -> Trades:
    """Pair buyers and sellers in the order of ids; each trade carries its part of their fees."""
    made = pair_up(batch, filled, price, post_ids(batch))
    made.fee = np.zeros(made.size if fee.any() else 0, np.int64)
    if len(made.fee):
        order = np.argsort(batch.id)
        buyer, seller = (
            order[np.searchsorted(batch.id, each, sorter=order)]
            for each in (made.buyer, made.seller)
        )
        spread_fees(buyer, seller, made.good, made.quantity, filled, fee, made.fee)
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
