"""A limit order book in arrays: price-time priority, amounts reserved, O(log n) an order.

An order is a row of `hot` (what matching reads, one cache line) and of `cold` (the rest).  Rows are
given in order of time, so that of two orders at one price the lower row came first.  Each good has
four books: bids, asks, buy stops and sell stops, each a pairing heap (Fredman, Sedgewick, Sleator
and Tarjan, 1986) whose links are columns of `hot`.  An order that is cancelled stays in its heap
until it comes to the top.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from ecs_market.kernels.jit import borrowing, helper, inlined
from ecs_market.kernels.quoting import fee_on
from ecs_market.types import I64, int64

# Columns of `hot`: place of the member, 2 x good + (1 to sell), limit [price step], lots left, the
# heap's links, what the heap is ordered by (least first), and what has become of the order.
MEMBER, BOOK, PRICE, LOTS, CHILD, SIBLING, KEY, STATE = range(8)
HOT = 8
# Columns of `cold`: lots when it was handed in and at the start of the clearing, the trigger of a
# stop order (0 none), the first tick in which it is void, and the same member's order before it.
QUANTITY, BEFORE, TRIGGER, EXPIRES, EARLIER = range(5)
COLD = 5
# States: in the book, a stop not yet triggered, one that is, gone on in a later row, filled.
LIVE, WAITING, TRIGGERED, MOVED, DONE, CANCELLED, REJECTED = range(7)
# Types of orders.
LIMIT, MARKET, IMMEDIATE, FILL_OR_KILL, STOP = range(5)
FOREVER = 2**62
# A post's books: orders, where each heap begins (4 a good), and last prices (K,).
Book: TypeAlias = tuple[I64, I64, I64, I64]
# What members own and what of it is reserved: lots, minor, held_lots, held_minor.
Funds: TypeAlias = tuple[I64, I64, I64, I64]
Fees: TypeAlias = tuple[int, int]


@inlined
def before(hot: I64, a: int, b: int) -> bool:
    """Return whether order a has priority over order b of the same book."""
    if hot[a, KEY] != hot[b, KEY]:
        return bool(hot[a, KEY] < hot[b, KEY])
    return a < b


@inlined
def meld(hot: I64, a: int, b: int) -> int:
    """Join two heaps; return the root."""
    if a < 0:
        return b
    if b < 0:
        return a
    if not before(hot, a, b):
        a, b = b, a
    hot[b, SIBLING] = hot[a, CHILD]
    hot[a, CHILD] = b
    return a


@borrowing
def pop(hot: I64, root: int) -> int:
    """Take the root off its heap; return the new root, -1 if that leaves nothing."""
    pairs = int64(-1)
    child = int64(hot[root, CHILD])
    hot[root, CHILD] = -1
    while child >= 0:
        other = int64(hot[child, SIBLING])
        following = int64(-1)
        if other >= 0:
            following = int64(hot[other, SIBLING])
        hot[child, SIBLING] = -1
        joined = meld(hot, child, other)
        hot[joined, SIBLING] = pairs
        pairs = joined
        child = following
    found = int64(-1)
    while pairs >= 0:
        following = int64(hot[pairs, SIBLING])
        hot[pairs, SIBLING] = -1
        found = meld(hot, found, pairs)
        pairs = following
    return found


@inlined
def push(hot: I64, roots: I64, heap: int, order: int, key: int) -> None:
    """Put an order into one of the heaps."""
    hot[order, KEY] = key
    hot[order, CHILD] = -1
    hot[order, SIBLING] = -1
    roots[heap] = meld(hot, int64(roots[heap]), order)


@inlined
def top(hot: I64, roots: I64, heap: int) -> int:
    """Return the first order of a heap that is still good, -1 if there is none."""
    root = int64(roots[heap])
    while root >= 0 and hot[root, STATE] != LIVE and hot[root, STATE] != WAITING:
        root = pop(hot, root)
    roots[heap] = root
    return root


@inlined
def heap_of(order: int, hot: I64, stop: bool) -> int:
    """Return the heap in which an order rests."""
    book = int64(hot[order, BOOK])
    return 4 * (book // 2) + (2 if stop else 0) + book % 2


@inlined
def rest(order: int, book: Book) -> None:
    """Put an order into the bids or asks."""
    hot, _, roots, _ = book
    price = int64(hot[order, PRICE])
    hot[order, STATE] = LIVE
    push(hot, roots, heap_of(order, hot, False), order, price if hot[order, BOOK] % 2 else -price)


@inlined
def wait(order: int, book: Book) -> None:
    """Put an order among the stops."""
    hot, cold, roots, _ = book
    trigger = int64(cold[order, TRIGGER])
    hot[order, STATE] = WAITING
    push(
        hot, roots, heap_of(order, hot, True), order, -trigger if hot[order, BOOK] % 2 else trigger
    )


@inlined
def needed(sells: bool, price: int, lots: int, fees: Fees) -> int:
    """Return the money that an order of `lots` can cost its member in all [minor unit].

    For a buyer payment and fee; for a seller what the fee exceeds the payment by.  Trades at better
    prices or in parts never cost more: fees are rounded down.
    """
    payment = int64(lots) * price
    fee = fee_on(payment, lots, fees[0], fees[1])
    if sells:
        return max(int64(0), fee - payment)
    return payment + fee


@inlined
def hold(order: int, lots: int, sign: int, hot: I64, funds: Funds, fees: Fees) -> None:
    """Reserve (`sign` 1) or free (-1) what an order over `lots` lots can cost its member."""
    _, _, held_lots, held_minor = funds
    member = hot[order, MEMBER]
    sells = hot[order, BOOK] % 2 == 1
    held_minor[member] += sign * needed(sells, int64(hot[order, PRICE]), lots, fees)
    if sells:
        held_lots[member, hot[order, BOOK] // 2] += sign * lots


@inlined
def covered(order: int, hot: I64, funds: Funds, fees: Fees) -> bool:
    """Return whether the member has what the order can cost it, besides what is reserved."""
    lots, minor, held_lots, held_minor = funds
    member = hot[order, MEMBER]
    sells = hot[order, BOOK] % 2 == 1
    size = int64(hot[order, LOTS])
    good = hot[order, BOOK] // 2
    if sells and size > lots[member, good] - held_lots[member, good]:
        return False
    free = minor[member] - held_minor[member]
    return bool(needed(sells, int64(hot[order, PRICE]), size, fees) <= free)


@inlined
def cancel(order: int, hot: I64, funds: Funds, fees: Fees) -> None:
    """Take an order out of the book and free what it reserved."""
    hold(order, int64(hot[order, LOTS]), -1, hot, funds, fees)
    hot[order, STATE] = CANCELLED


@borrowing
def cancel_earlier(last: int, book: Book, funds: Funds, fees: Fees) -> None:
    """Cancel a member's orders in a good, from the last one handed in back to the first."""
    hot, cold, _, _ = book
    order = int64(last)
    while order >= 0:
        if hot[order, STATE] == LIVE or hot[order, STATE] == WAITING:
            cancel(order, hot, funds, fees)
        order = int64(cold[order, EARLIER])


@inlined
def write_order(
    order: int,
    member: int,
    side: int,
    good: int,
    price: int,
    lots: int,
    quantity: int,
    trigger: int,
    expires: int,
    book: Book,
    latest: I64,
) -> None:
    """Fill in a new row; `latest` (members, K) leads from it to the member's orders before it."""
    hot, cold, _, _ = book
    hot[order, MEMBER] = member
    hot[order, BOOK] = 2 * good + (1 if side < 0 else 0)
    hot[order, PRICE] = price
    hot[order, LOTS] = lots
    hot[order, CHILD] = -1
    hot[order, SIBLING] = -1
    hot[order, KEY] = 0
    hot[order, STATE] = REJECTED
    cold[order, QUANTITY] = quantity
    cold[order, BEFORE] = lots
    cold[order, TRIGGER] = trigger
    cold[order, EXPIRES] = expires
    cold[order, EARLIER] = latest[member, good]
    latest[member, good] = order


@borrowing
def move_on(stop: int, order: int, book: Book, latest: I64) -> None:
    """Write a triggered stop anew as an order of now; what it reserved stays reserved."""
    hot, cold, _, _ = book
    write_order(
        order,
        int64(hot[stop, MEMBER]),
        -1 if hot[stop, BOOK] % 2 else 1,
        hot[stop, BOOK] // 2,
        int64(hot[stop, PRICE]),
        int64(hot[stop, LOTS]),
        int64(cold[stop, QUANTITY]),
        0,
        int64(cold[stop, EXPIRES]),
        book,
        latest,
    )
    hot[stop, STATE] = MOVED


@inlined
def crosses(side: int, limit: int, price: int) -> bool:
    """Return whether an order with that limit takes what rests at `price`."""
    return price <= limit if side > 0 else price >= limit


@inlined
def book_trade(
    order: int,
    other: int,
    lots: int,
    post: int,
    book: Book,
    funds: Funds,
    fees: Fees,
    trades: I64,
    made: int,
) -> None:
    """Trade `lots` lots at the resting order's price: move goods, money and reservations.

    Row `made` of `trades` gets place of the post, of buyer and seller, good, lots, price [step] and
    what both paid to the post.
    """
    hot, _, _, last = book
    held, minor, _, _ = funds
    price = int64(hot[other, PRICE])
    good = hot[order, BOOK] // 2
    buys = hot[order, BOOK] % 2 == 0
    buyer = hot[order, MEMBER] if buys else hot[other, MEMBER]
    seller = hot[other, MEMBER] if buys else hot[order, MEMBER]
    payment = int64(lots) * price
    fee = fee_on(payment, lots, fees[0], fees[1])
    for each in (order, other):
        left = int64(hot[each, LOTS])
        hold(each, left, -1, hot, funds, fees)
        hot[each, LOTS] = left - lots
        hold(each, left - lots, 1, hot, funds, fees)
        if left == lots:
            hot[each, STATE] = DONE
    held[buyer, good] += lots
    held[seller, good] -= lots
    minor[buyer] -= payment + fee
    minor[seller] += payment - fee
    last[good] = price
    trades[made, 0] = post
    trades[made, 1] = buyer
    trades[made, 2] = seller
    trades[made, 3] = good
    trades[made, 4] = lots
    trades[made, 5] = price
    trades[made, 6] = 2 * fee


@borrowing
def due_stops(good: int, low: int, high: int, book: Book) -> tuple[int, int]:
    """Take the stops that prices from `low` to `high` trigger off their heaps; return a queue.

    Buy stops by rising, then sell stops by falling trigger, ties by time.  The queue is linked by
    `SIBLING`; returned are its first and last order, -1 if it is empty.
    """
    hot, cold, roots, _ = book
    first = int64(-1)
    end = int64(-1)
    for heap in (4 * good + 2, 4 * good + 3):
        while True:
            order = top(hot, roots, heap)
            if order < 0:
                break
            trigger = cold[order, TRIGGER]
            if (trigger > high) if heap % 2 == 0 else (trigger < low):
                break
            roots[heap] = pop(hot, order)
            hot[order, STATE] = TRIGGERED
            hot[order, SIBLING] = -1
            if end >= 0:
                hot[end, SIBLING] = order
            else:
                first = order
            end = order
    return first, end


@borrowing
def clear_heaps(roots: I64) -> None:
    """Empty all heaps."""
    for heap in range(roots.shape[0]):
        roots[heap] = -1


@helper
def new_rows(rows: int) -> tuple[I64, I64]:
    """Return room for so many orders."""
    return np.empty((rows, HOT), np.int64), np.empty((rows, COLD), np.int64)
