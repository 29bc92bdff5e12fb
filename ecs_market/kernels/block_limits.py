"""What members would pay for blocks of a good, or take for them, and what trades gain them.

The limit of the j-th block to buy is the highest price at which j blocks, all at that price, are no
worse than j - 1; that of the j-th block to sell the lowest price at which it is no worse to sell j
blocks than j - 1.  At a uniform price that is the truth.

`utility` and `marginal`, and the functions built on them, are bound to the families in use; see
`mechanisms.schedules`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ecs_market.kernels.call_money import affordable
from ecs_market.kernels.fees import BILLION
from ecs_market.preferences.chain import last_marginal as marginal
from ecs_market.preferences.chain import last_utility as utility
from ecs_market.preferences.modes import IN_UTILITY
from ecs_market.types import F64, I8, I64, Bool, float64, int64

# The float error of a difference of utilities, as a share of their size, with room for many blocks.
SLACK = 1e-14
# Utilities are compared up to this share of their size, as in settlement.
NOISE = 1e-12


class Members(NamedTuple):
    """Who is at the posts: post and id, family, holdings [lot], [minor unit], tastes."""

    at: I64
    ids: I64
    family: I64
    lots: I64
    minor: I64
    parameters: F64
    weight: F64


class Terms(NamedTuple):
    """What holds at each post, one entry a post; `supply` is what there may be to buy [lot]."""

    called: Bool
    supply: I64
    fee_ppb: I64
    fee_per_lot: I64
    shading: F64
    order_size: I64
    behaviour: I8
    price_low: I64
    price_high: I64


class Scale(NamedTuple):
    """Money mode, the highest price there may be [price step], and the sizes of the units."""

    mode: int
    most: int
    lot_size: float
    step_size: float
    minor_size: float


def worth_at(
    i: int, k: int, change: int, minor: float, members: Members, scale: Scale, bundle: F64
) -> float:
    """Return a member's utility with `change` lots more of good k, and `minor` if that counts."""
    n = members.lots.shape[1]
    for j in range(n):
        bundle[j] = float64(members.lots[i, j]) * scale.lot_size
    bundle[k] = float64(members.lots[i, k] + change) * scale.lot_size
    if scale.mode == IN_UTILITY:
        bundle[n] = max(0.0, minor) * scale.minor_size
    return utility(members.family[i], bundle, members.parameters[i], 0.5 * scale.lot_size)


def worth_after(
    i: int,
    k: int,
    change: int,
    price: int,
    members: Members,
    terms: Terms,
    scale: Scale,
    bundle: F64,
) -> float:
    """Return a member's utility after trading `change` lots at `price`, where money counts."""
    post = members.at[i]
    paid = float64(change) * float64(price)
    paid += abs(paid) * (float64(terms.fee_ppb[post]) / BILLION)
    paid += abs(float64(change)) * float64(terms.fee_per_lot[post])
    return worth_at(i, k, change, float64(members.minor[i]) - paid, members, scale, bundle)


def limit_in_utility(
    i: int,
    k: int,
    had: int,
    total: int,
    members: Members,
    terms: Terms,
    scale: Scale,
    bundle: F64,
) -> int:
    """Return `block_limit` where money is in the bundle, by bisection on whole price steps."""
    post = members.at[i]
    low = int64(0)
    high = int64(scale.most) + 1
    if total > 0:
        # Nobody bids for what adds nothing, even where money is worth nothing to it either.
        before = worth_after(i, k, had, int64(0), members, terms, scale, bundle)
        if worth_after(i, k, total, int64(0), members, terms, scale, bundle) <= before:
            return int64(0)
        # Beyond what can be paid there is no utility to compare.
        payable = affordable(total, members.minor[i], terms.fee_ppb[post], terms.fee_per_lot[post])
        high = min(high, payable + 1)
    while high - low > 1:
        price = low + (high - low) // 2
        before = worth_after(i, k, had, price, members, terms, scale, bundle)
        after = worth_after(i, k, total, price, members, terms, scale, bundle)
        if (after >= before) == (total > 0):
            low = price
        else:
            high = price
    return low if total > 0 else high


def block_limit(
    i: int,
    k: int,
    had: int,
    total: int,
    members: Members,
    terms: Terms,
    scale: Scale,
    bundle: F64,
) -> int:
    """Return the limit of the block from `had` to `total` lots [price step], negative for sales.

    Below 1 there is no price at which the block would be bought, above `scale.most` none at which
    it would be sold.  Whether a buyer has the money is not looked at.
    """
    if scale.mode == IN_UTILITY:
        return limit_in_utility(i, k, had, total, members, terms, scale, bundle)
    post = members.at[i]
    rate = float64(terms.fee_ppb[post]) / BILLION
    fee = float64(terms.fee_per_lot[post]) * scale.minor_size / scale.lot_size
    old = worth_at(i, k, had, 0.0, members, scale, bundle)
    new = worth_at(i, k, total, 0.0, members, scale, bundle)
    size = members.weight[i] * abs(float64(total - had)) * scale.lot_size
    slack = SLACK * (abs(old) + abs(new)) / size
    most = float64(scale.most)
    if total > 0:
        steps = ((new - old) / size + slack - fee) / ((1.0 + rate) * scale.step_size)
        return int64(min(max(steps, 0.0), most))
    cost = max(0.0, (old - new) / size - slack) + fee
    steps = cost / ((1.0 - rate) * scale.step_size)
    if steps > most:
        return int64(scale.most) + 1
    return max(int64(1), int64(np.ceil(steps)))


def gains(
    start: int,
    stop: int,
    k: int,
    change: I64,
    paid: I64,
    members: Members,
    scale: Scale,
    gain: F64,
) -> None:
    """Write what each member gains by `change` lots of good k for `paid` [M], 0 within the noise.

    The change in utility over the marginal utility of money before the trade.
    """
    n = members.lots.shape[1]
    bundle = np.empty(n + 1 if scale.mode == IN_UTILITY else n)
    for i in range(start, stop):
        gain[i] = 0.0
        if change[i] == 0:
            continue
        own = float64(members.minor[i])
        old = worth_at(i, k, int64(0), own, members, scale, bundle)
        money = members.weight[i]
        spent = 0.0
        if scale.mode == IN_UTILITY:
            floor = 0.5 * scale.lot_size
            money = marginal(members.family[i], bundle, members.parameters[i], floor, int64(n))
        else:
            spent = money * float64(paid[i]) * scale.minor_size
        new = worth_at(i, k, change[i], own - float64(paid[i]), members, scale, bundle)
        won = new - old - spent
        if abs(won) > NOISE * (abs(old) + abs(new) + abs(spent)) and money > 0.0:
            gain[i] = won / money
