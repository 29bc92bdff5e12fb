"""Traders who learn margins from what others shout (Cliff, 1997).

`learned_quote` and `learning` are templates, copied for the families in use with `shaded_limit`
bound to those.
"""

from __future__ import annotations

import math
from typing import TypeAlias

from ecs_market.kernels.auction import Sizes, Tastes
from ecs_market.kernels.budgets import (
    MOST,
    WHAT,
    WHICH,
    Draw,
    draw_below,
    fit,
    lift,
    own_order,
    shaded_limit,
)
from ecs_market.kernels.jit import borrowing, inlined, kernel
from ecs_market.kernels.order_book import (
    Book,
    Fees,
    Funds,
)
from ecs_market.kernels.philox import ZIP_TRADER, uniform
from ecs_market.kernels.quoting import BUY, SELL
from ecs_market.types import F64, I8, I64, float64, int64

# How many shouts of each good a zip trader remembers.
MEMORY = 64
# Cliff's constants: ranges of the learning rate, the momentum and the first margin; how far at most
# a target lies beyond a shout, as a share of it and in M.
RATE_LOW, RATE_SPAN = 0.1, 0.4
MOMENTUM_SPAN = 0.1
MARGIN_LOW, MARGIN_SPAN = 0.05, 0.3
STRETCH = 0.05
# Where draws of shouts begin; those before are a trader's own constants.
FIRST_SHOUT = 8
# Columns of a shout: its price, then up to which quote it raises bids, from which on it lowers
# them, and the same of asks.  No quote is as low as `NEVER_UP` or as high as `NEVER_DOWN`.
BID_UP, BID_DOWN, ASK_UP, ASK_DOWN = range(1, 5)
SHOUT = 5
NEVER_UP, NEVER_DOWN = -1.0, 2.0**62
# Shouts of each good: (K, MEMORY, SHOUT), and their number (K,).
Shouts: TypeAlias = tuple[F64, I64]
# Margins and last changes of each member, good and side, and how many shouts it has seen.
Learned: TypeAlias = tuple[F64, F64, I64]


@borrowing
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


@inlined
def shout_target(
    price: float, up: bool, seed: int, tick: int, ident: int, number: int, step_size: float
) -> float:
    """Return the price a trader adapts towards: a little above or below a shout [price step]."""
    share = STRETCH * uniform(seed, FIRST_SHOUT + 2 * number, tick, ident, ZIP_TRADER)
    amount = STRETCH * uniform(seed, FIRST_SHOUT + 2 * number + 1, tick, ident, ZIP_TRADER)
    change = price * share + amount / step_size
    return price + change if up else price - change


@inlined
def quoted(price: float, sells: int) -> float:
    """Return a price in whole steps: bids are rounded down, asks up."""
    whole = math.floor(price)
    return float64(whole + 1 if sells and whole < price else whole)


@inlined
def adapt(
    i: int,
    ident: int,
    k: int,
    sells: int,
    limit: float,
    draw: Draw,
    step_size: float,
    rate: float,
    momentum: float,
    shouts: Shouts,
    learned: Learned,
) -> None:
    """Adapt a member's margin on one side to the shouts since it last did."""
    ring, count = shouts
    margins, changes, seen = learned
    margin = margins[i, k, sells]
    change = changes[i, k, sells]
    own = limit * (1.0 + margin)
    said = quoted(own, sells)
    for number in range(max(seen[i, k], count[k] - MEMORY), count[k]):
        shout = ring[k, number % MEMORY]
        price = shout[0]
        upwards = said <= shout[ASK_UP if sells else BID_UP]
        downwards = said >= shout[ASK_DOWN if sells else BID_DOWN]
        if not (upwards or downwards):
            continue
        # At the very price of a trade who asks raises, and who bids lowers.
        up = upwards and (sells == 1 or not downwards)
        tag = 2 * (number * count.shape[0] + k) + sells
        target = shout_target(price, up, draw[0], draw[1], ident, tag, step_size)
        change = momentum * change + (1.0 - momentum) * rate * (target - own)
        found = (own + change) / limit - 1.0
        margin = max(0.0, found) if sells else min(0.0, max(-1.0, found))
        own = limit * (1.0 + margin)
        said = quoted(own, sells)
    margins[i, k, sells] = margin
    changes[i, k, sells] = change


@borrowing
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
    rate = RATE_LOW + RATE_SPAN * uniform(draw[0], 0, 0, ident, ZIP_TRADER)
    momentum = MOMENTUM_SPAN * uniform(draw[0], 1, 0, ident, ZIP_TRADER)
    for sells in range(2):
        limit = float64(ask_limit if sells else bid_limit)
        if limit > 0.0:
            adapt(i, ident, k, sells, limit, draw, step_size, rate, momentum, shouts, learned)
    learned[2][i, k] = shouts[1][k]


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
        price, lots = fit(side, quote[0, 0], quote[0, 1], kind, i, funds, fees, rule[MOST])
    elif asks:
        side = int64(SELL)
        price, lots = fit(side, quote[1, 0], quote[1, 1], kind, i, funds, fees, rule[MOST])
    lift(own, 1, book, funds, fees)
    return (side if lots > 0 else int64(0)), int64(k), price, lots


@borrowing
def note_shout(good: int, price: int, side: int, taken: bool, shouts: Shouts) -> None:
    """Let everybody hear an order."""
    ring, count = shouts
    shout = ring[good, count[good] % MEMORY]
    at = float64(price)
    # A trade draws those along who would have made it too, on both sides.  An order that is taken
    # presses the other side, one that is not its own.
    pressed = (side == BUY) == taken
    shout[0] = at
    shout[BID_UP] = at if not pressed else NEVER_UP
    shout[BID_DOWN] = at if taken else NEVER_DOWN
    shout[ASK_UP] = at if taken else NEVER_UP
    shout[ASK_DOWN] = at if pressed else NEVER_DOWN
    count[good] += 1
