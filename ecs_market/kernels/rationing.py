"""Exact rationing: who gets how many lots when the two sides of a good do not agree.

Everything here is integer arithmetic on lots; a share is cut by largest remainders, ties to the
lower id.
"""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.jit import kernel
from ecs_market.kernels.wide import mul_div
from ecs_market.types import I64, Bool, int64


@kernel
def nth_largest(values: I64, size: int, n: int) -> int:
    """Return the n-th largest (n from 1) of the first `size` non-negative values, by radix.

    Eight bits at a time from the top: linear in `size`, whatever the values.
    """
    prefix = int64(0)
    wanted = int64(n)
    counts = np.zeros(256, np.int64)
    for level in range(8):
        shift = 56 - 8 * level
        for bucket in range(256):
            counts[bucket] = 0
        for i in range(size):
            if level == 0 or (values[i] >> (shift + 8)) == prefix:
                counts[(values[i] >> shift) & 255] += 1
        bucket = 255
        while wanted > counts[bucket]:
            wanted -= counts[bucket]
            bucket -= 1
        prefix = (prefix << 8) | bucket
    return prefix


@kernel
def share_out(weights: I64, total: int, amount: int, ids: I64, parts: I64, scratch: I64) -> None:
    """Write `amount` split in proportion to `weights`, which add up to `total` >= `amount`.

    Each part is the floor of its share, and one more for the largest remainders, ties to the lower
    id; no part exceeds its weight.
    """
    size = weights.shape[0]
    given = int64(0)
    for i in range(size):
        parts[i] = 0
        scratch[i] = 0
        if weights[i] > 0 and amount > 0:
            quotient, remainder = mul_div(weights[i], amount, total)
            parts[i] = quotient
            scratch[i] = remainder
            given += quotient
    rest = amount - given
    if rest <= 0:
        return
    threshold = nth_largest(scratch, size, rest)
    for i in range(size):
        if scratch[i] > threshold:
            parts[i] += 1
            rest -= 1
    tied = int64(0)
    for i in range(size):
        if scratch[i] == threshold and threshold > 0:
            tied += 1
    if tied == rest:
        for i in range(size):
            if scratch[i] == threshold and threshold > 0:
                parts[i] += 1
        return
    candidates = np.empty(tied, np.int64)
    largest = int64(0)
    for i in range(size):
        largest = max(largest, ids[i])
    found = 0
    for i in range(size):
        if scratch[i] == threshold and threshold > 0:
            candidates[found] = largest - ids[i]
            found += 1
    if rest <= 0 or tied == 0:
        return
    last = largest - nth_largest(candidates, tied, rest)
    for i in range(size):
        if scratch[i] == threshold and threshold > 0 and ids[i] <= last:
            parts[i] += 1


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


@kernel
def assign_indifferent(
    desired: I64,
    indifferent: Bool,
    lots: I64,
    minor: I64,
    steps: I64,
    ids: I64,
    weights: I64,
    parts: I64,
    scratch: I64,
) -> None:
    """Let members who do not mind take up what the others leave, in place [lot].

    They sell in proportion to their holdings of the good and buy in proportion to their money.
    """
    size = desired.shape[0]
    for k in range(desired.shape[1]):
        net = int64(0)
        some = False
        for i in range(size):
            if indifferent[i, k]:
                some = True
            else:
                net += desired[i, k]
        if not some or net == 0:
            continue
        total = int64(0)
        for i in range(size):
            weights[i] = 0
            if indifferent[i, k]:
                weights[i] = lots[i, k] if net > 0 else minor[i] // steps[k]
                total += weights[i]
        share_out(weights, total, min(abs(net), total), ids, parts, scratch)
        for i in range(size):
            if indifferent[i, k]:
                desired[i, k] = -parts[i] if net > 0 else parts[i]


@kernel
def next_lots(place: int, last: int, sign: int, k: int, by_id: I64, filled: I64) -> tuple[int, int]:
    """Return the next member that buys (sign 1) or sells (-1) good k, and its lots; 0 if none."""
    while place < last:
        lots = sign * filled[by_id[place], k]
        if lots > 0:
            return place, lots
        place += 1
    return place, int64(0)


@kernel
def count_trades(first: I64, by_id: I64, filled: I64, counts: I64) -> None:
    """Count the trades of each post as `pair_trades` writes them."""
    for post in range(first.shape[0] - 1):
        last = first[post + 1]
        for k in range(filled.shape[1]):
            buyer, to_buy = next_lots(first[post], last, 1, k, by_id, filled)
            seller, to_sell = next_lots(first[post], last, -1, k, by_id, filled)
            while to_buy > 0 and to_sell > 0:
                quantity = min(to_buy, to_sell)
                counts[post] += 1
                to_buy -= quantity
                to_sell -= quantity
                if to_buy == 0:
                    buyer, to_buy = next_lots(buyer + 1, last, 1, k, by_id, filled)
                if to_sell == 0:
                    seller, to_sell = next_lots(seller + 1, last, -1, k, by_id, filled)


@kernel
def pair_trades(
    first: I64,
    by_id: I64,
    ids: I64,
    filled: I64,
    post_out: I64,
    good_out: I64,
    buyer_out: I64,
    seller_out: I64,
    quantity_out: I64,
) -> None:
    """Write net trades as trades between buyers and sellers, both in the order of ids."""
    found = 0
    for post in range(first.shape[0] - 1):
        last = first[post + 1]
        for k in range(filled.shape[1]):
            buyer, to_buy = next_lots(first[post], last, 1, k, by_id, filled)
            seller, to_sell = next_lots(first[post], last, -1, k, by_id, filled)
            while to_buy > 0 and to_sell > 0:
                quantity = min(to_buy, to_sell)
                post_out[found] = post
                good_out[found] = k
                buyer_out[found] = ids[by_id[buyer]]
                seller_out[found] = ids[by_id[seller]]
                quantity_out[found] = quantity
                found += 1
                to_buy -= quantity
                to_sell -= quantity
                if to_buy == 0:
                    buyer, to_buy = next_lots(buyer + 1, last, 1, k, by_id, filled)
                if to_sell == 0:
                    seller, to_sell = next_lots(seller + 1, last, -1, k, by_id, filled)
