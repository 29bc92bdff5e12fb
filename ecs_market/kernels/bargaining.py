"""Face-to-face trade: two agents bargain until no rule gains a lot for both.

A trade is of a good k against what pays, `unit`: money (`unit` = K), or another good whose price is
then 1.  The plain functions are templates, copied for the families in use with `utility`,
`marginal` and `demand` bound to those; see `mechanisms.bargaining`.
"""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.jit import kernel
from ecs_market.kernels.wide import mul_div
from ecs_market.preferences.chain import last_demand as demand
from ecs_market.preferences.chain import last_marginal as marginal
from ecs_market.preferences.chain import last_utility as utility
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.types import F64, I8, I32, I64, Bool, float64, int64
from ecs_market.units import MAX_LOTS, MAX_STEPS

COMPENSATING_BLOCK, SPLIT_DIFFERENCE = 0, 1
RULES = ("compensating_block", "split_difference")
# A gain under this share of the utilities compared is float noise.
NOISE = 1e-12
FIELDS = 6
# A meeting ends after so many agreements; the pair may go on in the next tick.
MOST_AGREEMENTS = 1000
# Gains are reported up to this many minor units a pair, so that sums of them fit int64.
MOST_GAIN = 2.0**50
MOST_PRICE = float(MAX_STEPS)


@kernel
def append(record: I64, used: int) -> I64:
    """Return a record with room for one more row."""
    if used < record.shape[0]:
        return record
    grown = np.empty((max(16, 2 * record.shape[0]), FIELDS), np.int64)
    for row in range(used):
        for column in range(FIELDS):
            grown[row, column] = record[row, column]
    return grown


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
def pick_goods(rates: F64, barter: bool, tried: Bool, picked: I64) -> None:
    """Write the untried pair (good, what pays) whose rates of exchange are furthest apart.

    `rates` (2, K + 1) are marginal utilities of the goods and, last, of money; `picked[0]` is -1
    when no two rates differ.  Without `barter` money pays, with it another good does.
    """
    n = rates.shape[1] - 1
    best = 0.0
    picked[0] = -1
    for k in range(n):
        for unit in range(k + 1, n + 1):
            if tried[k, unit] or (unit == n) == barter:
                continue
            if rates[0, unit] <= 0.0 or rates[1, unit] <= 0.0:
                continue
            gap = abs(rates[0, k] / rates[0, unit] - rates[1, k] / rates[1, unit])
            if gap > best:
                best = gap
                picked[0] = k
                picked[1] = unit


def write_rates(
    side: int,
    row: int,
    goods: I64,
    family: I8,
    parameters: F64,
    weight: F64,
    lot_size: float,
    work: F64,
    rates: F64,
) -> float:
    """Write the marginal utilities of an agent's goods and, last, of money; return its utility."""
    n = goods.shape[1]
    for k in range(n):
        work[0, k] = float64(goods[row, k]) * lot_size
    for k in range(n):
        rates[side, k] = marginal(family[row], work[0], parameters[row], 0.5 * lot_size, k)
    rates[side, n] = weight[row]
    return utility(family[row], work[0], parameters[row], 0.5 * lot_size)


def gain(
    row: int,
    k: int,
    change: int,
    unit: int,
    paid: int,
    old: float,
    goods: I64,
    family: I8,
    parameters: F64,
    weight: F64,
    lot_size: float,
    minor_size: float,
    work: F64,
) -> float:
    """Return the change in utility of `change` lots of good k for `paid`, 0 in the noise."""
    n = goods.shape[1]
    for m in range(n):
        work[0, m] = float64(goods[row, m]) * lot_size
    work[0, k] = float64(goods[row, k] + change) * lot_size
    spent = 0.0
    if unit == n:
        spent = weight[row] * (float64(paid) * minor_size)
    else:
        work[0, unit] = float64(goods[row, unit] - paid) * lot_size
    found = utility(family[row], work[0], parameters[row], 0.5 * lot_size) - old - spent
    return 0.0 if abs(found) <= NOISE * (abs(old) + abs(spent)) else found


def wanted(
    row: int,
    k: int,
    unit: int,
    steps: int,
    goods: I64,
    money: I64,
    family: I8,
    parameters: F64,
    weight: F64,
    mode: int,
    lot_size: float,
    step_size: float,
    minor_size: float,
    work: F64,
    traded: Bool,
) -> int:
    """Return the lots of good k that an agent would add at a price, negative to sell."""
    n = goods.shape[1]
    for m in range(n):
        work[0, m] = float64(goods[row, m]) * lot_size
        work[1, m] = 1.0
        traded[m] = m == k or m == unit
    work[1, k] = float64(steps) * step_size
    wealth = work[1, k] * work[0, k]
    wealth += float64(money[row]) * minor_size if unit == n else work[0, unit]
    demand(
        family[row],
        work[1],
        traded,
        work[0],
        wealth,
        parameters[row],
        weight[row],
        mode,
        unit if unit < n else -1,
        0.5 * lot_size,
        0.0,
        work[2],
        work[3],
    )
    if work[2, k] <= work[0, k] <= work[3, k]:
        return int64(0)
    change = (work[2, k] - work[0, k]) / lot_size
    return int64(change) if change > 0.0 else -int64(-change)


def both_gain(
    size: int,
    paid: int,
    buyer: int,
    seller: int,
    k: int,
    unit: int,
    old: tuple[float, float],
    goods: I64,
    family: I8,
    parameters: F64,
    weight: F64,
    lot_size: float,
    minor_size: float,
    work: F64,
) -> bool:
    """Return whether a trade makes buyer and seller, with utilities `old`, better off."""
    common = (goods, family, parameters, weight, lot_size, minor_size, work)
    if gain(buyer, k, size, unit, paid, old[0], *common) <= 0.0:
        return False
    return gain(seller, k, -size, unit, -paid, old[1], *common) > 0.0


def agree(
    rule: int,
    buyer: int,
    seller: int,
    k: int,
    unit: int,
    steps: int,
    unit_steps: int,
    old: tuple[float, float],
    goods: I64,
    money: I64,
    family: I8,
    parameters: F64,
    weight: F64,
    mode: int,
    lot_size: float,
    step_size: float,
    minor_size: float,
    lots_per_unit: int,
    work: F64,
    traded: Bool,
) -> int:
    """Return how many lots the two agree on at a price, 0 if none.

    Split difference: the smaller of what both want.  Compensating block: the first of 1, 2, 4 ...
    units, then of halves of a unit down to a lot, that makes both better off.
    """
    n = goods.shape[1]
    cash = money[buyer] if unit == n else goods[buyer, unit]
    most = min(goods[seller, k], affordable(cash, steps, unit_steps))
    common = (goods, family, parameters, weight, lot_size, minor_size, work)
    size = int64(lots_per_unit)
    if rule == SPLIT_DIFFERENCE:
        means = (goods, money, family, parameters, weight, mode)
        sizes = (lot_size, step_size, minor_size, work, traded)
        buys = wanted(buyer, k, unit, steps, *means, *sizes)
        sells = -wanted(seller, k, unit, steps, *means, *sizes)
        size = min(most, min(buys, sells))
    while 0 < size <= most:
        paid = payment_for(size, steps, unit_steps)
        if 0 < paid <= cash and both_gain(size, paid, buyer, seller, k, unit, old, *common):
            return size
        if rule == SPLIT_DIFFERENCE:
            return int64(0)
        size *= 2
    if rule == SPLIT_DIFFERENCE:
        return int64(0)
    size = int64(lots_per_unit) // 2
    while size > 0:
        paid = payment_for(size, steps, unit_steps)
        if size <= most and 0 < paid <= cash:
            if both_gain(size, paid, buyer, seller, k, unit, old, *common):
                return size
        size //= 2
    return int64(0)


def repeats(
    size: int,
    paid: int,
    buyer: int,
    seller: int,
    k: int,
    unit: int,
    steps: int,
    unit_steps: int,
    old: tuple[float, float],
    goods: I64,
    money: I64,
    family: I8,
    parameters: F64,
    weight: F64,
    lot_size: float,
    minor_size: float,
    work: F64,
) -> int:
    """Return how many times more the same block would be agreed on, rates being as they were.

    Agents whose rates do not change with what they hold would repeat it until one of them has
    nothing left to give; that is one trade, however many blocks.
    """
    cash = money[buyer] if unit == goods.shape[1] else goods[buyer, unit]
    most = min(goods[seller, k], affordable(cash, steps, unit_steps))
    times = int64(min(most // size, cash // paid))
    sizes = (goods, family, parameters, weight, lot_size, minor_size, work)
    if times > 0 and both_gain(times * size, times * paid, buyer, seller, k, unit, old, *sizes):
        return times
    return int64(0)


@kernel
def forget(tried: Bool) -> None:
    """Mark every pair of goods as untried."""
    for k in range(tried.shape[0]):
        for unit in range(tried.shape[1]):
            tried[k, unit] = False


@kernel
def copy_rates(rates: F64, to: F64) -> None:
    """Copy the marginal utilities of both sides."""
    for side in range(2):
        for k in range(rates.shape[1]):
            to[side, k] = rates[side, k]


@kernel
def same_rates(rates: F64, others: F64) -> bool:
    """Return whether both sides' marginal utilities are what they were."""
    for side in range(2):
        for k in range(rates.shape[1]):
            if rates[side, k] != others[side, k]:
                return False
    return True


@kernel
def book(
    buyer: int, seller: int, k: int, unit: int, size: int, paid: int, goods: I64, money: I64
) -> None:
    """Move goods one way and money, or the good that pays, the other."""
    goods[buyer, k] += size
    goods[seller, k] -= size
    if unit == goods.shape[1]:
        money[buyer] -= paid
        money[seller] += paid
    else:
        goods[buyer, unit] -= paid
        goods[seller, unit] += paid


@kernel
def note(
    record: I64, used: int, buyer: int, seller: int, k: int, size: int, steps: int, pair: int
) -> I64:
    """Add a row to the record; return it, grown if it was full."""
    record = append(record, used)
    record[used, 0] = buyer
    record[used, 1] = seller
    record[used, 2] = k
    record[used, 3] = size
    record[used, 4] = steps
    record[used, 5] = pair
    return record


def bargain_pairs(
    start: int,
    stop: int,
    first: I64,
    second: I64,
    ids: I64,
    goods: I64,
    money: I64,
    family: I8,
    parameters: F64,
    weight: F64,
    rule: int,
    mode: int,
    lot_size: float,
    step_size: float,
    minor_size: float,
    lots_per_unit: int,
    filled: Bool,
    gained: I64,
    trades: I32,
) -> I64:
    """Bargain for each pair in turn and book what they agree on.

    A round tries the goods in the order of how far the two rates of exchange are apart; the first
    agreement is traded at the midpoint of both rates, and the next round starts from there.  The
    pair is done when nothing gains a lot.  Returns one row a trade: buyer id, seller id, good,
    lots, price [step], pair.
    """
    n = goods.shape[1]
    record = np.empty((0, FIELDS), np.int64)
    used = 0
    work = np.empty((4, n))
    traded = np.empty(n, np.bool_)
    rates = np.empty((2, n + 1))
    rates_before = np.empty((2, n + 1))
    tried = np.empty((n, n + 1), np.bool_)
    picked = np.empty(2, np.int64)
    money_steps = int64(1.0 / step_size + 0.5)
    tastes = (family, parameters, weight)
    for pair in range(start, stop):
        i = first[pair]
        j = second[pair]
        gained[pair] = 0
        trades[pair] = 0
        forget(tried)
        old_i = write_rates(0, i, goods, *tastes, lot_size, work, rates)
        old_j = write_rates(1, j, goods, *tastes, lot_size, work, rates)
        while trades[pair] < MOST_AGREEMENTS:
            pick_goods(rates, mode != QUASILINEAR, tried, picked)
            if picked[0] < 0:
                break
            k = picked[0]
            unit = picked[1]
            tried[k, unit] = True
            one = rates[0, k] / rates[0, unit]
            two = rates[1, k] / rates[1, unit]
            buyer = i if one > two else j
            seller = j if one > two else i
            midpoint = min(MOST_PRICE, 0.5 * (one + two) / step_size)
            steps = max(int64(1), int64(midpoint + 0.5))
            unit_steps = int64(0) if unit == n else money_steps
            old = (old_i, old_j) if buyer == i else (old_j, old_i)
            size = agree(
                rule,
                buyer,
                seller,
                k,
                unit,
                steps,
                unit_steps,
                old,
                goods,
                money,
                family,
                parameters,
                weight,
                mode,
                lot_size,
                step_size,
                minor_size,
                lots_per_unit,
                work,
                traded,
            )
            if size == 0:
                continue
            paid = payment_for(size, steps, unit_steps)
            sizes = (goods, family, parameters, weight, lot_size, minor_size, work)
            worth = rates[0 if buyer == i else 1, unit]
            worth_seller = rates[0 if seller == i else 1, unit]
            more = gain(buyer, k, size, unit, paid, old[0], *sizes) / worth
            more += gain(seller, k, -size, unit, -paid, old[1], *sizes) / worth_seller
            book(buyer, seller, k, unit, size, paid, goods, money)
            copy_rates(rates, rates_before)
            old_i = write_rates(0, i, goods, *tastes, lot_size, work, rates)
            old_j = write_rates(1, j, goods, *tastes, lot_size, work, rates)
            if rule == COMPENSATING_BLOCK and same_rates(rates, rates_before):
                old = (old_i, old_j) if buyer == i else (old_j, old_i)
                market = (steps, unit_steps, old, goods, money, family, parameters, weight)
                scale = (lot_size, minor_size, work)
                times = repeats(size, paid, buyer, seller, k, unit, *market, *scale)
                book(buyer, seller, k, unit, times * size, times * paid, goods, money)
                size += times * size
                paid += times * paid
                more += times * more
                old_i = write_rates(0, i, goods, *tastes, lot_size, work, rates)
                old_j = write_rates(1, j, goods, *tastes, lot_size, work, rates)
            gained[pair] += int64(min(MOST_GAIN / MOST_AGREEMENTS, more / minor_size) + 0.5)
            record = note(record, used, ids[buyer], ids[seller], k, size, steps, pair)
            used += 1
            if unit < n:
                record = note(record, used, ids[seller], ids[buyer], unit, paid, unit_steps, pair)
                used += 1
            trades[pair] += 1
            filled[i] = True
            filled[j] = True
            forget(tried)
    return record[:used]
