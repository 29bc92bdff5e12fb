"""How members of a double auction choose the order they hand in.

`truthful`: the marginal rate, on the side that promises more.  `zi_c` and `zi_u`: a price drawn
with and without the constraint not to lose (Gode and Sunder, 1993).  `zip`: the marginal rate and a
margin that is learned from what others shout (Cliff, 1997).

The plain functions are templates, copied for the families in use with `limit_price` bound to those;
see `mechanisms.double_auction`.
"""

from __future__ import annotations

import math
from typing import TypeAlias

from ecs_market.components.double_auction import TRUTHFUL, ZI_C, ZIP
from ecs_market.kernels.auction import Sizes, Tastes
from ecs_market.kernels.jit import kernel
from ecs_market.kernels.order_book import (
    LIVE,
    LOTS,
    MARKET,
    MEMBER,
    PRICE,
    STATE,
    WAITING,
    Book,
    Fees,
    Funds,
    hold,
    needed,
    top,
)
from ecs_market.kernels.philox import DOUBLE_AUCTION, ZIP_TRADER, below, uniform
from ecs_market.kernels.quoting import BILLION, BUY, SELL, affordable, limit_price
from ecs_market.kernels.wide import mul_div
from ecs_market.types import F64, I8, I64, float64, int64

# Columns of a post's rules.
BEHAVIOUR, ORDER_LOTS, KIND, LOW, HIGH, MOST, ACTIVATIONS, LIFETIME, FEE_PPB, FEE_PER_LOT = range(
    10
)
RULES = 10
# How many shouts of each good a zip trader remembers.
MEMORY = 64
# Cliff's constants: ranges of the learning rate, the momentum and the first margin; how far at most
# a target lies beyond a shout, as a share of it and in M.
RATE_LOW, RATE_SPAN = 0.1, 0.4
MOMENTUM_SPAN = 0.1
MARGIN_LOW, MARGIN_SPAN = 0.05, 0.3
STRETCH = 0.05
# Draws of one activation.
WHO, WHAT, WHICH, PRICE_DRAW = range(4)
DRAWS = 4
# Where draws of shouts begin; those before are a trader's own constants.
FIRST_SHOUT = 8

# What is drawn with: seed, tick, post id, number of the activation.
Draw: TypeAlias = tuple[int, int, int, int]
# Shouts of each good: (K, MEMORY, 3) price, side and whether it was taken, and their number (K,).
Shouts: TypeAlias = tuple[I64, I64]
# Margins and last changes of each member, good and side, and how many shouts it has seen.
Learned: TypeAlias = tuple[F64, F64, I64]


@kernel
def draw_below(draw: Draw, purpose: int, bound: int) -> int:
    """Return a whole number from 0 to `bound` - 1 for one purpose of an activation."""
    return below(draw[0], DRAWS * draw[3] + purpose, draw[1], draw[2], DOUBLE_AUCTION, bound)


@kernel
def payable(money: int, lots: int, fees: Fees) -> int:
    """Return the highest price at which `money` pays for `lots` lots, fee included; 0 if none."""
    if lots <= 0 or money <= 0 or fees[1] > money // lots:
        return int64(0)
    rest = int64(money) - lots * fees[1]
    if fees[0] > 0:
        rest = mul_div(rest, BILLION, BILLION + fees[0])[0]
    return rest // lots


@kernel
def free_lots(i: int, k: int, funds: Funds) -> int:
    """Return what a member owns of a good and has not reserved."""
    return int64(funds[0][i, k] - funds[2][i, k])


@kernel
def free_money(i: int, funds: Funds) -> int:
    """Return the money that a member has not reserved."""
    return int64(funds[1][i] - funds[3][i])


@kernel
def own_order(i: int, k: int, book: Book, latest: I64) -> int:
    """Return the order that a member has in a good's books, -1 without one."""
    order = int64(latest[i, k])
    if order >= 0 and (book[0][order, STATE] == LIVE or book[0][order, STATE] == WAITING):
        return order
    return int64(-1)


@kernel
def lift(order: int, sign: int, book: Book, funds: Funds, fees: Fees) -> None:
    """Free what an order reserves (`sign` -1), or reserve it again; nothing for order -1."""
    if order >= 0:
        hold(order, int64(book[0][order, LOTS]), sign, book[0], funds, fees)


@kernel
def fit(
    side: int, price: int, lots: int, kind: int, i: int, funds: Funds, fees: Fees, most: int
) -> tuple[int, int]:
    """Cut an order to what its member can pay for; return price and lots, (0, 0) if that is none.

    A market order is at the bound of the budget: all money for the lots, or any price for them.
    """
    money = free_money(i, funds)
    if side == SELL:
        if kind == MARKET:
            price = int64(1)
        if needed(True, price, lots, fees) > money:
            return int64(0), int64(0)
        return int64(price), int64(lots)
    if kind == MARKET:
        price = min(int64(most), max(payable(money, lots, fees), int64(price)))
    size = affordable(money, price, lots, fees[0], fees[1])
    if size == 0:
        price = min(int64(price), payable(money, 1, fees))
        size = int64(1)
    if price < 1:
        return int64(0), int64(0)
    return int64(price), size


@kernel
def reference(side: int, i: int, k: int, book: Book, published: I64, owner: I64) -> int:
    """Return the price to compare with: the best quote, else the last price, else 0 for none."""
    hot, _, roots, last = book
    other = top(hot, roots, 4 * k + (1 if side == BUY else 0))
    if other >= 0 and owner[hot[other, MEMBER]] != owner[i]:
        return int64(hot[other, PRICE])
    return int64(last[k]) if last[k] > 0 else int64(published[k])


def shaded_limit(
    side: int,
    i: int,
    k: int,
    rule: I64,
    shading: float,
    funds: Funds,
    fees: Fees,
    tastes: Tastes,
    sizes: Sizes,
    bundle: F64,
) -> tuple[int, int]:
    """Return a member's limit for its next lots on one side, and how many; (0, 0) without any.

    `shading` is the share by which it holds back: bids are so much lower, asks higher.
    """
    lots = int64(rule[ORDER_LOTS])
    if side == SELL:
        lots = min(lots, free_lots(i, k, funds))
    if lots <= 0:
        return int64(0), int64(0)
    family, parameters, weight = tastes
    limit = limit_price(
        side,
        family[i],
        funds[0][i],
        funds[1][i],
        k,
        lots,
        parameters[i],
        weight[i],
        sizes[0],
        sizes[1],
        sizes[2],
        fees[0],
        fees[1],
        rule[MOST],
        bundle,
    )
    if shading > 0.0 and limit > 0:
        shade = int64(float64(limit) * shading)
        limit = limit - shade if side == BUY else min(int64(rule[MOST]), limit + shade)
    return limit, lots


def truthful(
    i: int,
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
            price, lots = fit(side, limit, lots, rule[KIND], i, funds, fees, rule[MOST])
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
        price, lots = fit(side, price, lots, rule[KIND], i, funds, fees, rule[MOST])
    lift(own, 1, book, funds, fees)
    return (side if lots > 0 else int64(0)), int64(k), price, lots


@kernel
def first_margin(seed: int, ident: int, sells: int) -> float:
    """Return the margin that a zip trader starts with."""
    drawn = MARGIN_LOW + MARGIN_SPAN * uniform(seed, 2 + sells, 0, ident, ZIP_TRADER)
    return drawn if sells else -drawn


@kernel
def start_margins(seed: int, ids: I64, margin: F64) -> None:
    """Write the first margins of bids and asks (m, K, 2), the same for every good."""
    for i in range(margin.shape[0]):
        for k in range(margin.shape[1]):
            for sells in range(2):
                margin[i, k, sells] = first_margin(seed, ids[i], sells)


@kernel
def shout_target(
    price: float, up: bool, seed: int, tick: int, ident: int, number: int, step_size: float
) -> float:
    """Return the price a trader adapts towards: a little above or below a shout [price step]."""
    share = STRETCH * uniform(seed, FIRST_SHOUT + 2 * number, tick, ident, ZIP_TRADER)
    amount = STRETCH * uniform(seed, FIRST_SHOUT + 2 * number + 1, tick, ident, ZIP_TRADER)
    change = price * share + amount / step_size
    return price + change if up else price - change


@kernel
def quoted(price: float, sells: int) -> float:
    """Return a price in whole steps: bids are rounded down, asks up."""
    whole = math.floor(price)
    return float64(whole + 1 if sells and whole < price else whole)


@kernel
def learn(
    i: int,
    ident: int,
    k: int,
    bid_limit: int,
    ask_limit: int,
    draw: Draw,
    step_size: float,
    shouts: Shouts,
    learned: Learned,
) -> None:
    """Adapt a member's margins to the shouts since it last did (Widrow and Hoff's delta rule).

    A seller raises its price if a trade was made at or above it; it lowers it if a bid below it was
    taken, or an ask below it was not.  A buyer does the same the other way round.
    """
    ring, count = shouts
    margin, change, seen = learned
    rate = RATE_LOW + RATE_SPAN * uniform(draw[0], 0, 0, ident, ZIP_TRADER)
    momentum = MOMENTUM_SPAN * uniform(draw[0], 1, 0, ident, ZIP_TRADER)
    for number in range(max(seen[i, k], count[k] - MEMORY), count[k]):
        place = number % MEMORY
        price = float64(ring[k, place, 0])
        was_bid = ring[k, place, 1] == BUY
        taken = ring[k, place, 2] == 1
        for sells in range(2):
            limit = float64(ask_limit if sells else bid_limit)
            if limit <= 0.0:
                continue
            own = limit * (1.0 + margin[i, k, sells])
            said = quoted(own, sells)
            # Seen from a seller; for a buyer every comparison is turned round.
            beyond = said <= price if sells else said >= price
            rival = (not was_bid) if sells else was_bid
            if taken and beyond:
                up = sells == 1
            elif (not beyond or said == price) and rival != taken:
                up = sells == 0
            else:
                continue
            tag = 2 * (number * count.shape[0] + k) + sells
            target = shout_target(price, up, draw[0], draw[1], ident, tag, step_size)
            moved = momentum * change[i, k, sells] + (1.0 - momentum) * rate * (target - own)
            change[i, k, sells] = moved
            found = (own + moved) / limit - 1.0
            margin[i, k, sells] = max(0.0, found) if sells else min(0.0, max(-1.0, found))
    seen[i, k] = count[k]


def learned_quote(
    i: int,
    ident: int,
    k: int,
    rule: I64,
    shading: float,
    draw: Draw,
    funds: Funds,
    fees: Fees,
    tastes: Tastes,
    sizes: Sizes,
    step_size: float,
    shouts: Shouts,
    learned: Learned,
    bundle: F64,
    quote: I64,
) -> None:
    """Learn, then write price and lots of a zip member's bid and ask to `quote` (2, 2)."""
    for sells in range(2):
        limit, lots = shaded_limit(
            SELL if sells else BUY, i, k, rule, shading, funds, fees, tastes, sizes, bundle
        )
        quote[sells, 0] = limit
        quote[sells, 1] = lots
    learn(i, ident, k, quote[0, 0], quote[1, 0], draw, step_size, shouts, learned)
    for sells in range(2):
        limit = int64(quote[sells, 0])
        price = float64(limit) * (1.0 + learned[0][i, k, sells])
        quote[sells, 0] = int64(min(float64(rule[MOST]), quoted(price, sells)))
        if limit == 0:
            quote[sells, 1] = 0


def learning(
    i: int,
    ident: int,
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
    step_size: float,
    shouts: Shouts,
    learned: Learned,
    bundle: F64,
    quote: I64,
) -> tuple[int, int, int, int]:
    """Return a zip member's order for a good and, where it could be either, a side drawn."""
    k = goods[draw_below(draw, WHAT, goods.shape[0])]
    own = own_order(i, k, book, latest)
    lift(own, -1, book, funds, fees)
    learned_quote(
        i,
        ident,
        k,
        rule,
        shading,
        draw,
        funds,
        fees,
        tastes,
        sizes,
        step_size,
        shouts,
        learned,
        bundle,
        quote,
    )
    bids = quote[0, 1] > 0 and quote[0, 0] > 0 and direction[i, k] != SELL
    asks = quote[1, 1] > 0 and direction[i, k] != BUY
    side = int64(0)
    price = int64(0)
    lots = int64(0)
    if bids and (not asks or draw_below(draw, WHICH, 2) == 0):
        side = int64(BUY)
        price, lots = fit(side, quote[0, 0], quote[0, 1], rule[KIND], i, funds, fees, rule[MOST])
    elif asks:
        side = int64(SELL)
        price, lots = fit(side, quote[1, 0], quote[1, 1], rule[KIND], i, funds, fees, rule[MOST])
    lift(own, 1, book, funds, fees)
    return (side if lots > 0 else int64(0)), int64(k), price, lots


def choose(
    i: int,
    ident: int,
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
    """Return the order of the post's behaviour: side (0 for none), good, price and lots."""
    if rule[BEHAVIOUR] == TRUTHFUL:
        return truthful(
            i,
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
