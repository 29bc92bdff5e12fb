"""Exact rationing: who gets how many lots when the two sides of a good do not agree.

Everything here is integer arithmetic on lots; a share is cut by largest remainders, ties to the
lower id.
"""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.jit import helper
from ecs_market.kernels.wide import mul_div
from ecs_market.types import I64, int64

LARGEST = 2**63 - 1
# Below so many values, counting them costs less than looking through the counts.
FEW = 1024


@helper
def nth_largest(values: I64, size: int, n: int) -> int:
    """Return the n-th largest (n from 1) of the first `size` non-negative values, by radix.

    Eight bits at a time from the highest in use, four where there are few: linear in `size`,
    whatever the values.
    """
    bits = 8 if size >= FEW else 4
    buckets = 1 << bits
    prefix = int64(0)
    wanted = int64(n)
    largest = int64(0)
    for i in range(size):
        largest = max(largest, values[i])
    shift = 64 - bits
    while shift > 0 and largest >> shift == 0:
        shift -= bits
    counts = np.zeros(buckets, np.int64)
    first = True
    while shift >= 0:
        for bucket in range(buckets):
            counts[bucket] = 0
        for i in range(size):
            if first or (values[i] >> (shift + bits)) == prefix:
                counts[(values[i] >> shift) & (buckets - 1)] += 1
        bucket = buckets - 1
        while wanted > counts[bucket]:
            wanted -= counts[bucket]
            bucket -= 1
        prefix = (prefix << bits) | bucket
        shift -= bits
        first = False
    return prefix


@helper
def rounded_up(remainders: I64, rest: int, ids: I64) -> tuple[int, int]:
    """Return whom the `rest` largest positive remainders belong to, ties to the lower id.

    They are those above the first number, and those equal to it with an id up to the second.
    """
    size = remainders.shape[0]
    if rest <= 0:
        return LARGEST, -1
    threshold = nth_largest(remainders, size, rest)
    left = int64(rest)
    tied = int64(0)
    largest = int64(0)
    for i in range(size):
        if remainders[i] > threshold:
            left -= 1
        elif remainders[i] == threshold:
            tied += 1
            largest = max(largest, ids[i])
    if threshold == 0 or left <= 0:
        return threshold, -1
    if tied <= left:
        return threshold, largest
    candidates = np.empty(tied, np.int64)
    found = 0
    for i in range(size):
        if remainders[i] == threshold:
            candidates[found] = largest - ids[i]
            found += 1
    return threshold, largest - nth_largest(candidates, tied, left)


@helper
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
    above, last = rounded_up(scratch, amount - given, ids)
    for i in range(weights.shape[0]):
        if scratch[i] > above or (scratch[i] == above and ids[i] <= last):
            parts[i] += 1


@helper
def fill_orders(
    desired: I64, ids: I64, filled: I64, weights: I64, parts: I64, scratch: I64
) -> None:
    """Write what each member gets of its desired net trades (m, K) [lot].

    The short side of each good is served in full, the long side pro rata.
    """
    size = desired.shape[0]
    for k in range(desired.shape[1]):
        buys = int64(0)
        sells = int64(0)
        for i in range(size):
            if desired[i, k] > 0:
                buys += desired[i, k]
            else:
                sells -= desired[i, k]
        for i in range(size):
            filled[i, k] = desired[i, k]
        if buys == sells:
            continue
        side = 1 if buys > sells else -1
        for i in range(size):
            weights[i] = max(0, side * desired[i, k])
        share_out(weights, max(buys, sells), min(buys, sells), ids, parts, scratch)
        for i in range(size):
            if weights[i] > 0:
                filled[i, k] = side * parts[i]
