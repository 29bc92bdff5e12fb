"""How much two agents agree on at the midpoint price: blocks, or the smaller wish.

Templates, as in `bargaining_sides`; `agree_on_block` and `agree_on_wish` are what the rounds of
`bargaining` call `agree`.
"""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.bargaining_sides import (
    Scale,
    Side,
    affordable,
    both_gain,
    gain,
    marginal_after,
    payment_for,
    worth,
)
from ecs_market.kernels.jit import kernel
from ecs_market.preferences.chain import last_demand as demand
from ecs_market.preferences.modes import QUASILINEAR, UNIT_OF_ACCOUNT
from ecs_market.types import F64, I64, Bool, float64, int64

# What a block gains is certain without utilities where the slope at its end is above this share of
# the price.
SURE = 1e-6
YES, NO, PERHAPS = 1, 0, -1


@kernel
def lots_in(halves: I64, at: int) -> int:
    """Return the lots of block `at`: 0 is a unit, then halves; below 0 doubles of a unit."""
    return int64(halves[at]) if at >= 0 else int64(halves[0]) << -at


def old_worth(side: Side, at: int, lot_size: float, old: F64) -> float:
    """Return a side's utility, worked out once until it trades."""
    if np.isnan(old[at]):
        old[at] = worth(side, lot_size)
    return float64(old[at])


def scan_blocks(
    most: int,
    cash: int,
    buyer: Side,
    seller: Side,
    k: int,
    unit: int,
    steps: int,
    unit_steps: int,
    old: tuple[float, float],
    halves: I64,
    lot_size: float,
    minor_size: float,
) -> int:
    """Return the first of 1, 2, 4 ... units, then of halves down to a lot, that gains for both."""
    size = int64(halves[0])
    while 0 < size <= most:
        paid = payment_for(size, steps, unit_steps)
        if 0 < paid <= cash and both_gain(
            size, paid, buyer, seller, k, unit, old, lot_size, minor_size
        ):
            return size
        size *= 2
    for at in range(1, halves.shape[0]):
        size = int64(halves[at])
        paid = payment_for(size, steps, unit_steps)
        if size <= most and 0 < paid <= cash:
            if both_gain(size, paid, buyer, seller, k, unit, old, lot_size, minor_size):
                return size
    return int64(0)


@kernel
def bounded(size: int, slope: float, slope_half: float, slope_end: float, price: float) -> int:
    """Return whether a block surely gains, or surely not, by the slopes of a concave gain.

    The gain of `size` is at least `size` times its slope at the end, and at most half of it times
    the slope at the start plus the rest times the slope there.
    """
    if slope_end > SURE * price:
        return YES
    half = size >> 1
    if float64(half) * slope + float64(size - half) * slope_half <= 0.0:
        return NO
    return PERHAPS


def block_gains(
    size: int,
    buyer: Side,
    seller: Side,
    k: int,
    steps: int,
    slopes: tuple[float, float],
    prices: tuple[float, float],
    old: F64,
    buyer_at: int,
    lot_size: float,
    minor_size: float,
) -> bool:
    """Return whether a block of good k for money gains for both, whose gains are concave.

    `slopes` are the slopes of both gains at the start, `prices` the price in utility.
    """
    half = size >> 1
    n = buyer[4].shape[0] - 1
    end = marginal_after(buyer, k, size, lot_size) - prices[0]
    middle = marginal_after(buyer, k, half, lot_size) - prices[0]
    buys = bounded(size, slopes[0], middle, end, prices[0])
    if buys == NO:
        return False
    end = prices[1] - marginal_after(seller, k, -size, lot_size)
    middle = prices[1] - marginal_after(seller, k, -half, lot_size)
    sells = bounded(size, slopes[1], middle, end, prices[1])
    if sells == NO:
        return False
    paid = size * steps
    if buys == PERHAPS:
        before = old_worth(buyer, buyer_at, lot_size, old)
        if gain(buyer, k, size, n, paid, before, lot_size, minor_size) <= 0.0:
            return False
    if sells == PERHAPS:
        before = old_worth(seller, 1 - buyer_at, lot_size, old)
        return gain(seller, k, -size, n, -paid, before, lot_size, minor_size) > 0.0
    return True


def find_block(
    most: int,
    buyer: Side,
    seller: Side,
    k: int,
    steps: int,
    tops: tuple[float, float],
    ends: tuple[float, float],
    prices: tuple[float, float],
    old: F64,
    buyer_at: int,
    halves: I64,
    lot_size: float,
    minor_size: float,
) -> int:
    """Return the largest block, a unit or halves of it, that gains for both, whose gains are concave.

    `tops` and `ends` are marginal utilities at the start and after the trade of a unit (or of all
    there is).  A block gains if a larger one does, so the search starts where straight lines
    through these put the last one, and needs to see one that gains and a larger one that does not.
    """
    slopes = (tops[0] - prices[0], prices[1] - tops[1])
    if slopes[0] <= 0.0 or slopes[1] <= 0.0:
        return int64(0)
    last = halves.shape[0] - 1
    first = 0
    while first <= last and halves[first] > most:
        first += 1
    if first > last:
        return int64(0)
    span = float64(min(int64(halves[0]), int64(seller[4][k])))
    bends = (tops[0] - ends[0], ends[1] - tops[1])
    reach = float64(halves[first])
    for side in range(2):
        if 2.0 * slopes[side] * span < reach * bends[side]:
            reach = 2.0 * slopes[side] * span / bends[side]
    at = first
    while at < last and float64(halves[at]) > reach:
        at += 1
    rest = (k, steps, slopes, prices, old, buyer_at, lot_size, minor_size)
    if block_gains(int64(halves[at]), buyer, seller, *rest):
        while at > first and block_gains(int64(halves[at - 1]), buyer, seller, *rest):
            at -= 1
        return int64(halves[at])
    while at < last:
        at += 1
        if block_gains(int64(halves[at]), buyer, seller, *rest):
            return int64(halves[at])
    return int64(0)


def agree_on_block(
    buyer: Side,
    seller: Side,
    k: int,
    unit: int,
    steps: int,
    unit_steps: int,
    rates: F64,
    old: F64,
    buyer_at: int,
    mode: int,
    rule: F64,
    lead: int,
    halves: I64,
    scale: Scale,
    work: F64,
    traded: Bool,
) -> tuple[int, int]:
    """Return the lots and the price of the first block that makes both better off, 0 if none does.

    Where the gains of a trade for money are concave, no block beyond a unit can gain once the unit
    does not, and `find_block` knows more shortcuts; else every block is tried.
    """
    lot_size, step_size, minor_size = scale
    cash = buyer[4][unit]
    most = min(int64(seller[4][k]), affordable(cash, steps, unit_steps))
    if most <= 0:
        return int64(0), steps
    if mode == QUASILINEAR and unit == rates.shape[1] - 1:
        span = min(int64(halves[0]), int64(seller[4][k]))
        tops = (float64(rates[buyer_at, k]), float64(rates[1 - buyer_at, k]))
        ends = (
            marginal_after(buyer, k, span, lot_size),
            marginal_after(seller, k, -span, lot_size),
        )
        if ends[0] <= tops[0] and ends[1] >= tops[1]:
            price = float64(steps) * step_size
            prices = (price * buyer[3], price * seller[3])
            means = (k, steps, tops, ends, prices, old, buyer_at, halves)
            return find_block(most, buyer, seller, *means, lot_size, minor_size), steps
    before = (
        old_worth(buyer, buyer_at, lot_size, old),
        old_worth(seller, 1 - buyer_at, lot_size, old),
    )
    terms = (k, unit, steps, unit_steps, before, halves, lot_size, minor_size)
    return scan_blocks(most, cash, buyer, seller, *terms), steps


def repeats(
    size: int,
    paid: int,
    buyer: Side,
    seller: Side,
    k: int,
    unit: int,
    steps: int,
    unit_steps: int,
    old: tuple[float, float],
    lot_size: float,
    minor_size: float,
) -> int:
    """Return how many times more the same block would be agreed on, rates being as they were.

    Agents whose rates do not change with what they hold would repeat it until one of them has
    nothing left to give; that is one trade, however many blocks.
    """
    cash = buyer[4][unit]
    most = min(int64(seller[4][k]), affordable(cash, steps, unit_steps))
    times = int64(min(most // size, cash // paid))
    sizes = (lot_size, minor_size)
    if times > 0 and both_gain(times * size, times * paid, buyer, seller, k, unit, old, *sizes):
        return times
    return int64(0)


def wanted(
    side: Side,
    k: int,
    unit: int,
    steps: int,
    mode: int,
    scale: Scale,
    work: F64,
    traded: Bool,
) -> int:
    """Return the lots of good k that an agent would add at a price, negative to sell."""
    code, bundle, parameters, weight, held = side
    lot_size, step_size, minor_size = scale
    n = held.shape[0] - 1
    for m in range(bundle.shape[0]):
        work[0, m] = 1.0
        traded[m] = m == k or m == unit
    work[0, k] = float64(steps) * step_size
    wealth = work[0, k] * bundle[k]
    wealth += float64(held[n]) * minor_size if unit == n else bundle[unit]
    demand(
        code,
        work[0],
        traded,
        bundle,
        wealth,
        parameters,
        weight,
        mode if unit == n else UNIT_OF_ACCOUNT,
        unit if unit < bundle.shape[0] else -1,
        0.5 * lot_size,
        0.0,
        work[1],
        work[2],
    )
    if work[1, k] <= bundle[k] <= work[2, k]:
        return int64(0)
    change = (work[1, k] - bundle[k]) / lot_size
    return int64(change) if change > 0.0 else -int64(-change)


def agree_on_wish(
    buyer: Side,
    seller: Side,
    k: int,
    unit: int,
    steps: int,
    unit_steps: int,
    rates: F64,
    old: F64,
    buyer_at: int,
    mode: int,
    rule: F64,
    lead: int,
    halves: I64,
    scale: Scale,
    work: F64,
    traded: Bool,
) -> tuple[int, int]:
    """Return the smaller of what both want at the price, and the price; 0 if it gains nothing."""
    lot_size, _, minor_size = scale
    cash = buyer[4][unit]
    most = min(int64(seller[4][k]), affordable(cash, steps, unit_steps))
    buys = wanted(buyer, k, unit, steps, mode, scale, work, traded)
    sells = -wanted(seller, k, unit, steps, mode, scale, work, traded)
    size = min(most, min(buys, sells))
    if size <= 0:
        return int64(0), steps
    paid = payment_for(size, steps, unit_steps)
    before = (
        old_worth(buyer, buyer_at, lot_size, old),
        old_worth(seller, 1 - buyer_at, lot_size, old),
    )
    if 0 < paid <= cash and both_gain(
        size, paid, buyer, seller, k, unit, before, lot_size, minor_size
    ):
        return size, steps
    return int64(0), steps
