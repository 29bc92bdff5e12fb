# every rule has the signature that the loop over pairs calls

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
from ecs_market.kernels.bargaining_sides import (
    BUYER,
    FIELDS,
    GAINED,
    HIGHER,
    LOWER,
    ROW,
    WEIGHT,
    WORTH,
    affordable,
    both_gain,
    exchange_rate,
    gain,
    in_steps,
    midpoint,
    money_at,
    money_rate,
    move,
    note,
    payment_for,
    pick_items,
    put_back,
    swap,
    swap_rows,
    take_up,
    worth,
    write_gains,
    write_rates,
)
from ecs_market.kernels.jit import borrowing
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.types import F64, I8, I32, I64, Bool, float64, int64

# Whether a rule goes on by blocks of one size while the rates stay as they are.
REPEATS = True
# A meeting ends after so many agreements; the pair may go on in the next tick.
MOST_AGREEMENTS = 1000


@borrowing
def forget(tried: Bool) -> None:
    """Mark every pair of goods as untried."""
    for k in range(tried.shape[0]):
        for unit in range(tried.shape[1]):
            tried[k, unit] = False


@borrowing
def same_rates(rates: F64, others: F64) -> bool:
    """Return whether both sides' marginal utilities are what they were."""
    for side in range(2):
        for k in range(rates.shape[1]):
            if rates[side, k] != others[side, k]:
                return False
    return True


@borrowing
def buyer_leads(lead: int, buyer_is_lower: bool) -> bool:
    """Return whether the buyer makes the offer."""
    if lead == LOWER or lead == HIGHER:
        return buyer_is_lower == (lead == LOWER)
    return lead == BUYER


@borrowing
def book(
    k: int,
    unit: int,
    size: int,
    paid: int,
    held: I64,
    bundle: F64,
    other_bundle: F64,
    lot_size: float,
    minor_size: float,
) -> None:
    """Move a good from side 1 to side 0, and what pays the other way."""
    move(0, k, size, held, bundle, lot_size, minor_size)
    move(1, k, -size, held, other_bundle, lot_size, minor_size)
    move(0, unit, -paid, held, bundle, lot_size, minor_size)
    move(1, unit, paid, held, other_bundle, lot_size, minor_size)


def repeats(
    size: int,
    paid: int,
    k: int,
    unit: int,
    steps: int,
    unit_steps: int,
    held: I64,
    bundle: F64,
    taste: F64,
    other_bundle: F64,
    other_taste: F64,
    state: F64,
    lot_size: float,
    minor_size: float,
) -> int:
    """Return how many times more the same block would be agreed on, rates being as they were.

    Agents whose rates do not change with what they hold would repeat it until one of them has
    nothing left to give; that is one trade, however many blocks.
    """
    cash = int64(held[0, unit])
    most = min(int64(held[1, k]), affordable(cash, steps, unit_steps))
    times = int64(min(most // size, cash // paid))
    if times > 0 and both_gain(
        times * size,
        times * paid,
        k,
        unit,
        held,
        bundle,
        taste,
        other_bundle,
        other_taste,
        state,
        lot_size,
        minor_size,
    ):
        return times
    return int64(0)


def carry_out(
    k: int,
    unit: int,
    size: int,
    steps: int,
    unit_steps: int,
    mode: int,
    held: I64,
    bundle: F64,
    taste: F64,
    other_bundle: F64,
    other_taste: F64,
    state: F64,
    rates: F64,
    before: F64,
    lot_size: float,
    minor_size: float,
) -> tuple[int, int]:
    """Book an agreement, and the same again as often as it would be made at unchanged rates.

    Returns lots and payment; gains are added up where they are counted trade by trade.
    """
    paid = payment_for(size, steps, unit_steps)
    gained = 0.0
    other_gained = 0.0
    if mode != QUASILINEAR:
        sizes = (lot_size, minor_size)
        gained = gain(0, k, size, unit, paid, held, bundle, taste, state, *sizes)
        gained /= money_rate(rates, 0, mode, k, unit)
        other_gained = gain(
            1, k, -size, unit, -paid, held, other_bundle, other_taste, state, *sizes
        )
        other_gained /= money_rate(rates, 1, mode, k, unit)
    for column in range(rates.shape[1]):
        before[0, column] = rates[0, column]
        before[1, column] = rates[1, column]
    total = int64(0)
    times = int64(1)
    while times > 0:
        book(k, unit, times * size, times * paid, held, bundle, other_bundle, lot_size, minor_size)
        total += times
        state[0, WORTH] = math.nan
        state[1, WORTH] = math.nan
        write_rates(0, held, bundle, taste, state, lot_size, rates)
        write_rates(1, held, other_bundle, other_taste, state, lot_size, rates)
        times = int64(0)
        if REPEATS and total == 1 and same_rates(rates, before):
            times = repeats(
                size,
                paid,
                k,
                unit,
                steps,
                unit_steps,
                held,
                bundle,
                taste,
                other_bundle,
                other_taste,
                state,
                lot_size,
                minor_size,
            )
    state[0, GAINED] += float64(total) * gained
    state[1, GAINED] += float64(total) * other_gained
    return total * size, total * paid


@borrowing
def swap_sides(state: F64) -> None:
    """Exchange what both sides' rows of `state` hold."""
    for column in range(state.shape[1]):
        kept = state[0, column]
        state[0, column] = state[1, column]
        state[1, column] = kept


@borrowing
def write_deal(deals: I64, at: int, buyer: int, seller: int, k: int, size: int, steps: int) -> None:
    """Write down a trade between two rows."""
    deals[at, 0] = buyer
    deals[at, 1] = seller
    deals[at, 2] = k
    deals[at, 3] = size
    deals[at, 4] = steps


def count_worth(
    sign: float,
    held: I64,
    bundle: F64,
    taste: F64,
    other_bundle: F64,
    other_taste: F64,
    state: F64,
    lot_size: float,
) -> None:
    """Add what their goods are worth to both sides [M] to what they have gained, or take it off."""
    found = worth(0, held, bundle, taste, state, lot_size) / state[0, WEIGHT]
    state[0, GAINED] += sign * found
    found = worth(1, held, other_bundle, other_taste, state, lot_size) / state[1, WEIGHT]
    state[1, GAINED] += sign * found


def meet(
    lower: int,
    mode: int,
    barter: bool,
    rule: F64,
    lead: int,
    held: I64,
    bundle: F64,
    taste: F64,
    other_bundle: F64,
    other_taste: F64,
    state: F64,
    rates: F64,
    before: F64,
    lot_size: float,
    step_size: float,
    minor_size: float,
    halves: I64,
    money_steps: int,
    work: F64,
    traded: Bool,
    tried: Bool,
    picked: I64,
    deals: I64,
) -> tuple[int, int]:
    """Let a pair bargain; return agreements and rows of `deals` written.

    `lower` is the row of the agent with the lower id, and a deal has rows in place of ids.
    """
    n = money_at(held)
    used = 0
    forget(tried)
    made = 0
    while made < MOST_AGREEMENTS:
        pick_items(rates, mode, barter, tried, picked)
        k = picked[0]
        unit = picked[1]
        if k < 0:
            break
        tried[k, unit] = True
        one = exchange_rate(rates[0, k], rates[0, unit])
        two = exchange_rate(rates[1, k], rates[1, unit])
        if one < two:
            swap_rows(rates, held)
            swap_sides(state)
            swap(bundle, other_bundle)
            swap(taste, other_taste)
        steps = in_steps(midpoint(one, two), step_size)
        unit_steps = int64(0) if unit == n else money_steps
        size, steps = agree(
            k,
            unit,
            steps,
            unit_steps,
            mode,
            rule,
            buyer_leads(lead, held[0, ROW] == lower),
            held,
            bundle,
            taste,
            other_bundle,
            other_taste,
            state,
            rates,
            halves,
            lot_size,
            step_size,
            minor_size,
            work,
            traded,
        )
        if size == 0:
            continue
        if made == 0 and mode == QUASILINEAR:
            count_worth(-1.0, held, bundle, taste, other_bundle, other_taste, state, lot_size)
        size, paid = carry_out(
            k,
            unit,
            size,
            steps,
            unit_steps,
            mode,
            held,
            bundle,
            taste,
            other_bundle,
            other_taste,
            state,
            rates,
            before,
            lot_size,
            minor_size,
        )
        write_deal(deals, used, held[0, ROW], held[1, ROW], k, size, steps)
        used += 1
        if unit < n:
            write_deal(deals, used, held[1, ROW], held[0, ROW], unit, paid, unit_steps)
            used += 1
        made += 1
        forget(tried)
    if made > 0 and mode == QUASILINEAR:
        count_worth(1.0, held, bundle, taste, other_bundle, other_taste, state, lot_size)
    return made, used


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
    lot_size: float,
    step_size: float,
    minor_size: float,
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
    record = np.empty((0, FIELDS), np.int64)
    used = 0
    work = np.empty((3, entries))
    traded = np.empty(entries, np.bool_)
    rates = np.empty((2, n + 1))
    before = np.empty((2, n + 1))
    tried = np.empty((n, n + 1), np.bool_)
    picked = np.empty(2, np.int64)
    deals = np.empty((2 * MOST_AGREEMENTS, FIELDS), np.int64)
    held = np.empty((2, n + 3), np.int64)
    bundle = np.empty(entries)
    other_bundle = np.empty(entries)
    taste = np.empty(parameters.shape[1])
    other_taste = np.empty(parameters.shape[1])
    state = np.empty((2, 3))
    tastes = (family, parameters, weight)
    for pair in range(start, stop):
        i = first[pair]
        j = second[pair]
        take_up(i, 0, goods, money, *tastes, lot_size, minor_size, held, bundle, taste, state)
        take_up(
            j,
            1,
            goods,
            money,
            *tastes,
            lot_size,
            minor_size,
            held,
            other_bundle,
            other_taste,
            state,
        )
        write_rates(0, held, bundle, taste, state, lot_size, rates)
        write_rates(1, held, other_bundle, other_taste, state, lot_size, rates)
        made, written = meet(
            i,
            mode,
            barter,
            rule,
            leads[pair],
            held,
            bundle,
            taste,
            other_bundle,
            other_taste,
            state,
            rates,
            before,
            lot_size,
            step_size,
            minor_size,
            halves,
            money_steps,
            work,
            traded,
            tried,
            picked,
            deals,
        )
        for row in range(written):
            buyer = ids[deals[row, 0]]
            seller = ids[deals[row, 1]]
            record = note(record, used, buyer, seller, deals[row, 2], deals[row, 3], deals[row, 4])
            used += 1
        trades[pair] = made
        gained[pair, 0] = 0
        gained[pair, 1] = 0
        if made > 0:
            write_gains(pair, i, mode, held, money, state, minor_size, gained)
            filled[i] = True
            filled[j] = True
            put_back(held, goods, money)
    return record[:used]
