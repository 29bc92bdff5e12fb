"""The two sides of a pair that bargains: what they hold, what it is worth, what they exchange.

Items are the goods and, last, money; `unit` is the item that pays for a good, with the price 1.  A
pair is loaded into small arrays, a row a side (`Pair`), and written back when it is done.

The plain functions are templates, copied for the families in use with `utility`, `marginal` and
`demand` bound to those.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ecs_market.kernels.jit import absorbed, borrowing, helper
from ecs_market.kernels.wide import mul_div
from ecs_market.preferences.chain import last_marginal as marginal
from ecs_market.preferences.chain import last_utility as utility
from ecs_market.preferences.modes import QUASILINEAR, UNIT_OF_ACCOUNT
from ecs_market.preferences.shapes import SEPARABLE
from ecs_market.types import F64, I8, I64, Bool, float64, int64
from ecs_market.units import MAX_LOTS, MAX_STEPS

# Columns of `held` after the items: `SHAPE` is what is known of the family's marginal utilities.
SHAPE, FAMILY, ROW = -3, -2, -1
# Columns of `state`: the weight of money; the utility, and that after the trade in question, nan if
# not worked out; what the side has gained [M], in quasi-linear money without what it was paid; the
# marginal utility of the good in question after the trade, nan if not worked out.  `SLOPES` and the
# columns after it are marginal utilities of that good after each of the blocks, nan likewise.
WEIGHT, WORTH, NEXT, GAINED, RATE, SLOPES = 0, 1, 2, 3, 4, 5
# Who proposes: the lower id, the higher id, who buys or who sells.
LOWER, HIGHER, BUYER, SELLER = 0, 1, 2, 3
# A gain under this share of the utilities compared is float noise.
NOISE = 1e-12
FIELDS = 5
# Gains are reported up to this many minor units a side, so that sums of them fit int64.
MOST_GAIN = 2**49
MOST_FLOAT = 2.0**60
MOST_PRICE = float(MAX_STEPS)


class Pair(NamedTuple):
    """Both sides of a meeting, a row each: the lower id is side 0.

    Attributes
    ----------
    held
        int64 (2, K + 4): the items [lot; minor unit], the shape of marginal utilities, the family's
        code, the agent's row.
    bundle
        float64 (2, entries): what the family sees [unit; M].
    taste
        float64 (2, P): the rows of parameters.
    state
        float64 (2, 5 + blocks): see `WEIGHT` and the columns after it.
    rates
        float64 (2, K + 1): the marginal utilities of the items.
    """

    held: I64
    bundle: F64
    taste: F64
    state: F64
    rates: F64


class Scale(NamedTuple):
    """Money mode, whether goods pay for goods besides, sizes of the units, and price 1 [step]."""

    mode: int
    barter: bool
    lot: float
    step: float
    minor: float
    one: int


@helper
def new_pair(goods: int, entries: int, parameters: int, blocks: int) -> Pair:
    """Return room for a pair, and for the slopes of so many blocks."""
    return Pair(
        np.empty((2, goods + 4), np.int64),
        np.empty((2, entries)),
        np.empty((2, parameters)),
        np.empty((2, SLOPES + blocks)),
        np.empty((2, goods + 1)),
    )


@absorbed
def payment_for(lots: int, steps: int, unit_steps: int) -> int:
    """Return what `lots` cost: minor units (`unit_steps` 0), or the nearest lots of a good."""
    if unit_steps == 0:
        return lots * steps
    quotient, remainder = mul_div(lots, steps, unit_steps)
    return quotient + (1 if 2 * remainder >= unit_steps else 0)


@absorbed
def affordable(cash: int, steps: int, unit_steps: int) -> int:
    """Return how many lots `cash` (minor units, or lots of the good that pays) can buy."""
    if unit_steps == 0:
        return cash // steps
    if float64(cash) * float64(unit_steps) > float64(MAX_LOTS) * float64(steps):
        return MAX_LOTS
    lots, _ = mul_div(cash, unit_steps, steps)
    return lots


@absorbed
def exchange_rate(worth: float, worth_of_unit: float) -> float:
    """Return how much of what pays a good is worth, inf if that is worth nothing.

    Below 0: neither is worth anything, so that no exchange of the two can gain.
    """
    if worth_of_unit > 0.0:
        return max(0.0, worth / worth_of_unit)
    return math.inf if worth > 0.0 else -1.0


@absorbed
def midpoint(one: float, two: float) -> float:
    """Return the middle of two rates of exchange.

    Where what pays is worth nothing to one of the two, it is the middle of the rates the other way
    round, and 1 where moreover the good is worth nothing to the other one.
    """
    if math.isinf(one) or math.isinf(two):
        other = min(one, two)
        return 2.0 * other if other > 0.0 else 1.0
    return 0.5 * (one + two)


@absorbed
def in_steps(price: float, step_size: float) -> int:
    """Return a price in whole steps, at least one."""
    return max(int64(1), int64(min(MOST_PRICE, price / step_size) + 0.5))


@borrowing
def money_at(pair: Pair) -> int:
    """Return the number of money among the items."""
    return int64(pair.rates.shape[1]) - 1


@absorbed
def pick_items(pair: Pair, scale: Scale, tried: Bool) -> tuple[int, int, float, float]:
    """Return the untried pair (good, what pays) whose rates of exchange are furthest apart.

    And both rates; the good is -1 when no two rates differ.
    """
    n = money_at(pair)
    rates = pair.rates
    best = 0.0
    found = (int64(-1), int64(0), 0.0, 0.0)
    last = n if scale.mode == UNIT_OF_ACCOUNT else n + 1
    for k in range(n):
        first = n if scale.mode == QUASILINEAR and not scale.barter else k + 1
        for unit in range(first, last):
            if tried[k, unit]:
                continue
            one = exchange_rate(rates[0, k], rates[0, unit])
            two = exchange_rate(rates[1, k], rates[1, unit])
            if one < 0.0 or two < 0.0 or one == two:
                continue
            gap = abs(one - two)
            if gap > best:
                best = gap
                found = (int64(k), int64(unit), one, two)
    return found


@borrowing
def take_up(
    row: int,
    at: int,
    goods: I64,
    money: I64,
    family: I8,
    parameters: F64,
    weight: F64,
    scale: Scale,
    pair: Pair,
) -> None:
    """Copy what an agent holds and likes to side `at`; only rates of what it sees are left open.

    Those are what `write_rates` writes; money that no family sees is worth its weight.
    """
    held, bundle, taste, state = pair.held, pair.bundle, pair.taste, pair.state
    n = money_at(pair)
    for k in range(n):
        held[at, k] = goods[row, k]
        bundle[at, k] = float64(held[at, k]) * scale.lot
    held[at, n] = money[row]
    if bundle.shape[1] > n:
        bundle[at, n] = float64(held[at, n]) * scale.minor
    held[at, SHAPE] = 0
    held[at, FAMILY] = family[row]
    held[at, ROW] = row
    for p in range(taste.shape[1]):
        taste[at, p] = parameters[row, p]
    state[at, WEIGHT] = weight[row]
    state[at, WORTH] = math.nan
    state[at, NEXT] = math.nan
    state[at, GAINED] = 0.0
    pair.rates[at, n] = weight[row]


@borrowing
def put_back(pair: Pair, goods: I64, money: I64) -> None:
    """Write what both sides hold back to their rows."""
    n = money_at(pair)
    for at in range(2):
        row = pair.held[at, ROW]
        for k in range(n):
            goods[row, k] = pair.held[at, k]
        money[row] = pair.held[at, n]


@absorbed
def move(pair: Pair, scale: Scale, at: int, item: int, change: int) -> None:
    """Change what side `at` holds of an item."""
    pair.held[at, item] += change
    if item < pair.bundle.shape[1]:
        size = scale.minor if item == money_at(pair) else scale.lot
        pair.bundle[at, item] = float64(pair.held[at, item]) * size


def worth(pair: Pair, scale: Scale, at: int) -> float:
    """Return the utility of a side's bundle, worked out once until it trades."""
    known = float64(pair.state[at, WORTH])
    if math.isnan(known):
        family = pair.held[at, FAMILY]
        known = utility(family, pair.bundle[at], pair.taste[at], 0.5 * scale.lot)
        pair.state[at, WORTH] = known
    return known


def write_rates(pair: Pair, scale: Scale, at: int, moved: int, unit: int) -> bool:
    """Write the marginal utilities of a side's items; return whether any has changed.

    They were known before item `unit` was given for good `moved`, or were not where that is below
    0.  That of `moved` is taken from `RATE` where it has been worked out.
    """
    changed = False
    stay = moved >= 0 and pair.held[at, SHAPE] & SEPARABLE != 0
    for k in range(pair.bundle.shape[1]):
        if stay and k != moved and k != unit:
            continue
        family = pair.held[at, FAMILY]
        rate = float64(pair.state[at, RATE]) if k == moved else math.nan
        if math.isnan(rate):
            rate = marginal(family, pair.bundle[at], pair.taste[at], 0.5 * scale.lot, k)
        changed = changed or rate != pair.rates[at, k]
        pair.rates[at, k] = rate
    return changed


@absorbed
def gained(now: float, old: float, spent: float) -> float:
    """Return the change in utility, 0 in the noise."""
    found = now - old - spent
    return 0.0 if abs(found) <= NOISE * (abs(old) + abs(spent)) else found


def gain(pair: Pair, scale: Scale, at: int, k: int, change: int, unit: int, paid: int) -> float:
    """Return a side's gain in utility from `change` lots of good k for `paid`; see `gained`.

    The utility after the trade is kept as `NEXT`.
    """
    old = worth(pair, scale, at)
    held, bundle = pair.held, pair.bundle
    pays = unit < bundle.shape[1]
    kept = bundle[at, k]
    bundle[at, k] = float64(held[at, k] + change) * scale.lot
    kept_unit = 0.0
    spent = 0.0
    if pays:
        kept_unit = bundle[at, unit]
        size = scale.minor if unit == money_at(pair) else scale.lot
        bundle[at, unit] = float64(held[at, unit] - paid) * size
    else:
        spent = pair.state[at, WEIGHT] * (float64(paid) * scale.minor)
    now = utility(held[at, FAMILY], bundle[at], pair.taste[at], 0.5 * scale.lot)
    if pays:
        bundle[at, unit] = kept_unit
    bundle[at, k] = kept
    pair.state[at, NEXT] = now
    return gained(now, old, spent)


def both_gain(
    pair: Pair, scale: Scale, buyer: int, k: int, size: int, unit: int, paid: int
) -> bool:
    """Return whether a trade makes buyer and seller better off."""
    for turn in range(2):
        at = buyer if turn == 0 else 1 - buyer
        sign = 1 - 2 * turn
        if gain(pair, scale, at, k, sign * size, unit, sign * paid) <= 0.0:
            return False
    return True


@absorbed
def money_rate(pair: Pair, at: int, mode: int, k: int, unit: int) -> float:
    """Return the utility in which a side's gains are counted: of money, or of what pays.

    Where that is worth nothing to it, the gain is counted in the good, or else in what pays for it.
    """
    found = float64(pair.rates[at, unit if mode == UNIT_OF_ACCOUNT else money_at(pair)])
    if found <= 0.0:
        found = float64(pair.rates[at, k])
    return found if found > 0.0 else float64(pair.rates[at, unit])


@absorbed
def in_minor(gained: float, paid: int, minor_size: float) -> int:
    """Return a gain and what was paid to the side besides, in minor units; 0 at least."""
    whole = math.floor(min(MOST_FLOAT, max(-MOST_FLOAT, gained / minor_size)) + 0.5)
    return min(MOST_GAIN, max(0, int64(whole) + paid))


@absorbed
def write_gains(pair: Pair, scale: Scale, place: int, money: I64, gained: I64) -> None:
    """Write what both sides have gained to `gained` (pairs, 2), before money is put back."""
    for at in range(2):
        paid = int64(0)
        if scale.mode == QUASILINEAR:
            paid = pair.held[at, money_at(pair)] - money[pair.held[at, ROW]]
        gained[place, at] = in_minor(pair.state[at, GAINED], paid, scale.minor)


@helper
def with_room(record: I64, used: int, more: int) -> I64:
    """Return the record, or a longer copy of its `used` rows that has room for `more`."""
    if used + more <= record.shape[0]:
        return record
    grown = np.empty((max(used + more, 2 * used), FIELDS), np.int64)
    for row in range(used):
        for column in range(FIELDS):
            grown[row, column] = record[row, column]
    return grown


@absorbed
def note(record: I64, at: int, buyer: int, seller: int, k: int, size: int, steps: int) -> None:
    """Write a row of the record."""
    record[at, 0] = buyer
    record[at, 1] = seller
    record[at, 2] = k
    record[at, 3] = size
    record[at, 4] = steps
