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
    FAMILY,
    FIELDS,
    GAINED,
    HIGHER,
    LOWER,
    NEXT,
    RATE,
    ROW,
    SHAPE,
    WEIGHT,
    WORTH,
    Pair,
    Scale,
    affordable,
    both_gain,
    gain,
    in_steps,
    midpoint,
    money_at,
    money_rate,
    move,
    new_pair,
    note,
    payment_for,
    pick_items,
    put_back,
    take_up,
    with_room,
    worth,
    write_gains,
    write_rates,
)
from ecs_market.kernels.jit import absorbed
from ecs_market.kernels.tallying import count
from ecs_market.preferences.chain import last_shape as shape
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.types import F64, I8, I32, I64, Bool, float64, int64

# Whether a rule goes on by blocks of one size while the rates stay as they are.
REPEATS = True
# A meeting ends after so many agreements; the pair may go on in the next tick.
MOST_AGREEMENTS = 1000


@absorbed
def forget(tried: Bool) -> None:
    """Mark every pair of goods as untried."""
    for k in range(tried.shape[0]):
        for unit in range(tried.shape[1]):
            tried[k, unit] = False


@absorbed
def buyer_leads(lead: int, buyer: int) -> bool:
    """Return whether the buyer makes the offer."""
    if lead == LOWER or lead == HIGHER:
        return buyer == (0 if lead == LOWER else 1)
    return lead == BUYER


def book(pair: Pair, scale: Scale, buyer: int, k: int, unit: int, size: int, paid: int) -> bool:
    """Move a good to the buyer, and what pays the other way; return whether rates have changed.

    The utilities become those that were worked out for this trade, if they were.
    """
    changed = False
    for at in range(2):
        sign = 1 if at == buyer else -1
        move(pair, scale, at, k, sign * size)
        move(pair, scale, at, unit, -sign * paid)
        pair.state[at, WORTH] = pair.state[at, NEXT]
        if write_rates(pair, scale, at, k, unit):
            changed = True
    return changed


def repeats(
    pair: Pair,
    scale: Scale,
    buyer: int,
    k: int,
    unit: int,
    size: int,
    paid: int,
    steps: int,
    unit_steps: int,
) -> int:
    """Return how many times more the same block would be agreed on, rates being as they were.

    Agents whose rates do not change with what they hold would repeat it until one of them has
    nothing left to give; that is one trade, however many blocks.
    """
    cash = int64(pair.held[buyer, unit])
    most = min(int64(pair.held[1 - buyer, k]), affordable(cash, steps, unit_steps))
    times = int64(min(most // size, cash // paid))
    if times > 0 and both_gain(pair, scale, buyer, k, times * size, unit, times * paid):
        return times
    return int64(0)


def carry_out(
    pair: Pair,
    scale: Scale,
    buyer: int,
    k: int,
    unit: int,
    size: int,
    steps: int,
    unit_steps: int,
) -> tuple[int, int]:
    """Book an agreement, and the same again as often as it would be made at unchanged rates.

    Returns lots and payment; gains are added up where they are counted trade by trade.
    """
    paid = payment_for(size, steps, unit_steps)
    first = 0.0
    second = 0.0
    if scale.mode != QUASILINEAR:
        for at in range(2):
            sign = 1 if at == buyer else -1
            more = gain(pair, scale, at, k, sign * size, unit, sign * paid)
            rate = money_rate(pair, at, scale.mode, k, unit)
            more = more / rate if rate > 0.0 else 0.0
            if at == 0:
                first = more
            else:
                second = more
    total = int64(1)
    if not book(pair, scale, buyer, k, unit, size, paid) and REPEATS:
        times = repeats(pair, scale, buyer, k, unit, size, paid, steps, unit_steps)
        if times > 0:
            pair.state[0, RATE] = math.nan
            pair.state[1, RATE] = math.nan
            book(pair, scale, buyer, k, unit, times * size, times * paid)
            total += times
    pair.state[0, GAINED] += float64(total) * first
    pair.state[1, GAINED] += float64(total) * second
    return total * size, total * paid


def count_worth(pair: Pair, scale: Scale, sign: float) -> None:
    """Add what their goods are worth to both sides [M] to what they have gained, or take it off."""
    for at in range(2):
        found = worth(pair, scale, at) / pair.state[at, WEIGHT]
        pair.state[at, GAINED] += sign * found


def meet(
    pair: Pair,
    scale: Scale,
    rule: F64,
    lead: int,
    halves: I64,
    work: F64,
    traded: Bool,
    tried: Bool,
    deals: I64,
) -> tuple[int, int]:
    """Let a pair bargain; return agreements and rows of `deals` written.

    A deal has rows in place of ids.
    """
    n = money_at(pair)
    used = 0
    made = 0
    forget(tried)
    while made < MOST_AGREEMENTS:
        k, unit, one, two = pick_items(pair, scale, tried)
        if k < 0:
            break
        tried[k, unit] = True
        buyer = 1 if one < two else 0
        steps = in_steps(midpoint(one, two), scale.step)
        unit_steps = int64(0) if unit == n else scale.one
        leads = buyer_leads(lead, buyer)
        pair.state[0, RATE] = math.nan
        pair.state[1, RATE] = math.nan
        size, steps = agree(
            pair, scale, buyer, k, unit, steps, unit_steps, rule, leads, halves, work, traded
        )
        if size == 0:
            continue
        if made == 0 and scale.mode == QUASILINEAR:
            count_worth(pair, scale, -1.0)
        size, paid = carry_out(pair, scale, buyer, k, unit, size, steps, unit_steps)
        row = pair.held[buyer, ROW]
        other = pair.held[1 - buyer, ROW]
        note(deals, used, row, other, k, size, steps)
        used += 1
        if unit < n:
            note(deals, used, other, row, unit, paid, unit_steps)
            used += 1
        made += 1
        forget(tried)
    if made > 0 and scale.mode == QUASILINEAR:
        count_worth(pair, scale, 1.0)
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
    scale: Scale,
    entries: int,
    rule: F64,
    leads: I8,
    halves: I64,
    filled: Bool,
    gained: I64,
    trades: I32,
    origin: I64,
    sums: tuple[F64, F64, F64],
    itemise: bool,
    rows: I32,
) -> I64:
    """Bargain for each pair in turn and book what they agree on, until nothing gains a lot.

    `entries` is the length of a bundle, `rule` the rule's own numbers, `leads` who proposes in
    each pair, `halves` the blocks from a unit down to a lot; `origin` and `sums` get the moments of
    each pair's prices.  To `itemise` is to return one row a trade, buyer id, seller id, good, lots,
    price [step], and in `rows` how many are each pair's.
    """
    n = goods.shape[1]
    record = np.empty((0, FIELDS), np.int64)
    used = 0
    work = np.empty((3, entries))
    traded = np.empty(entries, np.bool_)
    tried = np.empty((n, n + 1), np.bool_)
    deals = np.empty((2 * MOST_AGREEMENTS, FIELDS), np.int64)
    pair = new_pair(n, entries, parameters.shape[1], halves.shape[0])
    for place in range(start, stop):
        for at in range(2):
            row = first[place] if at == 0 else second[place]
            take_up(row, at, goods, money, family, parameters, weight, scale, pair)
            pair.held[at, SHAPE] = shape(pair.held[at, FAMILY], pair.bundle[at], pair.taste[at])
            write_rates(pair, scale, at, -1, -1)
        made, written = meet(pair, scale, rule, leads[place], halves, work, traded, tried, deals)
        trades[place] = made
        for row in range(written):
            count(place, deals[row, 2], deals[row, 3], deals[row, 4], origin, sums)
        if itemise:
            rows[place] = written
            if used + written > record.shape[0]:
                record = with_room(record, used, max(16, written))
            for row in range(written):
                buyer = ids[deals[row, 0]]
                seller = ids[deals[row, 1]]
                note(record, used, buyer, seller, deals[row, 2], deals[row, 3], deals[row, 4])
                used += 1
        gained[place, 0] = 0
        gained[place, 1] = 0
        if made > 0:
            write_gains(pair, scale, place, money, gained)
            filled[first[place]] = True
            filled[second[place]] = True
            put_back(pair, goods, money)
    return record[:used]
