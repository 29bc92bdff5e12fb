"""Exact rationing: who gets how many lots when the two sides of a good do not agree.

Everything here is integer arithmetic on lots; a share is cut by largest remainders, ties to the
lower id.
"""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.jit import kernel
from ecs_market.kernels.wide import mul_div
from ecs_market.types import I64, int64


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
