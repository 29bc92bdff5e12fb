"""The two sides of a pair that bargains: what they hold, what it is worth, what they exchange.

Items are the goods and, last, money; `unit` is the item that pays for a good, with the price 1.
The plain functions are templates, copied for the families in use with `utility`, `marginal` and
`demand` bound to those.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np

from ecs_market.kernels.jit import kernel
from ecs_market.kernels.wide import mul_div
from ecs_market.preferences.chain import last_marginal as marginal
from ecs_market.preferences.chain import last_utility as utility
from ecs_market.preferences.modes import QUASILINEAR, UNIT_OF_ACCOUNT
from ecs_market.types import F64, I64, Bool, float64, int64
from ecs_market.units import MAX_LOTS, MAX_STEPS

# A family's code, the bundle [unit], its parameters, the weight of money, and the items held
# [lot; minor unit].
Side: TypeAlias = tuple[int, F64, F64, float, I64]
# Sizes of a lot [unit], a price step [M / unit] and a minor unit [M].
Scale: TypeAlias = tuple[float, float, float]

# A gain under this share of the utilities compared is float noise.
NOISE = 1e-12
FIELDS = 5
# Gains are reported up to this many minor units a pair, so that sums of them fit int64.
MOST_GAIN = 2.0**50
MOST_PRICE = float(MAX_STEPS)


@kernel
def payment_for(lots: int, steps: int, unit_steps: int) -> int:
    """Return what `lots` cost: minor units (`unit_steps` 0), or the nearest lots of a good."""
    if unit_steps == 0:
        return lots * steps
    quotient, remainder = mul_div(lots, steps, unit_steps)
    return quotient + (1 if 2 * remainder >= unit_steps else 0)


@kernel
def affordable(cash: int, steps: int, unit_steps: int) -> int:
    """Return how many lots `cash` (minor units, or lots of the good that pays) can buy."""
    if unit_steps == 0:
        return cash // steps
    if float64(cash) * float64(unit_steps) > float64(MAX_LOTS) * float64(steps):
        return MAX_LOTS
    lots, _ = mul_div(cash, unit_steps, steps)
    return lots


@kernel
def exchange_rate(worth: float, worth_of_unit: float) -> float:
    """Return how much of what pays a good is worth, inf if that is worth nothing.

    Below 0: neither is worth anything, so that no exchange of the two can gain.
    """
    if worth_of_unit > 0.0:
        return max(0.0, worth / worth_of_unit)
    return math.inf if worth > 0.0 else -1.0


@kernel
def midpoint(one: float, two: float) -> float:
    """Return the middle of two rates of exchange.

    Where what pays is worth nothing to one of the two, it is the middle of the rates the other way
    round, and 1 where moreover the good is worth nothing to the other one.
    """
    if math.isinf(one) or math.isinf(two):
        other = min(one, two)
        return 2.0 * other if other > 0.0 else 1.0
    return 0.5 * (one + two)


@kernel
def in_steps(price: float, step_size: float) -> int:
    """Return a price in whole steps, at least one."""
    return max(int64(1), int64(min(MOST_PRICE, price / step_size) + 0.5))


@kernel
def pick_items(rates: F64, mode: int, barter: bool, tried: Bool, picked: I64) -> None:
    """Write the untried pair (good, what pays) whose rates of exchange are furthest apart.

    `rates` (2, K + 1) are marginal utilities of the items; `picked[0]` is -1 when no two rates
    differ.
    """
    n = rates.shape[1] - 1
    best = 0.0
    picked[0] = -1
    for k in range(n):
        for unit in range(k + 1, n + 1):
            closed = mode == UNIT_OF_ACCOUNT if unit == n else mode == QUASILINEAR and not barter
            if closed or tried[k, unit]:
                continue
            one = exchange_rate(rates[0, k], rates[0, unit])
            two = exchange_rate(rates[1, k], rates[1, unit])
            if one < 0.0 or two < 0.0 or one == two:
                continue
            gap = abs(one - two)
            if gap > best:
                best = gap
                picked[0] = k
                picked[1] = unit


@kernel
def load(
    row: int, goods: I64, money: I64, lot_size: float, minor_size: float, held: I64, bundle: F64
) -> None:
    """Copy an agent's holdings, and the bundle that its family sees."""
    n = goods.shape[1]
    for k in range(n):
        held[k] = goods[row, k]
        bundle[k] = float64(held[k]) * lot_size
    held[n] = money[row]
    if bundle.shape[0] > n:
        bundle[n] = float64(held[n]) * minor_size


@kernel
def store(row: int, held: I64, goods: I64, money: I64) -> None:
    """Write what an agent holds back to its row."""
    n = goods.shape[1]
    for k in range(n):
        goods[row, k] = held[k]
    money[row] = held[n]


@kernel
def move(
    held: I64, bundle: F64, item: int, change: int, lot_size: float, minor_size: float
) -> None:
    """Change what a side holds of an item."""
    held[item] += change
    if item < bundle.shape[0]:
        size = minor_size if item == held.shape[0] - 1 else lot_size
        bundle[item] = float64(held[item]) * size


def worth(side: Side, lot_size: float) -> float:
    """Return the utility of a side's bundle; quasi-linear money apart."""
    code, bundle, parameters, _, _ = side
    return utility(code, bundle, parameters, 0.5 * lot_size)


def write_rates(side: Side, at: int, mode: int, lot_size: float, rates: F64) -> None:
    """Write the marginal utilities of a side's items to row `at`."""
    code, bundle, parameters, weight, held = side
    n = held.shape[0] - 1
    for k in range(n):
        rates[at, k] = marginal(code, bundle, parameters, 0.5 * lot_size, k)
    rates[at, n] = weight
    if bundle.shape[0] > n:
        rates[at, n] = marginal(code, bundle, parameters, 0.5 * lot_size, n)


def marginal_after(side: Side, k: int, change: int, lot_size: float) -> float:
    """Return what a unit more of good k is worth to a side once it has `change` lots more."""
    code, bundle, parameters, _, held = side
    kept = bundle[k]
    bundle[k] = float64(held[k] + change) * lot_size
    found = marginal(code, bundle, parameters, 0.5 * lot_size, k)
    bundle[k] = kept
    return found


def gain(
    side: Side,
    k: int,
    change: int,
    unit: int,
    paid: int,
    old: float,
    lot_size: float,
    minor_size: float,
) -> float:
    """Return the change in utility of `change` lots of good k for `paid`, 0 in the noise."""
    code, bundle, parameters, weight, held = side
    n = held.shape[0] - 1
    kept = bundle[k]
    spent = 0.0
    bundle[k] = float64(held[k] + change) * lot_size
    if unit >= bundle.shape[0]:
        spent = weight * (float64(paid) * minor_size)
        found = utility(code, bundle, parameters, 0.5 * lot_size)
    else:
        kept_unit = bundle[unit]
        size = minor_size if unit == n else lot_size
        bundle[unit] = float64(held[unit] - paid) * size
        found = utility(code, bundle, parameters, 0.5 * lot_size)
        bundle[unit] = kept_unit
    bundle[k] = kept
    found = found - old - spent
    return 0.0 if abs(found) <= NOISE * (abs(old) + abs(spent)) else found


def both_gain(
    size: int,
    paid: int,
    buyer: Side,
    seller: Side,
    k: int,
    unit: int,
    old: tuple[float, float],
    lot_size: float,
    minor_size: float,
) -> bool:
    """Return whether a trade makes buyer and seller, with utilities `old`, better off."""
    if gain(buyer, k, size, unit, paid, old[0], lot_size, minor_size) <= 0.0:
        return False
    return gain(seller, k, -size, unit, -paid, old[1], lot_size, minor_size) > 0.0


@kernel
def note(record: I64, used: int, buyer: int, seller: int, k: int, size: int, steps: int) -> I64:
    """Add a row to the record; return it, grown if it was full."""
    if used == record.shape[0]:
        grown = np.empty((max(16, 2 * used), FIELDS), np.int64)
        for row in range(used):
            for column in range(FIELDS):
                grown[row, column] = record[row, column]
        record = grown
    record[used, 0] = buyer
    record[used, 1] = seller
    record[used, 2] = k
    record[used, 3] = size
    record[used, 4] = steps
    return record
