# ruff: noqa: ARG001  # every rule has the signature that the loop over pairs calls

"""How much two agents agree on at the midpoint price: blocks, or the smaller wish.

Templates, as in `bargaining_sides`; `agree_on_block` and `agree_on_wish` are what the rounds of
`bargaining` call `agree`.
"""

from __future__ import annotations

from ecs_market.kernels.bargaining_sides import (
    FAMILY,
    WEIGHT,
    affordable,
    both_gain,
    gain,
    marginal_after,
    money_at,
    payment_for,
)
from ecs_market.kernels.jit import borrowing, inlined
from ecs_market.preferences.chain import last_demand as demand
from ecs_market.preferences.modes import QUASILINEAR, UNIT_OF_ACCOUNT
from ecs_market.types import F64, I64, Bool, float64, int64

# What a block gains is certain without utilities where the slope at its end is above this share of
# the price.
SURE = 1e-6
YES, NO, PERHAPS = 1, 0, -1


def scan_blocks(
    most: int,
    cash: int,
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
    halves: I64,
    lot_size: float,
    minor_size: float,
) -> int:
    """Return the first of 1, 2, 4 ... units, then of halves down to a lot, that gains for both."""
    size = int64(halves[0])
    at = 0
    while at < halves.shape[0]:
        if size <= most:
            paid = payment_for(size, steps, unit_steps)
            if 0 < paid <= cash and both_gain(
                size,
                paid,
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
                return size
        if at == 0 and size <= most:
            size *= 2
        else:
            at += 1
            size = int64(halves[at]) if at < halves.shape[0] else int64(0)
    return int64(0)


@inlined
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
    k: int,
    steps: int,
    price: float,
    held: I64,
    bundle: F64,
    taste: F64,
    other_bundle: F64,
    other_taste: F64,
    state: F64,
    rates: F64,
    lot_size: float,
    minor_size: float,
) -> bool:
    """Return whether a block of good k for money gains for both, whose gains are concave."""
    half = size >> 1
    cost = price * state[0, WEIGHT]
    slope = rates[0, k] - cost
    middle = marginal_after(0, k, half, held, bundle, taste, lot_size) - cost
    end = marginal_after(0, k, size, held, bundle, taste, lot_size) - cost
    buys = bounded(size, slope, middle, end, cost)
    if buys == NO:
        return False
    cost = price * state[1, WEIGHT]
    slope = cost - rates[1, k]
    middle = cost - marginal_after(1, k, -half, held, other_bundle, other_taste, lot_size)
    end = cost - marginal_after(1, k, -size, held, other_bundle, other_taste, lot_size)
    sells = bounded(size, slope, middle, end, cost)
    if sells == NO:
        return False
    n = money_at(held)
    paid = size * steps
    if buys == PERHAPS:
        more = gain(0, k, size, n, paid, held, bundle, taste, state, lot_size, minor_size)
        if more <= 0.0:
            return False
    if sells == PERHAPS:
        more = gain(
            1, k, -size, n, -paid, held, other_bundle, other_taste, state, lot_size, minor_size
        )
        return more > 0.0
    return True


@borrowing
def first_guess(
    first: int,
    k: int,
    price: float,
    ends: tuple[float, float],
    held: I64,
    state: F64,
    rates: F64,
    halves: I64,
) -> int:
    """Return the place of the block where straight lines for the slopes put the last that gains.

    `ends` are marginal utilities after the trade of a unit, or of all there is.
    """
    span = float64(min(int64(halves[0]), int64(held[1, k])))
    reach = float64(halves[first])
    slope = rates[0, k] - price * state[0, WEIGHT]
    bend = rates[0, k] - ends[0]
    if 2.0 * slope * span < reach * bend:
        reach = 2.0 * slope * span / bend
    slope = price * state[1, WEIGHT] - rates[1, k]
    bend = ends[1] - rates[1, k]
    if 2.0 * slope * span < reach * bend:
        reach = 2.0 * slope * span / bend
    at = first
    while at < halves.shape[0] - 1 and float64(halves[at]) > reach:
        at += 1
    return at


def find_block(
    most: int,
    k: int,
    steps: int,
    price: float,
    ends: tuple[float, float],
    held: I64,
    bundle: F64,
    taste: F64,
    other_bundle: F64,
    other_taste: F64,
    state: F64,
    rates: F64,
    halves: I64,
    lot_size: float,
    minor_size: float,
) -> int:
    """Return the largest block, a unit or halves of it, that gains for both; gains are concave.

    A block gains if a larger one does: the search starts from a guess and needs to see one that
    gains and a larger one that does not.
    """
    if rates[0, k] <= price * state[0, WEIGHT] or rates[1, k] >= price * state[1, WEIGHT]:
        return int64(0)
    last = halves.shape[0]
    first = 0
    while first < last and halves[first] > most:
        first += 1
    if first == last:
        return int64(0)
    at = first_guess(first, k, price, ends, held, state, rates, halves)
    found = int64(0)
    smaller = last
    while first <= at < smaller:
        if block_gains(
            int64(halves[at]),
            k,
            steps,
            price,
            held,
            bundle,
            taste,
            other_bundle,
            other_taste,
            state,
            rates,
            lot_size,
            minor_size,
        ):
            # Nothing smaller is of interest now.
            found = int64(halves[at])
            smaller = at
            at -= 1
        elif found > 0:
            break
        else:
            first = at + 1
            at += 1
    return found


def agree_on_block(
    k: int,
    unit: int,
    steps: int,
    unit_steps: int,
    mode: int,
    rule: F64,
    buyer_leads: bool,
    held: I64,
    bundle: F64,
    taste: F64,
    other_bundle: F64,
    other_taste: F64,
    state: F64,
    rates: F64,
    halves: I64,
    lot_size: float,
    step_size: float,
    minor_size: float,
    work: F64,
    traded: Bool,
) -> tuple[int, int]:
    """Return the lots and the price of the first block that makes both better off, 0 if none does.

    Where the gains of a trade for money are concave, no block beyond a unit can gain once the unit
    does not, and `find_block` knows more shortcuts; else every block is tried.
    """
    cash = int64(held[0, unit])
    most = min(int64(held[1, k]), affordable(cash, steps, unit_steps))
    if most <= 0:
        return int64(0), steps
    if mode == QUASILINEAR and unit == money_at(held):
        span = min(int64(halves[0]), int64(held[1, k]))
        ends = (
            marginal_after(0, k, span, held, bundle, taste, lot_size),
            marginal_after(1, k, -span, held, other_bundle, other_taste, lot_size),
        )
        if ends[0] <= rates[0, k] and ends[1] >= rates[1, k]:
            size = find_block(
                most,
                k,
                steps,
                float64(steps) * step_size,
                ends,
                held,
                bundle,
                taste,
                other_bundle,
                other_taste,
                state,
                rates,
                halves,
                lot_size,
                minor_size,
            )
            return size, steps
    size = scan_blocks(
        most,
        cash,
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
        halves,
        lot_size,
        minor_size,
    )
    return size, steps


def wanted(
    at: int,
    k: int,
    unit: int,
    steps: int,
    mode: int,
    held: I64,
    bundle: F64,
    taste: F64,
    state: F64,
    lot_size: float,
    step_size: float,
    minor_size: float,
    work: F64,
    traded: Bool,
) -> int:
    """Return the lots of good k that a side would add at a price, negative to sell."""
    n = money_at(held)
    for m in range(bundle.shape[0]):
        work[0, m] = 1.0
        traded[m] = m == k or m == unit
    work[0, k] = float64(steps) * step_size
    wealth = work[0, k] * bundle[k]
    wealth += float64(held[at, n]) * minor_size if unit == n else bundle[unit]
    demand(
        held[at, FAMILY],
        work[0],
        traded,
        bundle,
        wealth,
        taste,
        state[at, WEIGHT],
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
    k: int,
    unit: int,
    steps: int,
    unit_steps: int,
    mode: int,
    rule: F64,
    buyer_leads: bool,
    held: I64,
    bundle: F64,
    taste: F64,
    other_bundle: F64,
    other_taste: F64,
    state: F64,
    rates: F64,
    halves: I64,
    lot_size: float,
    step_size: float,
    minor_size: float,
    work: F64,
    traded: Bool,
) -> tuple[int, int]:
    """Return the smaller of what both want at the price, and the price; 0 if it gains nothing."""
    cash = int64(held[0, unit])
    most = min(int64(held[1, k]), affordable(cash, steps, unit_steps))
    sizes = (lot_size, step_size, minor_size)
    buys = wanted(0, k, unit, steps, mode, held, bundle, taste, state, *sizes, work, traded)
    sells = -wanted(
        1, k, unit, steps, mode, held, other_bundle, other_taste, state, *sizes, work, traded
    )
    size = min(most, min(buys, sells))
    if size <= 0:
        return int64(0), steps
    paid = payment_for(size, steps, unit_steps)
    if 0 < paid <= cash and both_gain(
        size,
        paid,
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
        return size, steps
    return int64(0), steps
