"""Members' demand schedules: at which prices they would trade how many lots of one good.

A schedule is made of blocks with a limit each (`block_limits`): falling for bids, which the member
can pay, and rising for asks, of what it holds.  The functions built on `block_limit` are bound to
the families in use; see `mechanisms.schedules`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ecs_market.kernels.block_limits import Members, Scale, Terms, block_limit
from ecs_market.kernels.call_money import affordable
from ecs_market.kernels.fees import BILLION, cost_of, most_lots
from ecs_market.kernels.jit import helper, kernel
from ecs_market.kernels.philox import CALL_LIMIT, CALL_SIDE, below
from ecs_market.preferences.modes import IN_UTILITY
from ecs_market.types import F64, I64, float64, int64

FIELDS = 3  # member, lots (negative to sell), limit
TRUTHFUL, ZI_C = 0, 1
# Blocks double in size after this many, so that a schedule reaches any quantity in few of them.
OCTAVE = 32
MOST_BLOCKS = 512


class Quotes(NamedTuple):
    """First limits of each member, and of each post those beyond which nothing can trade."""

    bid: I64
    ask: I64
    high_bid: I64
    low_ask: I64


def first_quotes(
    start: int, stop: int, k: int, members: Members, terms: Terms, scale: Scale, quotes: Quotes
) -> None:
    """Write the limits of each member's first bid and ask [price step], 0 where there is none.

    Who holds the good and would as soon buy as sell at a price bids a step less.
    """
    n = members.lots.shape[1]
    bundle = np.empty(n + 1 if scale.mode == IN_UTILITY else n)
    for i in range(start, stop):
        post = members.at[i]
        quotes.bid[i] = 0
        quotes.ask[i] = 0
        if not terms.called[post]:
            continue
        size = int64(terms.order_size[post])
        held = int64(members.lots[i, k])
        if held > 0:
            sold = -min(size, held)
            limit = block_limit(i, k, int64(0), sold, members, terms, scale, bundle)
            quotes.ask[i] = limit if limit <= scale.most else 0
        fees = (terms.fee_ppb[post], terms.fee_per_lot[post])
        if affordable(1, members.minor[i], fees[0], fees[1]) > 0:
            if terms.supply[post] > held:
                size = min(size, terms.supply[post] - held)
            limit = block_limit(i, k, int64(0), size, members, terms, scale, bundle)
            quotes.bid[i] = min(limit, quotes.ask[i] - 1) if quotes.ask[i] > 0 else limit


@kernel
def best_quotes(members: Members, terms: Terms, quotes: Quotes) -> None:
    """Write the highest bid and the lowest ask of each post, 0 where there is none."""
    for i in range(members.at.shape[0]):
        post = members.at[i]
        if not terms.called[post]:
            continue
        quotes.high_bid[post] = max(quotes.high_bid[post], quotes.bid[i])
        ask = quotes.ask[i]
        if ask > 0 and (quotes.low_ask[post] == 0 or ask < quotes.low_ask[post]):
            quotes.low_ask[post] = ask


@helper
def append(
    records: I64, found: int, member: int, lots: int, limit: int, merge: bool
) -> tuple[I64, int]:
    """Return `records` with an order more, or with the last one made larger; and their number."""
    if lots == 0:
        return records, int64(found)
    if merge and found > 0:
        last = records[found - 1]
        if last[0] == member and last[2] == limit and (last[1] > 0) == (lots > 0):
            last[1] += lots
            return records, int64(found)
    if found == records.shape[0]:
        longer = np.empty((2 * found + 8, FIELDS), np.int64)
        for i in range(found):
            for j in range(FIELDS):
                longer[i, j] = records[i, j]
        records = longer
    records[found, 0] = member
    records[found, 1] = lots
    records[found, 2] = limit
    return records, int64(found) + 1


@helper
def block_size(order_size: int, block: int, rest: int) -> int:
    """Return the lots of a schedule's block, at most `rest`."""
    return min(int64(order_size) << min(int64(20), int64(block) // OCTAVE), int64(rest))


def write_asks(
    i: int,
    k: int,
    members: Members,
    terms: Terms,
    scale: Scale,
    quotes: Quotes,
    bundle: F64,
    records: I64,
    found: int,
) -> tuple[I64, int]:
    """Add a member's truthful asks: rising limits, up to all it holds."""
    post = members.at[i]
    held = int64(members.lots[i, k])
    last = int64(1)
    had = int64(0)
    block = int64(0)
    while had < held and block < MOST_BLOCKS:
        size = block_size(terms.order_size[post], block, held - had)
        limit = block_limit(i, k, -had, -had - size, members, terms, scale, bundle)
        limit = max(limit, last)
        if limit > scale.most or (block > 0 and limit > quotes.high_bid[post]):
            break
        ordered = size - int64(terms.shading[post] * float64(size))
        records, found = append(records, found, i, -ordered, limit, True)
        had += size
        block += 1
        last = limit
    return records, found


def write_bids(
    i: int,
    k: int,
    members: Members,
    terms: Terms,
    scale: Scale,
    quotes: Quotes,
    bundle: F64,
    records: I64,
    found: int,
) -> tuple[I64, int]:
    """Add a member's truthful bids: falling limits, as far as there is money and supply."""
    post = members.at[i]
    minor = members.minor[i]
    fee_ppb = terms.fee_ppb[post]
    fee_per_lot = terms.fee_per_lot[post]
    most = max(terms.supply[post] - members.lots[i, k], terms.order_size[post])
    last = int64(scale.most)
    if quotes.ask[i] > 0:
        last = min(last, quotes.ask[i] - 1)
    had = int64(0)
    block = int64(0)
    while had < most and block < MOST_BLOCKS:
        size = block_size(terms.order_size[post], block, most - had)
        limit = block_limit(i, k, had, had + size, members, terms, scale, bundle)
        limit = min(limit, last)
        payable = affordable(had + size, minor, fee_ppb, fee_per_lot)
        if limit > 0 and payable < limit:
            # The part of the block that the money is enough for keeps its limit.
            part = most_lots(minor, limit, fee_ppb, fee_per_lot) - had
            if part > 0:
                size = part
            else:
                limit = payable
        low_ask = quotes.low_ask[post]
        if limit < 1 or (block > 0 and (low_ask == 0 or limit < low_ask)):
            break
        ordered = size - int64(terms.shading[post] * float64(size))
        records, found = append(records, found, i, ordered, limit, True)
        had += size
        block += 1
        last = limit
    return records, found


def draw_orders(
    i: int,
    k: int,
    side: int,
    seed: int,
    tick: int,
    members: Members,
    terms: Terms,
    scale: Scale,
    bundle: F64,
    records: I64,
    found: int,
) -> tuple[I64, int]:
    """Add a zero-intelligence member's orders, to sell (`side` 0) or to buy (1).

    The blocks are those of its truthful schedule; the limits are drawn, within what a block is
    worth or (`zi_u`) without regard to it.  Bids add up to no more than the money there is.
    """
    post = members.at[i]
    fee_ppb = terms.fee_ppb[post]
    fee_per_lot = terms.fee_per_lot[post]
    most = int64(members.lots[i, k])
    if side == 1:
        most = max(terms.supply[post] - members.lots[i, k], terms.order_size[post])
    sign = int64(1) if side == 1 else int64(-1)
    cash = int64(members.minor[i])
    had = int64(0)
    block = int64(0)
    while had < most and block < MOST_BLOCKS:
        size = block_size(terms.order_size[post], block, most - had)
        worth = block_limit(i, k, sign * had, sign * (had + size), members, terms, scale, bundle)
        if worth < 1 or worth > scale.most:
            break
        low = int64(terms.price_low[post])
        high = int64(terms.price_high[post])
        if side == 0:
            # Below this the fee would take more than the price.
            share = 1.0 - float64(fee_ppb) / BILLION
            low = max(low, int64(np.ceil(float64(fee_per_lot) / share)))
        if terms.behaviour[post] == ZI_C:
            if side == 0:
                low = max(low, worth)
            else:
                high = min(high, worth)
        if low <= high:
            draw = (2 * k + side) * MOST_BLOCKS + block
            price = low + below(seed, draw, tick, members.ids[i], CALL_LIMIT, high - low + 1)
            ordered = size - int64(terms.shading[post] * float64(size))
            if side == 1:
                ordered = min(ordered, most_lots(cash, price, fee_ppb, fee_per_lot))
                cash -= cost_of(ordered, price, fee_ppb, fee_per_lot)
            records, found = append(records, found, i, sign * ordered, price, False)
        had += size
        block += 1
    return records, found


def write_schedules(
    start: int,
    stop: int,
    k: int,
    seed: int,
    tick: int,
    members: Members,
    terms: Terms,
    scale: Scale,
    quotes: Quotes,
) -> I64:
    """Return the members' orders for good k: member, lots (negative to sell) and limit, a row each.

    A truthful schedule has its first block and goes on as far as anything can trade.  A member
    with drawn limits that could both buy and sell draws which.
    """
    n = members.lots.shape[1]
    bundle = np.empty(n + 1 if scale.mode == IN_UTILITY else n)
    records = np.empty((stop - start + 8, FIELDS), np.int64)
    found = int64(0)
    for i in range(start, stop):
        post = members.at[i]
        if not terms.called[post]:
            continue
        sells = quotes.ask[i] > 0
        buys = quotes.bid[i] > 0
        if terms.behaviour[post] == TRUTHFUL:
            if sells:
                records, found = write_asks(
                    i, k, members, terms, scale, quotes, bundle, records, found
                )
            if buys:
                records, found = write_bids(
                    i, k, members, terms, scale, quotes, bundle, records, found
                )
        elif sells or buys:
            side = int64(1) if buys else int64(0)
            if sells and buys:
                side = int64(below(seed, k, tick, members.ids[i], CALL_SIDE, 2))
            records, found = draw_orders(
                i, k, side, seed, tick, members, terms, scale, bundle, records, found
            )
    return records[:found]
