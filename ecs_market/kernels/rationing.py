"""Exact rationing: who gets how many lots when the two sides of a good do not agree.

Everything here is integer arithmetic on lots; a share is cut by largest remainders, ties to the
lower id.
"""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.jit import kernel
from ecs_market.kernels.wide import mul_div
from ecs_market.types import I64, int64

# Columns of a plan: the side that is rationed (1 buyers, -1 sellers, 0 none), what it wants, gets.
SIDE, WANTED, SERVED = 0, 1, 2


@kernel
def nth_largest(values: I64, size: int, n: int) -> int:
    """Return the n-th largest (n from 1) of the first `size` non-negative values, by radix.

    Eight bits at a time from the highest in use: linear in `size`, whatever the values.
    """
    prefix = int64(0)
    wanted = int64(n)
    largest = int64(0)
    for i in range(size):
        largest = max(largest, values[i])
    level = 0
    while level < 7 and largest >> (56 - 8 * level) == 0:
        level += 1
    counts = np.zeros(256, np.int64)
    top = level
    while level < 8:
        shift = 56 - 8 * level
        for bucket in range(256):
            counts[bucket] = 0
        for i in range(size):
            if level == top or (values[i] >> (shift + 8)) == prefix:
                counts[(values[i] >> shift) & 255] += 1
        bucket = 255
        while wanted > counts[bucket]:
            wanted -= counts[bucket]
            bucket -= 1
        prefix = (prefix << 8) | bucket
        level += 1
    return prefix


@kernel
def round_up(remainders: I64, rest: int, ids: I64, parts: I64) -> None:
    """Add one to the parts with the `rest` largest positive remainders, ties to the lower id."""
    size = remainders.shape[0]
    if rest <= 0:
        return
    threshold = nth_largest(remainders, size, rest)
    left = int64(rest)
    tied = int64(0)
    largest = int64(0)
    for i in range(size):
        if remainders[i] > threshold:
            parts[i] += 1
            left -= 1
        elif remainders[i] == threshold and threshold > 0:
            tied += 1
            largest = max(largest, ids[i])
    if left <= 0 or tied == 0:
        return
    last = largest
    if tied > left:
        candidates = np.empty(tied, np.int64)
        found = 0
        for i in range(size):
            if remainders[i] == threshold:
                candidates[found] = largest - ids[i]
                found += 1
        last = largest - nth_largest(candidates, tied, left)
    for i in range(size):
        if remainders[i] == threshold and ids[i] <= last:
            parts[i] += 1


@kernel
def share_out(weights: I64, total: int, amount: int, ids: I64, parts: I64, scratch: I64) -> None:
    """Write `amount` split in proportion to `weights`, which add up to `total` >= `amount`.

    Each part is the floor of its share, and one more for the largest remainders, ties to the lower
    id; no part exceeds its weight.
    """
    given = int64(0)
    for i in range(weights.shape[0]):
        parts[i] = 0
        scratch[i] = 0
        if weights[i] > 0 and amount > 0:
            quotient, remainder = mul_div(weights[i], amount, total)
            parts[i] = quotient
            scratch[i] = remainder
            given += quotient
    round_up(scratch, amount - given, ids, parts)


@kernel
def sum_sides(start: int, stop: int, wish: I64) -> I64:
    """Return what members want to buy and to sell, (K, 2) [lot]."""
    goods = wish.shape[1]
    sides = np.zeros((goods, 2), np.int64)
    for i in range(start, stop):
        for k in range(goods):
            if wish[i, k] > 0:
                sides[k, 0] += wish[i, k]
            else:
                sides[k, 1] -= wish[i, k]
    return sides


@kernel
def plan_sides(sides: I64, stock: I64, cash: int, price: I64, plan: I64) -> None:
    """Decide which side of each good is rationed, to how much; the post makes up what it can.

    The post sells its `stock` [lot] and buys for its `cash` [minor unit], goods in their order.
    """
    left = int64(cash)
    for k in range(sides.shape[0]):
        buys = sides[k, 0]
        sells = sides[k, 1]
        plan[k, SIDE] = 0
        plan[k, WANTED] = max(buys, sells)
        plan[k, SERVED] = max(buys, sells)
        if buys > sells:
            extra = min(buys - sells, max(0, stock[k]))
            plan[k, SERVED] = sells + extra
            plan[k, SIDE] = 1
        elif sells > buys:
            extra = int64(0)
            if left >= price[k] > 0:
                extra = min(sells - buys, left // price[k])
            left -= extra * price[k]
            plan[k, SERVED] = buys + extra
            plan[k, SIDE] = -1
        if plan[k, SERVED] == plan[k, WANTED]:
            plan[k, SIDE] = 0


@kernel
def share_floors(start: int, stop: int, plan: I64, wish: I64, fresh: I64, remainder: I64) -> I64:
    """Write what each member gets, the rationed side's shares rounded down; return their sums (K,).

    `remainder` (K, m) keeps what was cut off; `share_rests` hands that out.
    """
    goods = wish.shape[1]
    given = np.zeros(goods, np.int64)
    for k in range(goods):
        side = plan[k, SIDE]
        wanted = plan[k, WANTED]
        served = plan[k, SERVED]
        for i in range(start, stop):
            fresh[i, k] = wish[i, k]
            remainder[k, i] = 0
            own = side * wish[i, k]
            if own > 0:
                quotient, rest = mul_div(own, served, wanted)
                fresh[i, k] = side * quotient
                remainder[k, i] = rest
                given[k] += quotient
    return given


@kernel
def share_rests(
    first_good: int,
    last_good: int,
    a: int,
    b: int,
    plan: I64,
    given: I64,
    ids: I64,
    fresh: I64,
    remainder: I64,
) -> None:
    """Hand out the lots that rounding down left over, one each to the largest remainders."""
    for k in range(first_good, last_good):
        rest = plan[k, SERVED] - given[k]
        if plan[k, SIDE] == 0 or rest <= 0:
            continue
        extra = remainder[k, a:b]
        parts = np.zeros(b - a, np.int64)
        round_up(extra, rest, ids[a:b], parts)
        for i in range(a, b):
            fresh[i, k] += plan[k, SIDE] * parts[i - a]
