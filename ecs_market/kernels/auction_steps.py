"""The steps of a double auction around its orders: taking in, keeping, adding up."""

from __future__ import annotations

from ecs_market.kernels.jit import borrowing, kernel
from ecs_market.kernels.order_book import (
    BOOK,
    LIMIT,
    LIVE,
    LOTS,
    MARKET,
    PRICE,
    STATE,
    STOP,
    TRIGGER,
    WAITING,
    Book,
    Fees,
    Funds,
    cancel,
    covered,
    hold,
    rest,
    top,
    wait,
    write_order,
)
from ecs_market.kernels.quoting import BUY, SELL
from ecs_market.types import I8, I64, Bool, int64

# Columns of resting and of given orders.
R_MEMBER, R_GOOD, R_SIDE, R_PRICE, R_LOTS, R_QUANTITY, R_TRIGGER, R_EXPIRES = range(8)
G_MEMBER, G_GOOD, G_SIDE, G_PRICE, G_LOTS, G_KIND, G_EXPIRES, G_REPLACES = range(8)


@kernel
def place_given(
    place: I64,
    member: I64,
    sells: Bool,
    replaces: Bool,
    good: I64,
    price: I64,
    lots: I64,
    kind: I64,
    expires: I64,
    following: I64,
    entries: I64,
) -> None:
    """Write orders from outside post by post, in the order given; `following` is each next row."""
    for i in range(place.shape[0]):
        if member[i] < 0:
            continue
        row = following[place[i]]
        following[place[i]] += 1
        entries[row, G_MEMBER] = member[i]
        entries[row, G_GOOD] = good[i]
        entries[row, G_SIDE] = SELL if sells[i] else BUY
        entries[row, G_PRICE] = price[i]
        entries[row, G_LOTS] = lots[i]
        entries[row, G_KIND] = kind[i]
        entries[row, G_EXPIRES] = expires[i]
        entries[row, G_REPLACES] = 1 if replaces[i] else 0


@borrowing
def reload(
    begun: int,
    start: int,
    stop: int,
    resting: I64,
    tick: int,
    book: Book,
    funds: Funds,
    fees: Fees,
    latest: I64,
) -> int:
    """Put the orders that rested back into the heaps, oldest first, as far as they still hold.

    Cancelled are those that have expired, and those that their members can no longer cover.  Rows
    of orders begin at `begun`; returns the row after the last.
    """
    hot = book[0]
    order = int64(begun)
    for entry in range(start, stop):
        was = resting[entry]
        write_order(
            order,
            was[R_MEMBER],
            was[R_SIDE],
            was[R_GOOD],
            was[R_PRICE],
            was[R_LOTS],
            was[R_QUANTITY],
            was[R_TRIGGER],
            was[R_EXPIRES],
            book,
            latest,
        )
        holds = tick < was[R_EXPIRES] and covered(order, hot, funds, fees)
        hold(order, was[R_LOTS], 1, hot, funds, fees)
        if not holds:
            cancel(order, hot, funds, fees)
        elif was[R_TRIGGER] > 0:
            wait(order, book)
        else:
            rest(order, book)
        order += 1
    return order


@borrowing
def same_order(own: int, side: int, price: int, lots: int, kind: int, book: Book) -> bool:
    """Return whether an order that rests is just what its member would hand in.

    A stop that was triggered is a limit order; the types that do not rest are never the same.
    """
    if own < 0 or not (kind == LIMIT or kind == STOP):
        return False
    hot, cold, _, _ = book
    if (hot[own, BOOK] % 2 == 1) != (side == SELL):
        return False
    if kind == STOP and cold[own, TRIGGER] == 0:
        return False
    if kind == LIMIT and hot[own, STATE] == WAITING:
        return False
    return bool(hot[own, PRICE] == price and hot[own, LOTS] == lots)


@borrowing
def within_band(price: int, kind: int, low: int, high: int) -> int:
    """Return the price if it is allowed, else 0; a market order goes as far as it may."""
    if kind == MARKET:
        return min(max(int64(price), int64(low)), int64(high))
    return int64(price) if low <= price <= high else int64(0)


@borrowing
def no_further(price: int, side: int, low: int, high: int) -> int:
    """Return what a member says that knows the band: a bid no higher, an ask no lower than it."""
    if side == BUY:
        return min(int64(price), int64(high))
    return max(int64(price), int64(low))


@borrowing
def note_trades(begun: int, made: int, trades: I64, direction: I8, volume: I64) -> None:
    """Remember who bought and who sold, and how much."""
    for trade in range(begun, made):
        good = trades[trade, 3]
        direction[trades[trade, 1], good] = BUY
        direction[trades[trade, 2], good] = SELL
        volume[good] += trades[trade, 4]


@borrowing
def add_up(
    start: int, stop: int, book: Book, bids: I64, asks: I64, demand: I64, supply: I64
) -> None:
    """Write best quotes; add what was traded and what is still bid and asked."""
    hot, _, roots, _ = book
    for k in range(bids.shape[0]):
        order = top(hot, roots, 4 * k)
        bids[k] = hot[order, PRICE] if order >= 0 else 0
        order = top(hot, roots, 4 * k + 1)
        asks[k] = hot[order, PRICE] if order >= 0 else 0
    for order in range(start, stop):
        if hot[order, STATE] == LIVE:
            if hot[order, BOOK] % 2 == 1:
                supply[hot[order, BOOK] // 2] += hot[order, LOTS]
            else:
                demand[hot[order, BOOK] // 2] += hot[order, LOTS]
