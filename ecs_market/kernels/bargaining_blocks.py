# ruff: noqa: ARG001  # every rule has the signature that the loop over pairs calls

"""How much two agents agree on at the midpoint price: blocks, or the smaller wish.

Templates, as in `bargaining_sides`; `agree_on_block` and `agree_on_wish` are what the rounds of
`bargaining` call `agree`.
"""

from __future__ import annotations

import math

from ecs_market.kernels.bargaining_sides import (
    FAMILY,
    NEXT,
    RATE,
    SHAPE,
    SLOPES,
    WEIGHT,
    Pair,
    Scale,
    affordable,
    both_gain,
    gain,
    money_at,
    payment_for,
)
from ecs_market.kernels.jit import absorbed, inlined
from ecs_market.preferences.chain import last_demand as demand
from ecs_market.preferences.chain import last_marginal as marginal
from ecs_market.preferences.chain import last_sloped as sloped
from ecs_market.preferences.modes import QUASILINEAR, UNIT_OF_ACCOUNT
from ecs_market.preferences.shapes import CONVEX
from ecs_market.types import F64, I64, Bool, float64, int64
from ecs_market.units import MAX_MINOR

# What a block gains is certain without utilities where its slope is above this share of the price.
SURE = 1e-6
YES, NO, PERHAPS = 1, 0, -1


def marginal_after(pair: Pair, scale: Scale, at: int, k: int, change: int) -> float:
    """Return what a unit more of good k is worth to a side once it has `change` lots more."""
    kept = pair.bundle[at, k]
    pair.bundle[at, k] = float64(pair.held[at, k] + change) * scale.lot
    family = pair.held[at, FAMILY]
    found = marginal(family, pair.bundle[at], pair.taste[at], 0.5 * scale.lot, k)
    pair.bundle[at, k] = kept
    return found


def sloped_after(pair: Pair, scale: Scale, at: int, k: int, change: int) -> bool:
    """Return whether a side's marginal utilities are slopes once it has `change` lots more."""
    kept = pair.bundle[at, k]
    pair.bundle[at, k] = float64(pair.held[at, k] + change) * scale.lot
    found = sloped(pair.held[at, FAMILY], pair.bundle[at], pair.taste[at])
    pair.bundle[at, k] = kept
    return found


def scan_blocks(
    pair: Pair,
    scale: Scale,
    buyer: int,
    k: int,
    unit: int,
    steps: int,
    unit_steps: int,
    halves: I64,
) -> int:
    """Return the first of 1, 2, 4 ... units, then of halves down to a lot, that gains for both."""
    cash = int64(pair.held[buyer, unit])
    most = min(int64(pair.held[1 - buyer, k]), affordable(cash, steps, unit_steps))
    size = int64(halves[0])
    at = 0
    while most > 0 and at < halves.shape[0]:
        if size <= most:
            paid = payment_for(size, steps, unit_steps)
            if 0 < paid <= cash and both_gain(pair, scale, buyer, k, size, unit, paid):
                return size
        if at == 0 and size <= most:
            size *= 2
        else:
            at += 1
            size = int64(halves[at]) if at < halves.shape[0] else int64(0)
    return int64(0)


@inlined
def pays_for(cash: int, size: int, steps: int) -> bool:
    """Return whether `cash` pays for lots at a price."""
    return float64(size) * float64(steps) <= MAX_MINOR and size * steps <= cash


def slope_after(
    pair: Pair, scale: Scale, at: int, k: int, sign: int, place: int, size: int
) -> float:
    """Return what a unit more is worth to a side after the block of `size` lots at `place`.

    It is worked out once for each good in question; after nothing it is the rate.
    """
    if size == 0:
        return float64(pair.rates[at, k])
    known = float64(pair.state[at, SLOPES + place])
    if math.isnan(known):
        known = marginal_after(pair, scale, at, k, sign * size)
        pair.state[at, SLOPES + place] = known
    return known


def side_gains(
    pair: Pair, scale: Scale, at: int, k: int, sign: int, place: int, size: int, price: float
) -> int:
    """Return whether a block surely gains for a side, or surely not, by slopes of a concave gain.

    The gain of a block is at least each half of it times the slope at its end, and at most each
    half times the slope at its start.  Where marginal utilities are convex it lies between the
    trapezoids over the halves and the whole times the slope in the middle.
    """
    cost = price * pair.state[at, WEIGHT]
    way = float64(sign)
    start = way * (pair.rates[at, k] - cost)
    end = way * (slope_after(pair, scale, at, k, sign, place, size) - cost)
    # Where a good begins there are no slopes: marginal utilities are those of half a lot.
    inside = min(pair.held[at, k], pair.held[at, k] + sign * size) > 0
    if inside and end > SURE * cost:
        return YES
    convex = inside and pair.held[at, SHAPE] & CONVEX != 0
    if convex:
        # One trapezoid over all is too little for who sells, too much for who buys.
        mean = 0.5 * (start + end)
        if sign < 0 and mean > SURE * cost:
            return YES
        if sign > 0 and mean <= 0.0:
            return NO
    half = size >> 1
    middle = way * (slope_after(pair, scale, at, k, sign, place + 1, half) - cost)
    first = float64(half)
    rest = float64(size - half)
    least = first * middle + rest * end
    most = first * start + rest * middle
    if convex:
        trapezoids = 0.5 * (least + most)
        # The middle of an odd number of lots is none of them: one is counted at its end or start.
        least = max(least, 2.0 * first * middle + (rest - first) * end) if sign > 0 else trapezoids
        most = trapezoids if sign > 0 else min(most, float64(size) * middle)
    if inside and least > SURE * cost * float64(size):
        return YES
    return NO if most <= 0.0 else PERHAPS


def block_gains(
    pair: Pair,
    scale: Scale,
    buyer: int,
    k: int,
    place: int,
    size: int,
    steps: int,
    price: float,
) -> bool:
    """Return whether a block of good k for money gains for both, whose gains are concave."""
    seller = 1 - buyer
    pair.state[0, NEXT] = math.nan
    pair.state[1, NEXT] = math.nan
    buys = side_gains(pair, scale, buyer, k, 1, place, size, price)
    if buys == NO:
        return False
    sells = side_gains(pair, scale, seller, k, -1, place, size, price)
    if sells == NO:
        return False
    for turn in range(2):
        if (buys if turn == 0 else sells) == PERHAPS:
            at = buyer if turn == 0 else seller
            lots = size if turn == 0 else -size
            if gain(pair, scale, at, k, lots, money_at(pair), lots * steps) <= 0.0:
                return False
    return True


@absorbed
def first_guess(
    pair: Pair,
    buyer: int,
    k: int,
    price: float,
    span: int,
    far: tuple[float, float],
    first: int,
    halves: I64,
) -> int:
    """Return the place of the block where straight lines for the slopes put the last that gains."""
    reach = float64(halves[first])
    for turn in range(2):
        at = buyer if turn == 0 else 1 - buyer
        sign = 1.0 if turn == 0 else -1.0
        slope = sign * (pair.rates[at, k] - price * pair.state[at, WEIGHT])
        bend = sign * (pair.rates[at, k] - far[turn])
        if 2.0 * slope * float64(span) < reach * bend:
            reach = 2.0 * slope * float64(span) / bend
    place = first
    while place < halves.shape[0] - 1 and float64(halves[place]) > reach:
        place += 1
    return place


def find_block(
    pair: Pair,
    scale: Scale,
    buyer: int,
    k: int,
    steps: int,
    span: int,
    far: tuple[float, float],
    halves: I64,
) -> int:
    """Return the largest block, a unit or halves of it, that gains for both; gains are concave.

    A block gains if a larger one does: the search starts from a guess and needs to see one that
    gains and a larger one that does not.  `far` are marginal utilities after `span` lots.
    """
    price = float64(steps) * scale.step
    rates, state, seller = pair.rates, pair.state, 1 - buyer
    if rates[buyer, k] <= price * state[buyer, WEIGHT]:
        return int64(0)
    if rates[seller, k] >= price * state[seller, WEIGHT]:
        return int64(0)
    last = halves.shape[0]
    for turn in range(2):
        for block in range(last):
            state[turn, SLOPES + block] = math.nan
    if span == halves[0]:
        state[buyer, SLOPES] = far[0]
        state[seller, SLOPES] = far[1]
    cash = int64(pair.held[buyer, money_at(pair)])
    first = 0
    while first < last and not (halves[first] <= span and pays_for(cash, halves[first], steps)):
        first += 1
    if first == last:
        return int64(0)
    at = first_guess(pair, buyer, k, price, span, far, first, halves)
    found = int64(0)
    smaller = last
    after = (math.nan, math.nan)
    place = 0
    while first <= at < smaller:
        size = int64(halves[at])
        if block_gains(pair, scale, buyer, k, at, size, steps, price):
            # Nothing smaller is of interest now.
            found = size
            place = at
            after = (float64(state[0, NEXT]), float64(state[1, NEXT]))
            smaller = at
            at -= 1
        elif found > 0:
            break
        else:
            first = at + 1
            at += 1
    state[0, NEXT], state[1, NEXT] = after
    if found > 0:
        state[0, RATE] = state[0, SLOPES + place]
        state[1, RATE] = state[1, SLOPES + place]
    return found


def agree_on_block(
    pair: Pair,
    scale: Scale,
    buyer: int,
    k: int,
    unit: int,
    steps: int,
    unit_steps: int,
    rule: F64,
    buyer_leads: bool,
    halves: I64,
    work: F64,
    traded: Bool,
) -> tuple[int, int]:
    """Return the lots and the price of the first block that makes both better off, 0 if none does.

    Where the gains of a trade for money are concave, no block beyond a unit can gain once the unit
    does not, and `find_block` knows more shortcuts; else every block is tried.
    """
    if scale.mode == QUASILINEAR and unit == money_at(pair):
        span = min(int64(halves[0]), int64(pair.held[1 - buyer, k]))
        far = (
            marginal_after(pair, scale, buyer, k, span),
            marginal_after(pair, scale, 1 - buyer, k, -span),
        )
        falling = far[0] <= pair.rates[buyer, k] and far[1] >= pair.rates[1 - buyer, k]
        # Both are then certain on the way too: more of a good leaves nobody shorter.
        smooth = sloped_after(pair, scale, buyer, k, 0)
        if falling and smooth and sloped_after(pair, scale, 1 - buyer, k, -span):
            return find_block(pair, scale, buyer, k, steps, span, far, halves), steps
    return scan_blocks(pair, scale, buyer, k, unit, steps, unit_steps, halves), steps


def wanted(
    pair: Pair, scale: Scale, at: int, k: int, unit: int, steps: int, work: F64, traded: Bool
) -> int:
    """Return the lots of good k that a side would add at a price, negative to sell."""
    bundle = pair.bundle[at]
    n = money_at(pair)
    for m in range(bundle.shape[0]):
        work[0, m] = 1.0
        traded[m] = m == k or m == unit
    work[0, k] = float64(steps) * scale.step
    wealth = work[0, k] * bundle[k]
    wealth += float64(pair.held[at, n]) * scale.minor if unit == n else bundle[unit]
    demand(
        pair.held[at, FAMILY],
        work[0],
        traded,
        bundle,
        wealth,
        pair.taste[at],
        pair.state[at, WEIGHT],
        scale.mode if unit == n else UNIT_OF_ACCOUNT,
        unit if unit < bundle.shape[0] else -1,
        0.5 * scale.lot,
        0.0,
        work[1],
        work[2],
    )
    if work[1, k] <= bundle[k] <= work[2, k]:
        return int64(0)
    change = (work[1, k] - bundle[k]) / scale.lot
    return int64(change) if change > 0.0 else -int64(-change)


def agree_on_wish(
    pair: Pair,
    scale: Scale,
    buyer: int,
    k: int,
    unit: int,
    steps: int,
    unit_steps: int,
    rule: F64,
    buyer_leads: bool,
    halves: I64,
    work: F64,
    traded: Bool,
) -> tuple[int, int]:
    """Return the smaller of what both want at the price, and the price; 0 if it gains nothing."""
    cash = int64(pair.held[buyer, unit])
    size = min(int64(pair.held[1 - buyer, k]), affordable(cash, steps, unit_steps))
    for turn in range(2):
        if size > 0:
            at = buyer if turn == 0 else 1 - buyer
            wish = wanted(pair, scale, at, k, unit, steps, work, traded)
            size = min(size, wish if turn == 0 else -wish)
    if size <= 0:
        return int64(0), steps
    paid = payment_for(size, steps, unit_steps)
    if 0 < paid <= cash and both_gain(pair, scale, buyer, k, size, unit, paid):
        return size, steps
    return int64(0), steps
