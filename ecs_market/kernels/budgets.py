"""What a member of a double auction can pay for, and its limit for the next lots.

`shaded_limit` is a template, copied for the families in use with `limit_price` bound to those.
"""

from __future__ import annotations

from typing import TypeAlias

from ecs_market.kernels.auction import Sizes, Tastes
from ecs_market.kernels.jit import borrowing, inlined
from ecs_market.kernels.order_book import (
    LIVE,
    LOTS,
    MARKET,
    STATE,
    STOP,
    WAITING,
    Book,
    Fees,
    Funds,
    hold,
    needed,
)
from ecs_market.kernels.philox import DOUBLE_AUCTION, ORDER_TYPE, below
from ecs_market.kernels.quoting import BILLION, BUY, SELL, affordable, limit_price
from ecs_market.kernels.wide import mul_div
from ecs_market.types import F64, I64, float64, int64

# Columns of a post's rules.
BEHAVIOUR, ORDER_LOTS, KIND, LOW, HIGH, MOST, ACTIVATIONS, LIFETIME, FEE_PPB, FEE_PER_LOT = range(
    10
)
# Then, where `KIND` is `DRAWN`: up to where a number below `WHOLE` draws each type of order.
REACH = 10
RULES = REACH + STOP + 1
DRAWN = -1
WHOLE = 2**53
# Draws of one activation.
WHO, WHAT, WHICH, PRICE_DRAW = range(4)
DRAWS = 4
# What is drawn with: seed, tick, post id, number of the activation.
Draw: TypeAlias = tuple[int, int, int, int]


@borrowing
def draw_below(draw: Draw, purpose: int, bound: int) -> int:
    """Return a whole number from 0 to `bound` - 1 for one purpose of an activation."""
    return below(draw[0], DRAWS * draw[3] + purpose, draw[1], draw[2], DOUBLE_AUCTION, bound)


@borrowing
def draw_kind(draw: Draw, rule: I64) -> int:
    """Return the type of an activation's order, drawn by the weights of the post's rules."""
    number = below(draw[0], draw[3], draw[1], draw[2], ORDER_TYPE, WHOLE)
    kind = int64(0)
    # The last type reaches to `WHOLE`, so there always is one.
    while number >= rule[REACH + kind]:
        kind += 1
    return kind


@inlined
def may_stop(rule: I64) -> bool:
    """Return whether members of a post may hand in stop orders."""
    if rule[KIND] == DRAWN:
        return bool(rule[REACH + STOP] > rule[REACH + STOP - 1])
    return bool(rule[KIND] == STOP)


@borrowing
def payable(money: int, lots: int, fees: Fees) -> int:
    """Return the highest price at which `money` pays for `lots` lots, fee included; 0 if none."""
    if lots <= 0 or money <= 0 or fees[1] > money // lots:
        return int64(0)
    rest = int64(money) - lots * fees[1]
    if fees[0] > 0:
        rest = mul_div(rest, BILLION, BILLION + fees[0])[0]
    return rest // lots


@inlined
def free_lots(i: int, k: int, funds: Funds) -> int:
    """Return what a member owns of a good and has not reserved."""
    return int64(funds[0][i, k] - funds[2][i, k])


@inlined
def free_money(i: int, funds: Funds) -> int:
    """Return the money that a member has not reserved."""
    return int64(funds[1][i] - funds[3][i])


@inlined
def own_order(i: int, k: int, book: Book, latest: I64) -> int:
    """Return the order that a member has in a good's books, -1 without one."""
    order = int64(latest[i, k])
    if order >= 0 and (book[0][order, STATE] == LIVE or book[0][order, STATE] == WAITING):
        return order
    return int64(-1)


@inlined
def lift(order: int, sign: int, book: Book, funds: Funds, fees: Fees) -> None:
    """Free what an order reserves (`sign` -1), or reserve it again; nothing for order -1."""
    if order >= 0:
        hold(order, int64(book[0][order, LOTS]), sign, book[0], funds, fees)


@borrowing
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
