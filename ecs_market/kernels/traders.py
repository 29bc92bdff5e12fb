"""How members of a double auction choose the order they hand in.

`truthful`: the marginal rate, on the side that promises more.  `zi_c` and `zi_u`: a price drawn
with and without the constraint not to lose (Gode and Sunder, 1993).  `zip`: the marginal rate and a
margin that is learned from what others shout (Cliff, 1997).

The plain functions are templates, copied for the families in use with `limit_price` bound to those;
see `mechanisms.double_auction`.
"""

from __future__ import annotations

from ecs_market.components.double_auction import TRUTHFUL, ZI_C, ZIP
from ecs_market.kernels.auction import Sizes, Tastes
from ecs_market.kernels.budgets import (
    BEHAVIOUR,
    HIGH,
    LOW,
    MOST,
    ORDER_LOTS,
    PRICE_DRAW,
    WHAT,
    WHICH,
    Draw,
    draw_below,
    fit,
    free_lots,
    free_money,
    lift,
    own_order,
    payable,
    shaded_limit,
)
from ecs_market.kernels.jit import borrowing
from ecs_market.kernels.margins import (
    Learned,
    Shouts,
    learning,
)
from ecs_market.kernels.order_book import (
    MEMBER,
    PRICE,
    Book,
    Fees,
    Funds,
    top,
)
from ecs_market.kernels.quoting import BUY, SELL
from ecs_market.types import F64, I8, I64, float64, int64


@borrowing
def reference(side: int, i: int, k: int, book: Book, published: I64, owner: I64) -> int:
    """Return the price to compare with: the best quote, else the last price, else 0 for none."""
    hot, _, roots, last = book
    other = top(hot, roots, 4 * k + (1 if side == BUY else 0))
    if other >= 0 and owner[hot[other, MEMBER]] != owner[i]:
        return int64(hot[other, PRICE])
    return int64(last[k]) if last[k] > 0 else int64(published[k])


def truthful(
    i: int,
    kind: int,
    rule: I64,
    shading: float,
    goods: I64,
    draw: Draw,
    book: Book,
    funds: Funds,
    fees: Fees,
    owner: I64,
    tastes: Tastes,
    sizes: Sizes,
    published: I64,
    latest: I64,
    bundle: F64,
) -> tuple[int, int, int, int]:
    """Return side (0 for none), good, price and lots of the order that promises most.

    A side promises what the limit is better than the best quote opposite, the last price or the
    price published; nothing without any of these.  Ties are drawn.
    """
    chosen = (int64(0), int64(0), int64(0), int64(0))
    most = 0.0
    start = draw_below(draw, WHAT, goods.shape[0])
    flip = draw_below(draw, WHICH, 2)
    for number in range(goods.shape[0]):
        k = goods[(start + number) % goods.shape[0]]
        own = own_order(i, k, book, latest)
        lift(own, -1, book, funds, fees)
        for turn in range(2):
            side = int64(BUY if (turn + flip) % 2 == 0 else SELL)
            limit, lots = shaded_limit(
                side, i, k, rule, shading, funds, fees, tastes, sizes, bundle
            )
            if limit == 0:
                continue
            price, lots = fit(side, limit, lots, kind, i, funds, fees, rule[MOST])
            if lots == 0:
                continue
            compared = reference(side, i, k, book, published, owner)
            gain = 0.0
            if compared > 0:
                gain = float64(side * (limit - compared)) * float64(lots)
            if chosen[0] == 0 or gain > most:
                most = gain
                chosen = (side, int64(k), price, lots)
        lift(own, 1, book, funds, fees)
    return chosen


def zero_intelligence(
    i: int,
    kind: int,
    rule: I64,
    shading: float,
    goods: I64,
    draw: Draw,
    book: Book,
    funds: Funds,
    fees: Fees,
    tastes: Tastes,
    sizes: Sizes,
    latest: I64,
    direction: I8,
    bundle: F64,
) -> tuple[int, int, int, int]:
    """Return an order for a good and side drawn, at a price drawn from what is allowed.

    Nobody bids for what is worth nothing to it, for more than its money, or asks for what it has
    not; who bought a good does not sell it in the same clearing, nor the other way round.
    """
    constrained = rule[BEHAVIOUR] == ZI_C
    k = goods[draw_below(draw, WHAT, goods.shape[0])]
    own = own_order(i, k, book, latest)
    lift(own, -1, book, funds, fees)
    bid_high = int64(-1)
    bid_lots = int64(0)
    ask_low = int64(rule[LOW])
    ask_lots = int64(0)
    if direction[i, k] != SELL:
        limit, bid_lots = shaded_limit(BUY, i, k, rule, shading, funds, fees, tastes, sizes, bundle)
        if limit > 0:
            money = free_money(i, funds)
            bid_high = min(int64(rule[HIGH]), limit if constrained else int64(rule[MOST]))
            bound = payable(money, bid_lots, fees)
            if bound < rule[LOW]:
                bound = payable(money, 1, fees)
            bid_high = min(bid_high, bound)
    if direction[i, k] != BUY:
        ask_lots = min(int64(rule[ORDER_LOTS]), free_lots(i, k, funds))
        if constrained and ask_lots > 0:
            limit, ask_lots = shaded_limit(
                SELL, i, k, rule, shading, funds, fees, tastes, sizes, bundle
            )
            ask_low = max(ask_low, limit)
            if limit == 0:
                ask_lots = int64(0)
    bids = bid_high >= rule[LOW]
    asks = ask_lots > 0 and ask_low <= rule[HIGH]
    side = int64(0)
    price = int64(0)
    lots = int64(0)
    if bids and (not asks or draw_below(draw, WHICH, 2) == 0):
        side = int64(BUY)
        price = int64(rule[LOW]) + draw_below(draw, PRICE_DRAW, bid_high - rule[LOW] + 1)
        lots = bid_lots
    elif asks:
        side = int64(SELL)
        price = ask_low + draw_below(draw, PRICE_DRAW, rule[HIGH] - ask_low + 1)
        lots = ask_lots
    if side != 0:
        price, lots = fit(side, price, lots, kind, i, funds, fees, rule[MOST])
    lift(own, 1, book, funds, fees)
    return (side if lots > 0 else int64(0)), int64(k), price, lots


def choose(
    i: int,
    ident: int,
    kind: int,
    rule: I64,
    shading: float,
    goods: I64,
    draw: Draw,
    book: Book,
    funds: Funds,
    fees: Fees,
    owner: I64,
    tastes: Tastes,
    sizes: Sizes,
    published: I64,
    latest: I64,
    direction: I8,
    step_size: float,
    shouts: Shouts,
    learned: Learned,
    bundle: F64,
    quote: I64,
) -> tuple[int, int, int, int]:
    """Return an order by the post's behaviour: side (0 for none), good, price and lots."""
    if rule[BEHAVIOUR] == TRUTHFUL:
        return truthful(
            i,
            kind,
            rule,
            shading,
            goods,
            draw,
            book,
            funds,
            fees,
            owner,
            tastes,
            sizes,
            published,
            latest,
            bundle,
        )
    if rule[BEHAVIOUR] == ZIP:
        return learning(
            i,
            ident,
            kind,
            rule,
            shading,
            goods,
            draw,
            book,
            funds,
            fees,
            tastes,
            sizes,
            latest,
            direction,
            step_size,
            shouts,
            learned,
            bundle,
            quote,
        )
    return zero_intelligence(
        i,
        kind,
        rule,
        shading,
        goods,
        draw,
        book,
        funds,
        fees,
        tastes,
        sizes,
        latest,
        direction,
        bundle,
    )
