"""The second-order gain of a pair's best trade.

Of many pairs it is worked out together: what it depends on is gathered first, one number of many
pairs after another, so that the arithmetic becomes vector instructions.
"""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.jit import borrowing, helper
from ecs_market.kernels.lanes import LANES, gather_lanes
from ecs_market.kernels.spatial import CURVATURE, RATE, SIDE, STOCK, apart
from ecs_market.types import F32, F64, I32, float64, int64, uint64

# Keeps a division defined where demand is perfectly elastic or a good is worthless to both.
TINY = 1e-30
# So many pairs are worked on at a time: what is gathered of them stays in the nearest cache.
GATHERED = 512
GATHERING = 2 * SIDE * GATHERED
# Where in the buffer of a good the numbers of pairs begin, and those of the others in them.
RATES, CURVATURES, STOCKS, CASHES = (2 * GATHERED * each for each in range(SIDE))
OTHERS = GATHERED


@helper
def barter_gain(i: int, j: int, k: int, unit: int, sides: F32) -> float:
    """Return the total gain [M] of the best trade of good `k` for good `unit`, 0 if none pays.

    Each gives at most what it has.  With rates of exchange r = m_k / m_unit the price is the
    midpoint p.  The gain of q units is, to second order, |r_i - r_j| q (m_unit,i + m_unit,j) / 2 -
    (b_i + b_j) q^2 / 2 with b = b_k + p^2 b_unit: how much of one good bends the rate of the other
    is left out.  What pays must be worth something to both; or else each has use for just what the
    other one has no use for, and they swap one for one, as those do who bargain.
    """
    unit_i = float64(sides[i, unit, RATE])
    unit_j = float64(sides[j, unit, RATE])
    buyer = i
    seller = j
    price = 1.0
    if unit_i > 0.0 and unit_j > 0.0:
        rate_i = float64(sides[i, k, RATE]) / unit_i
        rate_j = float64(sides[j, k, RATE]) / unit_j
        if rate_j > rate_i:
            buyer = j
            seller = i
        price = 0.5 * (rate_i + rate_j)
        gap = 0.5 * (unit_i + unit_j) * abs(rate_i - rate_j)
    else:
        if unit_i > 0.0:
            buyer = j
            seller = i
        bought, paid = float64(sides[buyer, k, RATE]), float64(sides[seller, unit, RATE])
        if sides[seller, k, RATE] > 0.0 or bought <= 0.0 or paid <= 0.0:
            return 0.0
        gap = bought + paid
    bend = float64(sides[i, k, CURVATURE]) + float64(sides[j, k, CURVATURE])
    others = float64(sides[i, unit, CURVATURE]) + float64(sides[j, unit, CURVATURE])
    bend += price * price * others
    quantity = gap / max(bend, TINY)
    quantity = min(quantity, float64(sides[seller, k, STOCK]))
    quantity = min(quantity, float64(sides[buyer, unit, STOCK]) / max(price, TINY))
    return gap * quantity - 0.5 * bend * quantity * quantity


@helper
def goods_gain(i: int, j: int, sides: F32) -> float:
    """Return the total gain [M] of the best trade of one good for another between two traders."""
    best = 0.0
    for unit in range(sides.shape[1] - 1, 0, -1):
        for k in range(unit):
            gain = barter_gain(i, j, k, unit, sides)
            if gain <= 0.0:
                gain = barter_gain(i, j, unit, k, sides)
            if gain > best:
                best = gain
    return best


@borrowing
def gather(first: int, last: int, mine: I32, theirs: I32, sides: F32, gathered: F32) -> None:
    """Copy what the gain of trades for money depends on, for some pairs."""
    step = uint64(2 * GATHERED)
    for pair in range(uint64(first), uint64(last), LANES):
        place = pair - uint64(first)
        gather_lanes(sides, mine, pair, gathered, place, step)
        gather_lanes(sides, theirs, pair, gathered, place + uint64(OTHERS), step)


@borrowing
def raise_to_money_gain(first: int, last: int, good: int, gathered: F32, surplus: F64) -> None:
    """Raise the surplus of some pairs to the gain of the best trade of a good for money.

    With marginal rates m and demand slopes s the best quantity is |m_i - m_j| / (1/s_i + 1/s_j),
    as far as the seller's stock and the buyer's cash at the midpoint go.
    """
    begin = uint64(first)
    at = uint64(GATHERING * good)
    for place in range(uint64(last) - begin):
        rate_i = float64(gathered[at + uint64(RATES) + place])
        rate_j = float64(gathered[at + uint64(RATES + OTHERS) + place])
        bend = float64(gathered[at + uint64(CURVATURES) + place])
        bend += float64(gathered[at + uint64(CURVATURES + OTHERS) + place])
        stock_i = float64(gathered[at + uint64(STOCKS) + place])
        stock_j = float64(gathered[at + uint64(STOCKS + OTHERS) + place])
        cash_i = float64(gathered[at + uint64(CASHES) + place])
        cash_j = float64(gathered[at + uint64(CASHES + OTHERS) + place])
        second_buys = rate_j > rate_i
        stock = stock_i if second_buys else stock_j
        cash = cash_j if second_buys else cash_i
        gap = abs(rate_i - rate_j)
        midpoint = 0.5 * (rate_i + rate_j)
        quantity = gap / max(bend, TINY)
        quantity = min(quantity, stock)
        quantity = min(quantity, cash / max(midpoint, TINY))
        gain = gap * quantity - 0.5 * bend * quantity * quantity
        surplus[begin + place] = max(surplus[begin + place], gain)


@borrowing
def pair_gains(
    pairs: int,
    mine: I32,
    theirs: I32,
    sides: F32,
    for_money: bool,
    for_goods: bool,
    gathered: F32,
    surplus: F64,
) -> None:
    """Write the total gain [M] of each pair's best trade.

    `gathered` has room for `GATHERING` numbers a good.
    """
    for pair in range(uint64(pairs)):
        surplus[pair] = 0.0
    if for_money:
        for first in range(0, pairs, GATHERED):
            last = min(first + GATHERED, pairs)
            gather(first, last, mine, theirs, sides, gathered)
            for k in range(sides.shape[1]):
                raise_to_money_gain(first, last, k, gathered, surplus)
    if for_goods:
        for pair in range(uint64(pairs)):
            gain = goods_gain(uint64(mine[pair]), uint64(theirs[pair]), sides)
            surplus[pair] = max(surplus[pair], gain)


@borrowing
def discount_gains(
    pairs: int,
    mine: I32,
    theirs: I32,
    x: I32,
    y: I32,
    period_x: int,
    period_y: int,
    beta_power: F64,
    least_gain: float,
    discount: F64,
    surplus: F64,
    weight: F32,
) -> None:
    """Write the gain discounted by distance of each pair, -1 if it is under `least_gain` [M]."""
    for pair in range(uint64(pairs)):
        i = uint64(mine[pair])
        j = uint64(theirs[pair])
        far = apart(int64(x[i]), int64(x[j]), period_x) + apart(int64(y[i]), int64(y[j]), period_y)
        discount[pair] = beta_power[uint64(far)]
    for pair in range(uint64(pairs)):
        discounted = surplus[pair] * discount[pair]
        weight[pair] = np.float32(discounted if discounted >= least_gain else -1.0)
