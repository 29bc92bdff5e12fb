"""The two sides of a pair that bargains: what they hold, what it is worth, what they exchange.

Items are the goods and, last, money; `unit` is the item that pays for a good, with the price 1.  A
pair is loaded into small arrays and written back when it is done; the buyer of a round is side 0,
the seller side 1:

- `held` (2, K + 3): the items [lot; minor unit], the family's code, the agent's row;
- `bundle`, `other_bundle` [unit] and `taste`, `other_taste`, the rows of parameters;
- `state` (2, 3): the weight of money, the utility, nan if not worked out, and what the side has
  gained, in quasi-linear money without what it was paid [M];
- `rates` (2, K + 1): the marginal utilities of the items.

The plain functions are templates, copied for the families in use with `utility`, `marginal` and
`demand` bound to those.
"""

from __future__ import annotations

import math

import numpy as np

from ecs_market.kernels.jit import borrowing, kernel
from ecs_market.kernels.wide import mul_div
from ecs_market.preferences.chain import last_marginal as marginal
from ecs_market.preferences.chain import last_utility as utility
from ecs_market.preferences.modes import QUASILINEAR, UNIT_OF_ACCOUNT
from ecs_market.types import F64, I8, I64, Bool, float64, int64
from ecs_market.units import MAX_LOTS, MAX_STEPS

# Columns of `held` after the items, and of `state`.
FAMILY, ROW = -2, -1
WEIGHT, WORTH, GAINED = 0, 1, 2
# Who proposes: the lower id, the higher id, who buys or who sells.
LOWER, HIGHER, BUYER, SELLER = 0, 1, 2, 3
# A gain under this share of the utilities compared is float noise.
NOISE = 1e-12
FIELDS = 5
# Gains are reported up to this many minor units a side, so that sums of them fit int64.
MOST_GAIN = 2**49
MOST_FLOAT = 2.0**60
MOST_PRICE = float(MAX_STEPS)


@borrowing
def payment_for(lots: int, steps: int, unit_steps: int) -> int:
    """Return what `lots` cost: minor units (`unit_steps` 0), or the nearest lots of a good."""
    if unit_steps == 0:
        return lots * steps
    quotient, remainder = mul_div(lots, steps, unit_steps)
    return quotient + (1 if 2 * remainder >= unit_steps else 0)


@borrowing
def affordable(cash: int, steps: int, unit_steps: int) -> int:
    """Return how many lots `cash` (minor units, or lots of the good that pays) can buy."""
    if unit_steps == 0:
        return cash // steps
    if float64(cash) * float64(unit_steps) > float64(MAX_LOTS) * float64(steps):
        return MAX_LOTS
    lots, _ = mul_div(cash, unit_steps, steps)
    return lots


@borrowing
def exchange_rate(worth: float, worth_of_unit: float) -> float:
    """Return how much of what pays a good is worth, inf if that is worth nothing.

    Below 0: neither is worth anything, so that no exchange of the two can gain.
    """
    if worth_of_unit > 0.0:
        return max(0.0, worth / worth_of_unit)
    return math.inf if worth > 0.0 else -1.0


@borrowing
def midpoint(one: float, two: float) -> float:
    """Return the middle of two rates of exchange.

    Where what pays is worth nothing to one of the two, it is the middle of the rates the other way
    round, and 1 where moreover the good is worth nothing to the other one.
    """
    if math.isinf(one) or math.isinf(two):
        other = min(one, two)
        return 2.0 * other if other > 0.0 else 1.0
    return 0.5 * (one + two)


@borrowing
def in_steps(price: float, step_size: float) -> int:
    """Return a price in whole steps, at least one."""
    return max(int64(1), int64(min(MOST_PRICE, price / step_size) + 0.5))


@borrowing
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


@borrowing
def take_up(
    row: int,
    at: int,
    goods: I64,
    money: I64,
    family: I8,
    parameters: F64,
    weight: F64,
    lot_size: float,
    minor_size: float,
    held: I64,
    bundle: F64,
    taste: F64,
    state: F64,
) -> None:
    """Copy what an agent holds and likes to side `at`."""
    n = goods.shape[1]
    for k in range(n):
        held[at, k] = goods[row, k]
        bundle[k] = float64(held[at, k]) * lot_size
    held[at, n] = money[row]
    if bundle.shape[0] > n:
        bundle[n] = float64(held[at, n]) * minor_size
    held[at, FAMILY] = family[row]
    held[at, ROW] = row
    for p in range(taste.shape[0]):
        taste[p] = parameters[row, p]
    state[at, WEIGHT] = weight[row]
    state[at, WORTH] = math.nan
    state[at, GAINED] = 0.0


@borrowing
def put_back(held: I64, goods: I64, money: I64) -> None:
    """Write what both sides hold back to their rows."""
    n = goods.shape[1]
    for at in range(2):
        row = held[at, ROW]
        for k in range(n):
            goods[row, k] = held[at, k]
        money[row] = held[at, n]


@borrowing
def swap_rows(table: F64, whole: I64) -> None:
    """Exchange the two rows of both tables."""
    for column in range(table.shape[1]):
        kept = table[0, column]
        table[0, column] = table[1, column]
        table[1, column] = kept
    for column in range(whole.shape[1]):
        number = whole[0, column]
        whole[0, column] = whole[1, column]
        whole[1, column] = number


@borrowing
def swap(one: F64, two: F64) -> None:
    """Exchange the contents of two arrays."""
    for entry in range(one.shape[0]):
        kept = one[entry]
        one[entry] = two[entry]
        two[entry] = kept


@borrowing
def move(
    at: int, item: int, change: int, held: I64, bundle: F64, lot_size: float, minor_size: float
) -> None:
    """Change what side `at` holds of an item."""
    held[at, item] += change
    if item < bundle.shape[0]:
        size = minor_size if item == money_at(held) else lot_size
        bundle[item] = float64(held[at, item]) * size


@borrowing
def money_at(held: I64) -> int:
    """Return the number of money among the items."""
    return int64(held.shape[1]) + FAMILY - 1


def worth(at: int, held: I64, bundle: F64, taste: F64, state: F64, lot_size: float) -> float:
    """Return the utility of a side's bundle, worked out once until it trades."""
    if math.isnan(state[at, WORTH]):
        state[at, WORTH] = utility(held[at, FAMILY], bundle, taste, 0.5 * lot_size)
    return float64(state[at, WORTH])


def write_rates(
    at: int, held: I64, bundle: F64, taste: F64, state: F64, lot_size: float, rates: F64
) -> None:
    """Write the marginal utilities of a side's items."""
    n = money_at(held)
    rates[at, n] = state[at, WEIGHT]
    for k in range(bundle.shape[0]):
        rates[at, k] = marginal(held[at, FAMILY], bundle, taste, 0.5 * lot_size, k)


def marginal_after(
    at: int, k: int, change: int, held: I64, bundle: F64, taste: F64, lot_size: float
) -> float:
    """Return what a unit more of good k is worth to a side once it has `change` lots more."""
    kept = bundle[k]
    bundle[k] = float64(held[at, k] + change) * lot_size
    found = marginal(held[at, FAMILY], bundle, taste, 0.5 * lot_size, k)
    bundle[k] = kept
    return found


def worth_after(
    at: int,
    k: int,
    change: int,
    unit: int,
    paid: int,
    held: I64,
    bundle: F64,
    taste: F64,
    lot_size: float,
    minor_size: float,
) -> float:
    """Return the utility of a side's bundle after `change` lots of good k for `paid`."""
    kept = bundle[k]
    bundle[k] = float64(held[at, k] + change) * lot_size
    if unit >= bundle.shape[0]:
        found = utility(held[at, FAMILY], bundle, taste, 0.5 * lot_size)
    else:
        kept_unit = bundle[unit]
        size = minor_size if unit == money_at(held) else lot_size
        bundle[unit] = float64(held[at, unit] - paid) * size
        found = utility(held[at, FAMILY], bundle, taste, 0.5 * lot_size)
        bundle[unit] = kept_unit
    bundle[k] = kept
    return found


@borrowing
def gained(now: float, old: float, spent: float) -> float:
    """Return the change in utility, 0 in the noise."""
    found = now - old - spent
    return 0.0 if abs(found) <= NOISE * (abs(old) + abs(spent)) else found


def gain(
    at: int,
    k: int,
    change: int,
    unit: int,
    paid: int,
    held: I64,
    bundle: F64,
    taste: F64,
    state: F64,
    lot_size: float,
    minor_size: float,
) -> float:
    """Return a side's gain in utility from `change` lots of good k for `paid`; see `gained`."""
    old = worth(at, held, bundle, taste, state, lot_size)
    now = worth_after(at, k, change, unit, paid, held, bundle, taste, lot_size, minor_size)
    spent = 0.0
    if unit >= bundle.shape[0]:
        spent = state[at, WEIGHT] * (float64(paid) * minor_size)
    return gained(now, old, spent)


def both_gain(
    size: int,
    paid: int,
    k: int,
    unit: int,
    held: I64,
    bundle: F64,
    taste: F64,
    other_bundle: F64,
    other_taste: F64,
    state: F64,
    lot_size: float,
    minor_size: float,
) -> bool:
    """Return whether a trade makes buyer and seller better off."""
    first = gain(0, k, size, unit, paid, held, bundle, taste, state, lot_size, minor_size)
    if first <= 0.0:
        return False
    second = gain(
        1, k, -size, unit, -paid, held, other_bundle, other_taste, state, lot_size, minor_size
    )
    return second > 0.0


@borrowing
def money_rate(rates: F64, at: int, mode: int, k: int, unit: int) -> float:
    """Return the utility in which a side's gains are counted: of money, or of what pays.

    Where that is worth nothing to it, the gain is counted in the good.
    """
    n = rates.shape[1] - 1
    found = float64(rates[at, unit if mode == UNIT_OF_ACCOUNT else n])
    return found if found > 0.0 else float64(rates[at, k])


@borrowing
def in_minor(gained: float, paid: int, minor_size: float) -> int:
    """Return a gain and what was paid to the side besides, in minor units; 0 at least."""
    whole = math.floor(min(MOST_FLOAT, max(-MOST_FLOAT, gained / minor_size)) + 0.5)
    return min(MOST_GAIN, max(0, int64(whole) + paid))


@borrowing
def write_gains(
    pair: int, lower: int, mode: int, held: I64, money: I64, state: F64, minor: float, gained: I64
) -> None:
    """Write what both sides have gained to `gained` (pairs, 2), before money is put back.

    `lower` is the row of the side that stands first there.
    """
    n = money_at(held)
    for at in range(2):
        row = held[at, ROW]
        paid = held[at, n] - money[row] if mode == QUASILINEAR else int64(0)
        gained[pair, 0 if row == lower else 1] = in_minor(state[at, GAINED], paid, minor)


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
