# ruff: noqa: ARG001  # every rule has the signature that the loop over pairs calls

"""Bargaining over one unit at a time by people who do not know each other's values.

`agree_on_bids` (sealed bids) and `agree_on_offer` (one side names a price) are templates that the
rounds of `bargaining` call `agree`.  Both deal in the price of a unit in steps, found from what the
unit is worth to each side: the highest price at which the buyer, the lowest at which the seller
would not lose.
"""

from __future__ import annotations

from ecs_market.kernels.bargaining_sides import MOST_PRICE, affordable, gain, payment_for
from ecs_market.kernels.jit import borrowing
from ecs_market.types import F64, I64, Bool, float64, int64

# The rule's own numbers: whether bids are those of the equilibrium, the range of values [M / unit].
STRATEGIC, LOW, HIGH = 0, 1, 2


def least_price(
    at: int,
    size: int,
    k: int,
    unit: int,
    most: int,
    unit_steps: int,
    held: I64,
    bundle: F64,
    taste: F64,
    state: F64,
    lot_size: float,
    minor_size: float,
) -> int:
    """Return the lowest price [step] that turns a side's mind, `most` + 1 if none up to there does.

    That is: at which the seller (side 1) gains, or the buyer (side 0) no longer does.
    """
    low = int64(1)
    high = int64(most) + 1
    sign = 1 if at == 0 else -1
    while low < high:
        steps = low + (high - low) // 2
        paid = sign * payment_for(size, steps, unit_steps)
        more = gain(
            at, k, sign * size, unit, paid, held, bundle, taste, state, lot_size, minor_size
        )
        turned = more > 0.0 if at == 1 else more <= 0.0
        if turned:
            high = steps
        else:
            low = steps + 1
    return low


@borrowing
def most_steps(size: int, held: I64, unit: int, unit_steps: int) -> int:
    """Return the highest price [step] of `size` lots that the buyer can pay."""
    cash = int64(held[0, unit])
    most = cash // size if unit_steps == 0 else affordable(cash, size, unit_steps)
    return int64(min(most, int64(MOST_PRICE)))


def reserves(
    size: int,
    k: int,
    unit: int,
    unit_steps: int,
    held: I64,
    bundle: F64,
    taste: F64,
    other_bundle: F64,
    other_taste: F64,
    state: F64,
    lot_size: float,
    minor_size: float,
) -> tuple[int, int]:
    """Return the highest price at which the buyer gains and the lowest for the seller [step].

    The buyer's is 0 if there is none, or if the seller does not have so many lots.
    """
    if held[1, k] < size:
        return int64(0), int64(1)
    most = most_steps(size, held, unit, unit_steps)
    terms = (size, k, unit)
    buys = least_price(
        0, *terms, most, unit_steps, held, bundle, taste, state, lot_size, minor_size
    )
    sells = least_price(
        1, *terms, most, unit_steps, held, other_bundle, other_taste, state, lot_size, minor_size
    )
    return buys - 1, sells


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
    """Return a unit and the mean of bid and ask, if the bid is at least the ask; else 0."""
    size = int64(halves[0])
    sides = (held, bundle, taste, other_bundle, other_taste, state)
    value, cost = reserves(size, k, unit, unit_steps, *sides, lot_size, minor_size)
    if value < cost:
        return int64(0), steps
    bid = shaded(float64(value) * step_size, rule, True)
    ask = shaded(float64(cost) * step_size, rule, False)
    if bid < ask:
        return int64(0), steps
    agreed = int64(0.5 * (bid + ask) / step_size + 0.5)
    return size, min(max(agreed, cost), value)


def agree_on_offer(
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
    """Return a unit and the proposer's price, if that suits the other one; else 0.

    The proposer thinks the other's value is drawn evenly from a range, so that the best price lies
    half-way between its own value and the far end of the range.
    """
    size = int64(halves[0])
    sides = (held, bundle, taste, other_bundle, other_taste, state)
    value, cost = reserves(size, k, unit, unit_steps, *sides, lot_size, minor_size)
    if value < cost:
        return int64(0), steps
    if buyer_leads:
        offer = min(0.5 * (float64(value) * step_size + rule[LOW]), rule[HIGH])
    else:
        offer = max(0.5 * (float64(cost) * step_size + rule[HIGH]), rule[LOW])
    agreed = int64(min(MOST_PRICE, offer / step_size) + 0.5)
    return (size if cost <= agreed <= value else int64(0)), max(int64(1), agreed)
