"""From the rows of an order book to what is reported and what rests until the next tick."""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.jit import helper, kernel
from ecs_market.kernels.order_book import (
    BEFORE,
    BOOK,
    CANCELLED,
    DONE,
    EXPIRES,
    LIVE,
    LOTS,
    MEMBER,
    MOVED,
    PRICE,
    QUANTITY,
    REJECTED,
    STATE,
    TRIGGER,
    WAITING,
)
from ecs_market.types import I64, int64

# Columns of what is reported, and of what rests.
MARKET, AGENT, GOOD, SIGNED_LOTS, LIMIT, FILLED, OUTCOME = range(7)
R_MARKET, R_AGENT, R_GOOD, R_SELLS, R_PRICE, R_TRIGGER, R_QUANTITY, R_LOTS, R_EXPIRES = range(9)
# How orders end, in the order of `mechanisms.settlement.ORDER_STATUSES`.
OPEN, ALL, PARTIAL, UNFILLED, VOID, REFUSED = range(6)


@helper
def outcome(state: int, left: int, quantity: int) -> int:
    """Return what has become of an order."""
    if state == DONE:
        return ALL
    if state == REJECTED:
        return REFUSED
    if left < quantity:
        return PARTIAL
    return VOID if state == CANCELLED else OPEN


@kernel
def write_records(
    hot: I64, cold: I64, counts: I64, rested: I64, post_ids: I64, ids: I64
) -> tuple[I64, I64]:
    """Write the orders to report and those that rest, post by post and in order of time.

    Reported are orders that are new or have changed; `counts` are the rows of each post, of which
    the first `rested` rested before.

    Returns
    -------
    told, resting : ndarray of int64
        A column each of the names above, so that every column is contiguous: (7, n) and (9, m).
    """
    n = hot.shape[0]
    told = np.empty((7, n), np.int64)
    resting = np.empty((9, n), np.int64)
    t = 0
    r = 0
    order = 0
    for post in range(counts.shape[0]):
        for number in range(counts[post]):
            state = hot[order, STATE]
            left = int64(hot[order, LOTS])
            agent = ids[hot[order, MEMBER]]
            good = hot[order, BOOK] // 2
            sells = hot[order, BOOK] % 2
            quantity = int64(cold[order, QUANTITY])
            traded = cold[order, BEFORE] - left
            rests = state == LIVE or state == WAITING
            if state != MOVED and (number >= rested[post] or not rests or traded != 0):
                told[MARKET, t] = post_ids[post]
                told[AGENT, t] = agent
                told[GOOD, t] = good
                told[SIGNED_LOTS, t] = -quantity if sells else quantity
                told[LIMIT, t] = hot[order, PRICE]
                told[FILLED, t] = -traded if sells else traded
                told[OUTCOME, t] = outcome(state, left, quantity)
                t += 1
            if rests:
                resting[R_MARKET, r] = post_ids[post]
                resting[R_AGENT, r] = agent
                resting[R_GOOD, r] = good
                resting[R_SELLS, r] = sells
                resting[R_PRICE, r] = hot[order, PRICE]
                resting[R_TRIGGER, r] = cold[order, TRIGGER] if state == WAITING else 0
                resting[R_QUANTITY, r] = quantity
                resting[R_LOTS, r] = left
                resting[R_EXPIRES, r] = cold[order, EXPIRES]
                r += 1
            order += 1
    return told[:, :t], resting[:, :r]
