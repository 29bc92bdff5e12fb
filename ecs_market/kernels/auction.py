"""An order on its way through a double auction: accepted, matched, resting or void.

The plain functions are templates, copied for the families in use with `gain_from` bound to those;
see `mechanisms.double_auction`.
"""

from __future__ import annotations

from typing import TypeAlias

from ecs_market.kernels.order_book import (
    BOOK,
    CHILD,
    FILL_OR_KILL,
    IMMEDIATE,
    LIVE,
    LOTS,
    MARKET,
    MEMBER,
    PRICE,
    SIBLING,
    STATE,
    TRIGGER,
    Book,
    Fees,
    Funds,
    book_trade,
    cancel,
    crosses,
    due_stops,
    move_on,
    rest,
    top,
    wait,
)
from ecs_market.kernels.quoting import fee_on, gain_from
from ecs_market.types import F64, I64, int64

# Family, parameters and money weight of each member.
Tastes: TypeAlias = tuple[I64, F64, F64]
# Money mode, lot size, minor size.
Sizes: TypeAlias = tuple[int, float, float]


def no_worse(
    order: int,
    lots: int,
    price: int,
    book: Book,
    funds: Funds,
    fees: Fees,
    tastes: Tastes,
    sizes: Sizes,
    bundle: F64,
) -> bool:
    """Return whether a trade of `lots` lots at `price` leaves the order's member no worse off."""
    hot = book[0]
    family, parameters, weight = tastes
    member = hot[order, MEMBER]
    payment = int64(lots) * price
    fee = fee_on(payment, lots, fees[0], fees[1])
    sells = hot[order, BOOK] % 2 == 1
    found = gain_from(
        family[member],
        funds[0][member],
        funds[1][member],
        hot[order, BOOK] // 2,
        -lots if sells else lots,
        fee - payment if sells else payment + fee,
        parameters[member],
        weight[member],
        sizes[0],
        sizes[1],
        sizes[2],
        bundle,
    )
    return found >= 0.0


def on_offer(
    order: int,
    checked: bool,
    book: Book,
    funds: Funds,
    fees: Fees,
    owner: I64,
    tastes: Tastes,
    sizes: Sizes,
    stack: I64,
    bundle: F64,
) -> bool:
    """Return whether orders of others offer all that an order is for, within its limit.

    With `checked`, offers that would leave their member worse off are cancelled on the way.
    """
    hot, _, roots, _ = book
    buys = hot[order, BOOK] % 2 == 0
    side = 1 if buys else -1
    wanted = int64(hot[order, LOTS])
    found = int64(0)
    depth = 0
    root = int64(roots[4 * (hot[order, BOOK] // 2) + (1 if buys else 0)])
    if root >= 0:
        stack[0] = root
        depth = 1
    # What lies below an order in its heap has no better price.
    while depth > 0 and found < wanted:
        depth -= 1
        each = stack[depth]
        if hot[each, SIBLING] >= 0:
            stack[depth] = hot[each, SIBLING]
            depth += 1
        price = int64(hot[each, PRICE])
        if not crosses(side, int64(hot[order, PRICE]), price):
            continue
        if hot[each, CHILD] >= 0:
            stack[depth] = hot[each, CHILD]
            depth += 1
        if hot[each, STATE] != LIVE or owner[hot[each, MEMBER]] == owner[hot[order, MEMBER]]:
            continue
        lots = int64(hot[each, LOTS])
        if checked and not no_worse(each, lots, price, book, funds, fees, tastes, sizes, bundle):
            cancel(each, hot, funds, fees)
            continue
        found += lots
    return found >= wanted


def match(
    order: int,
    checked: bool,
    post: int,
    book: Book,
    funds: Funds,
    fees: Fees,
    owner: I64,
    tastes: Tastes,
    sizes: Sizes,
    trades: I64,
    made: int,
    bundle: F64,
) -> int:
    """Trade an order with what rests on the other side; return the number of trades so far.

    An order never meets one of the same owner: the older one, which rests, is cancelled.  With
    `checked`, so is an order whose member a trade would leave worse off.
    """
    hot, _, roots, _ = book
    buys = hot[order, BOOK] % 2 == 0
    side = 1 if buys else -1
    heap = 4 * (hot[order, BOOK] // 2) + (1 if buys else 0)
    while hot[order, STATE] == LIVE and hot[order, LOTS] > 0:
        other = top(hot, roots, heap)
        if other < 0:
            break
        price = int64(hot[other, PRICE])
        if not crosses(side, int64(hot[order, PRICE]), price):
            break
        if owner[hot[other, MEMBER]] == owner[hot[order, MEMBER]]:
            cancel(other, hot, funds, fees)
            continue
        lots = min(int64(hot[order, LOTS]), int64(hot[other, LOTS]))
        if checked:
            if not no_worse(other, lots, price, book, funds, fees, tastes, sizes, bundle):
                cancel(other, hot, funds, fees)
                continue
            if not no_worse(order, lots, price, book, funds, fees, tastes, sizes, bundle):
                cancel(order, hot, funds, fees)
                break
        book_trade(order, other, lots, post, book, funds, fees, trades, made)
        made += 1
    return made


def execute(
    order: int,
    kind: int,
    checked: bool,
    post: int,
    book: Book,
    funds: Funds,
    fees: Fees,
    owner: I64,
    tastes: Tastes,
    sizes: Sizes,
    trades: I64,
    made: int,
    stack: I64,
    bundle: F64,
) -> int:
    """Match an accepted order; what is left of it rests or is void; return the trades so far."""
    hot = book[0]
    hot[order, STATE] = LIVE
    if kind == FILL_OR_KILL:
        common = (owner, tastes, sizes, stack, bundle)
        if not on_offer(order, checked, book, funds, fees, *common):
            cancel(order, hot, funds, fees)
            return made
        # All of it at its limit is worth the whole; a part of it alone need not be.
        checked = False
    made = match(
        order, checked, post, book, funds, fees, owner, tastes, sizes, trades, made, bundle
    )
    if hot[order, STATE] == LIVE:
        if kind in (MARKET, IMMEDIATE, FILL_OR_KILL):
            cancel(order, hot, funds, fees)
        else:
            rest(order, book)
    return made


def enter(
    order: int,
    kind: int,
    used: int,
    checked: bool,
    post: int,
    book: Book,
    funds: Funds,
    fees: Fees,
    owner: I64,
    tastes: Tastes,
    sizes: Sizes,
    trades: I64,
    made: int,
    latest: I64,
    stack: I64,
    bundle: F64,
) -> tuple[int, int]:
    """Take a written order whose cost is reserved into the auction, with the stops it triggers.

    A stop waits until a trade has been made at its trigger or beyond; then it is a new limit order.
    Triggered stops follow one after the other once the order that triggered them is done with.

    Returns
    -------
    used, made : int
        Rows of orders and of trades so far.
    """
    hot, cold, _, last = book
    good = hot[order, BOOK] // 2
    trigger = cold[order, TRIGGER]
    if trigger > 0:
        reached = last[good] >= trigger if hot[order, BOOK] % 2 == 0 else last[good] <= trigger
        if last[good] == 0 or not reached:
            wait(order, book)
            return used, made
    first = int64(order)
    end = int64(-1)
    fresh = True
    while first >= 0:
        following = int64(-1) if fresh else int64(hot[first, SIBLING])
        each = first
        if not fresh:
            each = int64(used)
            move_on(first, each, book, latest)
            used += 1
        begun = made
        made = execute(
            each,
            kind,
            checked,
            post,
            book,
            funds,
            fees,
            owner,
            tastes,
            sizes,
            trades,
            made,
            stack,
            bundle,
        )
        kind = 0
        fresh = False
        first = following
        if made > begun:
            low = trades[begun, 5]
            high = trades[begun, 5]
            for trade in range(begun, made):
                low = min(low, trades[trade, 5])
                high = max(high, trades[trade, 5])
            head, tail = due_stops(good, low, high, book)
            if head >= 0 and first >= 0:
                hot[end, SIBLING] = head
                end = tail
            elif head >= 0:
                first = head
                end = tail
    return used, made
