"""Face-to-face trade in rounds: two agents bargain until no rule gains a lot for both.

A round tries the goods in the order of how far the two rates of exchange are apart; the first
agreement is traded, and the next round starts from there.  `trade_in_rounds` is a template, copied
for the rule in use with `agree` bound to it, and for the families in use; see
`mechanisms.bargaining`.
"""

from __future__ import annotations

import math

import numpy as np

from ecs_market.kernels.bargaining_blocks import agree_on_block as agree
from ecs_market.kernels.bargaining_blocks import old_worth, repeats
from ecs_market.kernels.bargaining_sides import (
    FIELDS,
    MOST_GAIN,
    Scale,
    Side,
    exchange_rate,
    gain,
    in_steps,
    load,
    midpoint,
    move,
    note,
    payment_for,
    pick_items,
    store,
    worth,
    write_rates,
)
from ecs_market.kernels.jit import kernel
from ecs_market.preferences.modes import QUASILINEAR, UNIT_OF_ACCOUNT
from ecs_market.types import F64, I8, I32, I64, Bool, float64, int64

# Whether a rule goes on by blocks of one size while the rates stay as they are.
REPEATS = True
# A meeting ends after so many agreements; the pair may go on in the next tick.
MOST_AGREEMENTS = 1000


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
    one: Side, two: Side, one_buys: bool, k: int, unit: int, size: int, paid: int, scale: Scale
) -> None:
    """Move a good one way and what pays the other."""
    lot_size, _, minor_size = scale
    sign = 1 if one_buys else -1
    move(one[4], one[1], k, sign * size, lot_size, minor_size)
    move(two[4], two[1], k, -sign * size, lot_size, minor_size)
    move(one[4], one[1], unit, -sign * paid, lot_size, minor_size)
    move(two[4], two[1], unit, sign * paid, lot_size, minor_size)


@kernel
def money_rate(rates: F64, at: int, mode: int, k: int, unit: int) -> float:
    """Return the utility in which a side's gains are counted: of money, or of what pays.

    Where that is worth nothing to it, the gain is counted in the good.
    """
    n = rates.shape[1] - 1
    found = float64(rates[at, unit if mode == UNIT_OF_ACCOUNT else n])
    return found if found > 0.0 else float64(rates[at, k])


@kernel
def in_minor(gained: float, minor_size: float) -> int:
    """Return a gain in minor units, 0 at least."""
    return int64(min(MOST_GAIN, max(0.0, gained / minor_size)) + 0.5)


def carry_out(
    buyer: Side,
    seller: Side,
    buyer_at: int,
    k: int,
    unit: int,
    size: int,
    steps: int,
    unit_steps: int,
    mode: int,
    rates: F64,
    rates_before: F64,
    old: F64,
    scale: Scale,
) -> tuple[int, int, float]:
    """Book an agreement, and the same again as often as it would be made at unchanged rates.

    Returns lots, payment, and the gain [M] where it is counted trade by trade.
    """
    lot_size, _, minor_size = scale
    paid = payment_for(size, steps, unit_steps)
    gained = 0.0
    if mode != QUASILINEAR:
        more = gain(
            buyer,
            k,
            size,
            unit,
            paid,
            old_worth(buyer, buyer_at, lot_size, old),
            lot_size,
            minor_size,
        )
        gained = more / money_rate(rates, buyer_at, mode, k, unit)
        before = old_worth(seller, 1 - buyer_at, lot_size, old)
        more = gain(seller, k, -size, unit, -paid, before, lot_size, minor_size)
        gained += more / money_rate(rates, 1 - buyer_at, mode, k, unit)
    book(buyer, seller, True, k, unit, size, paid, scale)
    copy_rates(rates, rates_before)
    old[0] = math.nan
    old[1] = math.nan
    write_rates(buyer, buyer_at, mode, lot_size, rates)
    write_rates(seller, 1 - buyer_at, mode, lot_size, rates)
    if REPEATS and same_rates(rates, rates_before):
        now = (
            old_worth(buyer, buyer_at, lot_size, old),
            old_worth(seller, 1 - buyer_at, lot_size, old),
        )
        terms = (k, unit, steps, unit_steps, now, lot_size, minor_size)
        times = repeats(size, paid, buyer, seller, *terms)
        if times > 0:
            book(buyer, seller, True, k, unit, times * size, times * paid, scale)
            size += times * size
            paid += times * paid
            gained += float64(times) * gained
            old[0] = math.nan
            old[1] = math.nan
    return size, paid, gained


def trade_in_rounds(
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
    mode: int,
    barter: bool,
    entries: int,
    rule: F64,
    leads: I8,
    scale: Scale,
    halves: I64,
    money_steps: int,
    filled: Bool,
    gained: I64,
    trades: I32,
) -> I64:
    """Bargain for each pair in turn and book what they agree on, until nothing gains a lot.

    `entries` is the length of a bundle, `rule` the rule's own numbers, `leads` who proposes in
    each pair, and `money_steps` the price of what pays if that is a good.  Returns one row a
    trade: buyer id, seller id, good, lots, price [step].
    """
    n = goods.shape[1]
    lot_size, step_size, minor_size = scale
    record = np.empty((0, FIELDS), np.int64)
    used = 0
    work = np.empty((4, entries))
    traded = np.empty(entries, np.bool_)
    rates = np.empty((2, n + 1))
    rates_before = np.empty((2, n + 1))
    tried = np.empty((n, n + 1), np.bool_)
    picked = np.empty(2, np.int64)
    old = np.empty(2)
    held_one = np.empty(n + 1, np.int64)
    held_two = np.empty(n + 1, np.int64)
    bundle_one = np.empty(entries)
    bundle_two = np.empty(entries)
    for pair in range(start, stop):
        i = first[pair]
        j = second[pair]
        load(i, goods, money, lot_size, minor_size, held_one, bundle_one)
        load(j, goods, money, lot_size, minor_size, held_two, bundle_two)
        one = (int64(family[i]), bundle_one, parameters[i], float64(weight[i]), held_one)
        two = (int64(family[j]), bundle_two, parameters[j], float64(weight[j]), held_two)
        write_rates(one, 0, mode, lot_size, rates)
        write_rates(two, 1, mode, lot_size, rates)
        forget(tried)
        old[0] = math.nan
        old[1] = math.nan
        made = 0
        total = 0.0
        before = (0.0, 0.0)
        while made < MOST_AGREEMENTS:
            pick_items(rates, mode, barter, tried, picked)
            k = picked[0]
            unit = picked[1]
            if k < 0:
                break
            tried[k, unit] = True
            rate_one = exchange_rate(rates[0, k], rates[0, unit])
            rate_two = exchange_rate(rates[1, k], rates[1, unit])
            buyer_at = 0 if rate_one > rate_two else 1
            buyer = one if buyer_at == 0 else two
            seller = two if buyer_at == 0 else one
            steps = in_steps(midpoint(rate_one, rate_two), step_size)
            unit_steps = int64(0) if unit == n else money_steps
            terms = (k, unit, steps, unit_steps, rates, old, buyer_at, mode, rule)
            size, steps = agree(
                buyer, seller, *terms, leads[pair], halves, scale, work, traded
            )
            if size == 0:
                continue
            if made == 0 and mode == QUASILINEAR:
                before = (old_worth(one, 0, lot_size, old), old_worth(two, 1, lot_size, old))
            deal = (buyer_at, k, unit, size, steps, unit_steps)
            size, paid, more = carry_out(
                buyer, seller, *deal, mode, rates, rates_before, old, scale
            )
            total += more
            buyer_id = ids[i] if buyer_at == 0 else ids[j]
            seller_id = ids[j] if buyer_at == 0 else ids[i]
            record = note(record, used, buyer_id, seller_id, k, size, steps)
            used += 1
            if unit < n:
                record = note(record, used, seller_id, buyer_id, unit, paid, unit_steps)
                used += 1
            made += 1
            forget(tried)
        trades[pair] = made
        gained[pair] = 0
        if made > 0:
            if mode == QUASILINEAR:
                total = (worth(one, lot_size) - before[0]) / one[3]
                total += (worth(two, lot_size) - before[1]) / two[3]
            gained[pair] = in_minor(total, minor_size)
            filled[i] = True
            filled[j] = True
            store(i, held_one, goods, money)
            store(j, held_two, goods, money)
    return record[:used]
