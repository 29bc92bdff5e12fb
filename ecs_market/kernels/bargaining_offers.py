# ruff: noqa: ARG001  # every rule has the signature that the loop over pairs calls

"""Bargaining over one unit at a time by people who do not know each other's values.

`agree_on_bids` (sealed bids) and `agree_on_offer` (one side names a price) are templates that the
rounds of `bargaining` call `agree`.  Both deal in the price of a unit in steps, found from what the
unit is worth to each side: the highest price at which the buyer, the lowest at which the seller
would not lose.
"""

from __future__ import annotations

import math

from ecs_market.kernels.bargaining_sides import (
    MOST_PRICE,
    NEXT,
    WEIGHT,
    WORTH,
    Pair,
    Scale,
    affordable,
    gain,
    gained,
    payment_for,
)
from ecs_market.kernels.jit import borrowing
from ecs_market.types import F64, I64, Bool, float64, int64

# The rule's own numbers: whether bids are those of the equilibrium, the range of values [M / unit].
STRATEGIC, LOW, HIGH = 0, 1, 2


def least_price(
    pair: Pair,
    scale: Scale,
    at: int,
    sign: int,
    size: int,
    k: int,
    unit: int,
    most: int,
    unit_steps: int,
) -> int:
    """Return the lowest price [step] that turns a side's mind, `most` + 1 if none up to there does.

    That is: at which the seller (`sign` -1) gains, or the buyer (1) no longer does.
    """
    low = int64(1)
    high = int64(most) + 1
    # Money beside the utility leaves the bundle after the trade as it is.
    beside = unit >= pair.bundle.shape[1]
    if beside:
        gain(pair, scale, at, k, sign * size, unit, int64(0))
    old, now = float64(pair.state[at, WORTH]), float64(pair.state[at, NEXT])
    while low < high:
        steps = low + (high - low) // 2
        paid = sign * payment_for(size, steps, unit_steps)
        if beside:
            more = gained(now, old, pair.state[at, WEIGHT] * (float64(paid) * scale.minor))
        else:
            more = gain(pair, scale, at, k, sign * size, unit, paid)
        turned = more > 0.0 if sign < 0 else more <= 0.0
        if turned:
            high = steps
        else:
            low = steps + 1
    return low


@borrowing
def most_steps(pair: Pair, buyer: int, size: int, unit: int, unit_steps: int) -> int:
    """Return the highest price [step] of `size` lots that the buyer can pay."""
    cash = int64(pair.held[buyer, unit])
    most = cash // size if unit_steps == 0 else affordable(cash, size, unit_steps)
    return int64(min(most, int64(MOST_PRICE)))


def reserves(
    pair: Pair, scale: Scale, buyer: int, size: int, k: int, unit: int, unit_steps: int
) -> tuple[int, int]:
    """Return the highest price at which the buyer gains and the lowest for the seller [step].

    The buyer's is 0 if there is none, or if the seller does not have so many lots.
    """
    if pair.held[1 - buyer, k] < size:
        return int64(0), int64(1)
    most = most_steps(pair, buyer, size, unit, unit_steps)
    value = int64(0)
    cost = int64(0)
    for turn in range(2):
        at = buyer if turn == 0 else 1 - buyer
        found = least_price(pair, scale, at, 1 - 2 * turn, size, k, unit, most, unit_steps)
        if turn == 0:
            value = found - 1
        else:
            cost = found
    pair.state[0, NEXT] = math.nan
    pair.state[1, NEXT] = math.nan
    return value, cost


@borrowing
def shaded(value: float, rule: F64, buys: bool) -> float:
    """Return the bid or ask of the linear equilibrium for values drawn evenly from a range.

    On [0, 1] the bid is 2 v / 3 + 1 / 12 and the ask 2 c / 3 + 1 / 4 (K. Chatterjee and
    W. Samuelson 1983), never beyond the value itself.
    """
    if rule[STRATEGIC] == 0.0:
        return value
    span = rule[HIGH] - rule[LOW]
    place = 2.0 * (value - rule[LOW]) / 3.0
    if buys:
        return float64(min(value, rule[LOW] + place + span / 12.0))
    return float64(max(value, rule[LOW] + place + span / 4.0))


def agree_on_bids(
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
    """Return a unit and the mean of bid and ask, if the bid is at least the ask; else 0."""
    size = int64(halves[0])
    value, cost = reserves(pair, scale, buyer, size, k, unit, unit_steps)
    if value < cost:
        return int64(0), steps
    bid = shaded(float64(value) * scale.step, rule, True)
    ask = shaded(float64(cost) * scale.step, rule, False)
    if bid < ask:
        return int64(0), steps
    agreed = int64(0.5 * (bid + ask) / scale.step + 0.5)
    return size, min(max(agreed, cost), value)


def agree_on_offer(
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
    """Return a unit and the proposer's price, if that suits the other one; else 0.

    The proposer thinks the other's value is drawn evenly from a range, so that the best price lies
    half-way between its own value and the far end of the range.
    """
    size = int64(halves[0])
    value, cost = reserves(pair, scale, buyer, size, k, unit, unit_steps)
    if value < cost:
        return int64(0), steps
    if buyer_leads:
        offer = min(0.5 * (float64(value) * scale.step + rule[LOW]), rule[HIGH])
    else:
        offer = max(0.5 * (float64(cost) * scale.step + rule[HIGH]), rule[LOW])
    agreed = int64(min(MOST_PRICE, offer / scale.step) + 0.5)
    return (size if cost <= agreed <= value else int64(0)), max(int64(1), agreed)
