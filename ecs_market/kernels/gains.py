"""The second-order gain of a pair's best trade.

Of many pairs it is worked out together: what it depends on is gathered first, one number of many
pairs after another, so that the arithmetic becomes vector instructions.
"""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.jit import borrowing, helper
from ecs_market.kernels.spatial import apart
from ecs_market.types import F32, F64, I32, float64, int64, uint64

# Keeps a division defined where demand is perfectly elastic or a good is worthless to both.
TINY = 1e-30
# So many pairs are worked on at a time: what is gathered of them stays in the nearest cache.
GATHERED = 512
# What is gathered of a pair, one after another in its buffer: of the one, then of the other.
RATE, CURVATURE, STOCK, CASH = 0, 2 * GATHERED, 4 * GATHERED, 6 * GATHERED
GATHERING = 8 * GATHERED


@helper
def barter_gain(i: int, j: int, k: int, unit: int, rate: F32, curvature: F32, stock: F32) -> float:
    """Return the total gain [M] of the best trade of good `k` for good `unit`, 0 if none pays.

    Each gives at most what it has.  With rates of exchange r = m_k / m_unit the price is the
    midpoint p.  The gain of q units is, to second order, |r_i - r_j| q (m_unit,i + m_unit,j) / 2 -
    (b_i + b_j) q^2 / 2 with b = b_k + p^2 b_unit: how much of one good bends the rate of the other
    is left out.  What pays must be worth something to both; or else each has use for just what the
    other one has no use for, and they swap one for one, as those do who bargain.
    """
    unit_i = float64(rate[i, unit])
    unit_j = float64(rate[j, unit])
    buyer = i
    seller = j
    price = 1.0
    if unit_i > 0.0 and unit_j > 0.0:
        rate_i = float64(rate[i, k]) / unit_i
        rate_j = float64(rate[j, k]) / unit_j
        if rate_j > rate_i:
            buyer = j
            seller = i
        price = 0.5 * (rate_i + rate_j)
        gap = 0.5 * (unit_i + unit_j) * abs(rate_i - rate_j)
    else:
        if unit_i > 0.0:
            buyer = j
            seller = i
        if rate[seller, k] > 0.0 or rate[buyer, k] <= 0.0 or rate[seller, unit] <= 0.0:
            return 0.0
        gap = float64(rate[buyer, k]) + float64(rate[seller, unit])
    bend = float64(curvature[i, k]) + float64(curvature[j, k])
    bend += price * price * (float64(curvature[i, unit]) + float64(curvature[j, unit]))
    quantity = gap / max(bend, TINY)
    quantity = min(quantity, float64(stock[seller, k]))
    quantity = min(quantity, float64(stock[buyer, unit]) / max(price, TINY))
    return gap * quantity - 0.5 * bend * quantity * quantity


@helper
def goods_gain(i: int, j: int, rate: F32, curvature: F32, stock: F32) -> float:
    """Return the total gain [M] of the best trade of one good for another between two traders."""
    best = 0.0
    for unit in range(rate.shape[1] - 1, 0, -1):
        for k in range(unit):
            gain = barter_gain(i, j, k, unit, rate, curvature, stock)
            if gain <= 0.0:
                gain = barter_gain(i, j, unit, k, rate, curvature, stock)
            if gain > best:
                best = gain
    return best


@borrowing
def gather(
    first: int,
    last: int,
    good: int,
    mine: I32,
    theirs: I32,
    rate: F32,
    curvature: F32,
    stock: F32,
    cash: F32,
    gathered: F32,
) -> None:
    """Copy what the gain of trades of a good for money depends on, for some pairs."""
    k = uint64(good)
    for pair in range(uint64(first), uint64(last)):
        place = pair - uint64(first)
        i = uint64(mine[pair])
        j = uint64(theirs[pair])
        gathered[uint64(RATE) + place] = rate[i, k]
        gathered[uint64(RATE + GATHERED) + place] = rate[j, k]
        gathered[uint64(CURVATURE) + place] = curvature[i, k]
        gathered[uint64(CURVATURE + GATHERED) + place] = curvature[j, k]
        gathered[uint64(STOCK) + place] = stock[i, k]
        gathered[uint64(STOCK + GATHERED) + place] = stock[j, k]
        gathered[uint64(CASH) + place] = cash[i]
        gathered[uint64(CASH + GATHERED) + place] = cash[j]


@borrowing
def raise_to_money_gain(first: int, last: int, gathered: F32, surplus: F64) -> None:
    """Raise the surplus of some pairs to the gain of the best trade of a good for money.

    With marginal rates m and demand slopes s the best quantity is |m_i - m_j| / (1/s_i + 1/s_j),
    as far as the seller's stock and the buyer's cash at the midpoint go.
    """
    begin = uint64(first)
    for place in range(uint64(last) - begin):
        rate_i = float64(gathered[uint64(RATE) + place])
        rate_j = float64(gathered[uint64(RATE + GATHERED) + place])
        bend = float64(gathered[uint64(CURVATURE) + place])
        bend += float64(gathered[uint64(CURVATURE + GATHERED) + place])
        stock_i = float64(gathered[uint64(STOCK) + place])
        stock_j = float64(gathered[uint64(STOCK + GATHERED) + place])
        cash_i = float64(gathered[uint64(CASH) + place])
        cash_j = float64(gathered[uint64(CASH + GATHERED) + place])
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
    rate: F32,
    curvature: F32,
    stock: F32,
    cash: F32,
    for_money: bool,
    for_goods: bool,
    gathered: F32,
    surplus: F64,
) -> None:
    """Write the total gain [M] of each pair's best trade; `gathered` has room for `GATHERING`."""
    for pair in range(uint64(pairs)):
        surplus[pair] = 0.0
    if for_money:
        for first in range(0, pairs, GATHERED):
            last = min(first + GATHERED, pairs)
            for k in range(rate.shape[1]):
                gather(first, last, k, mine, theirs, rate, curvature, stock, cash, gathered)
                raise_to_money_gain(first, last, gathered, surplus)
    if for_goods:
        for pair in range(uint64(pairs)):
            gain = goods_gain(uint64(mine[pair]), uint64(theirs[pair]), rate, curvature, stock)
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
