"""The uniform price of a call auction: most volume, then least imbalance, then the k-rule.

Orders of one good at one post are sorted by priority: bids by falling, asks by rising limit, ties
by the agent's id.  Demand D(p) is the lots of bids at p or more, supply S(p) that of asks at p or
less.  The prices with the largest min(D, S), and of these with the least |D - S|, are an interval
[a, b]; the price is a + k (b - a).  The k between the ends is that of the k-double auction
(Satterthwaite and Williams, 1989); its interval, that of the marginal order statistics, is another
one where the long side is tied.
"""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.jit import helper, kernel
from ecs_market.kernels.rationing import share_out
from ecs_market.types import F64, I64, Bool, float64, int64


@helper
def between(low: int, high: int, k: float) -> int:
    """Return low + k (high - low), rounded down to a price step."""
    return int64(low) + int64(float64(k) * float64(high - low))


@helper
def lots_at(price: int, sign: int, limits: I64, lots: I64) -> int:
    """Return the lots of bids (`sign` 1) at `price` or more, or of asks (-1) at it or less."""
    total = int64(0)
    for i in range(limits.shape[0]):
        if sign * (limits[i] - price) >= 0:
            total += lots[i]
    return total


@helper
def uniform_price(
    bid: I64, bid_lots: I64, ask: I64, ask_lots: I64, lowest: int, highest: int, k: float
) -> tuple[int, int, int]:
    """Return the price [price step], and demand and supply at it [lot].

    Without any volume from `lowest` to `highest` it is a price between the best bid and the best
    ask, or the only one of them, or 0 if there is neither.
    """
    buyers = int64(bid.shape[0])
    sellers = int64(0)
    wanted = int64(0)
    offered = int64(0)
    for i in range(bid.shape[0]):
        wanted += bid_lots[i]
    price = int64(lowest)
    low = int64(0)
    high = int64(0)
    demand = int64(0)
    supply = int64(0)
    while True:
        while buyers > 0 and bid[buyers - 1] < price:
            buyers -= 1
            wanted -= bid_lots[buyers]
        while sellers < ask.shape[0] and ask[sellers] <= price:
            offered += ask_lots[sellers]
            sellers += 1
        # Demand falls above a bid's limit, supply grows at an ask's: nothing changes in between.
        last = int64(highest)
        if buyers > 0:
            last = min(last, bid[buyers - 1])
        if sellers < ask.shape[0]:
            last = min(last, ask[sellers] - 1)
        volume = min(wanted, offered)
        most = min(demand, supply)
        gap = abs(wanted - offered)
        least = abs(demand - supply)
        if volume > most or (volume == most and volume > 0 and gap < least):
            low = price
            high = last
            demand = wanted
            supply = offered
        elif volume == most and volume > 0 and gap == least:
            high = last
        if last >= highest:
            break
        price = last + 1
    if demand > 0 and supply > 0:
        price = int64(between(low, high, k))
        # Prices of equal imbalance may lie on both sides of where its sign turns.
        return price, lots_at(price, 1, bid, bid_lots), lots_at(price, -1, ask, ask_lots)
    quote = int64(0)
    if bid.shape[0] > 0 and ask.shape[0] > 0:
        quote = between(min(bid[0], ask[0]), max(bid[0], ask[0]), k)
    elif bid.shape[0] > 0:
        quote = bid[0]
    elif ask.shape[0] > 0:
        quote = ask[0]
    if quote > 0:
        quote = min(highest, max(lowest, quote))
    return quote, at_least(bid, bid_lots, quote), at_most(ask, ask_lots, quote)


@helper
def at_least(bid: I64, lots: I64, price: int) -> int:
    """Return the lots of bids at `price` or more."""
    total = int64(0)
    for i in range(bid.shape[0]):
        if bid[i] >= price:
            total += lots[i]
    return total


@helper
def at_most(ask: I64, lots: I64, price: int) -> int:
    """Return the lots of asks at `price` or less."""
    total = int64(0)
    for i in range(ask.shape[0]):
        if ask[i] <= price:
            total += lots[i]
    return total


@helper
def fill_best(limit: I64, lots: I64, amount: int, filled: I64, scratch: I64) -> None:
    """Fill `amount` lots of orders in priority; the last limit reached shares pro rata.

    `scratch` is (3, n).
    """
    n = limit.shape[0]
    rest = int64(amount)
    a = 0
    while a < n:
        b = a
        level = int64(0)
        while b < n and limit[b] == limit[a]:
            level += lots[b]
            b += 1
        if rest >= level:
            for i in range(a, b):
                filled[i] = lots[i]
            rest -= level
        else:
            weights = scratch[0]
            for i in range(a, b):
                weights[i] = lots[i]
                scratch[1, i] = i  # the place in the order of priority breaks ties
            share_out(weights[a:b], level, rest, scratch[1, a:b], filled[a:b], scratch[2, a:b])
            rest = int64(0)
        a = b


@helper
def marginal_order(lots: I64, volume: int) -> tuple[int, int]:
    """Return which order the last of `volume` lots belongs to, and the lots before that order."""
    before = int64(0)
    i = 0
    while before + lots[i] < volume:
        before += lots[i]
        i += 1
    return i, before


@helper
def reduce_trade(
    bid: I64,
    bid_lots: I64,
    ask: I64,
    ask_lots: I64,
    volume: int,
    lowest: int,
    highest: int,
) -> tuple[int, int, int, int, int]:
    """Return buyers' and sellers' price, the volume, and how many bids and asks may trade.

    McAfee (1992): if half the sum of the best bid and the best ask left out lies between the
    limits of the marginal orders, everybody trades at it.  Else the marginal bid and the marginal
    ask are given up; buyers pay the former's limit and sellers get the latter's.
    """
    i, bought = marginal_order(bid_lots, volume)
    j, sold = marginal_order(ask_lots, volume)
    next_bid = int64(0)
    if bought + bid_lots[i] > volume:
        next_bid = bid[i]
    elif i + 1 < bid.shape[0]:
        next_bid = bid[i + 1]
    next_ask = int64(0)
    if sold + ask_lots[j] > volume:
        next_ask = ask[j]
    elif j + 1 < ask.shape[0]:
        next_ask = ask[j + 1]
    if next_bid > 0 and next_ask > 0:
        middle = (next_bid + next_ask) // 2
        if max(lowest, ask[j]) <= middle <= min(highest, bid[i]):
            return middle, middle, int64(volume), bid.shape[0], ask.shape[0]
    paid = min(highest, bid[i])
    got = max(lowest, ask[j])
    return paid, got, min(bought, sold), i, j


@kernel
def clear_calls(
    start: int,
    stop: int,
    first: I64,
    limit: I64,
    lots: I64,
    called: Bool,
    lowest: I64,
    highest: I64,
    k: F64,
    mcafee: Bool,
    filled: I64,
    price: I64,
    paid: I64,
    got: I64,
    demand: I64,
    supply: I64,
    best_bid: I64,
    best_ask: I64,
) -> None:
    """Clear the books of some posts.

    Parameters
    ----------
    first
        int64 (2 posts + 1,): where the bids of a post begin, then its asks.
    limit, lots
        int64 (n,), sorted by priority [price step], [lot].
    lowest, highest
        int64 (posts,), the prices allowed [price step].
    filled
        int64 (n,), written: lots traded of each order.
    price, paid, got
        int64 (posts,), written: the price published, what buyers pay and sellers get; 0 if there
        are no orders.
    demand, supply, best_bid, best_ask
        int64 (posts,), written: lots at the price; best limits of what is left, 0 if nothing.
    """
    for post in range(start, stop):
        if not called[post]:
            continue
        a = first[2 * post]
        m = first[2 * post + 1]
        b = first[2 * post + 2]
        scratch = np.empty((3, b - a), np.int64)
        price[post], demand[post], supply[post] = uniform_price(
            limit[a:m], lots[a:m], limit[m:b], lots[m:b], lowest[post], highest[post], k[post]
        )
        paid[post] = price[post]
        got[post] = price[post]
        volume = min(demand[post], supply[post])
        last_bid = m
        last_ask = b
        for i in range(a, b):
            filled[i] = 0
        if volume > 0 and mcafee[post]:
            paid[post], got[post], volume, bids, asks = reduce_trade(
                limit[a:m],
                lots[a:m],
                limit[m:b],
                lots[m:b],
                volume,
                lowest[post],
                highest[post],
            )
            last_bid = a + bids
            last_ask = m + asks
            price[post] = between(got[post], paid[post], k[post])
        if volume > 0:
            fill_best(limit[a:last_bid], lots[a:last_bid], volume, filled[a:last_bid], scratch)
            fill_best(limit[m:last_ask], lots[m:last_ask], volume, filled[m:last_ask], scratch)
        best_bid[post] = best_left(limit[a:m], lots[a:m], filled[a:m])
        best_ask[post] = best_left(limit[m:b], lots[m:b], filled[m:b])


@helper
def best_left(limit: I64, lots: I64, filled: I64) -> int:
    """Return the limit of the first order that is not wholly filled, 0 if there is none."""
    for i in range(limit.shape[0]):
        if filled[i] < lots[i]:
            return int64(limit[i])
    return int64(0)
