"""Whom agents could be paired with: the edges of their lists of candidates, by weight."""

from __future__ import annotations

import numpy as np

from ecs_market.components.intent import PARTNER
from ecs_market.kernels.jit import borrowing, helper, kernel
from ecs_market.kernels.philox import PAIR, uniform
from ecs_market.kernels.pursuit import leaves_alone
from ecs_market.types import F32, I8, I32, I64, int64, uint64

# What `mate` says of a row that has none: it may be paired, or it may not.
OPEN, CLOSED = -1, -2


@borrowing
def lists(row: int, other: int, count: I8, candidate_row: I32) -> bool:
    """Return whether `other` is among the candidates of `row`."""
    for slot in range(uint64(count[row])):
        if candidate_row[row, slot] == other:
            return True
    return False


@helper
def listed(start: int, stop: int, rows: I64, mate: I32, count: I8) -> int:
    """Return how many candidates some rows that are open have together."""
    found = int64(0)
    for place in range(start, stop):
        if mate[rows[place]] == OPEN:
            found += int64(count[rows[place]])
    return found


@kernel
def list_suitors(
    start: int,
    stop: int,
    rows: I64,
    tick: int,
    ids: I64,
    count: I8,
    candidate_row: I32,
    candidate_weight: F32,
    mate: I32,
    barred_kind: I8,
    barred_target: I32,
    barred_until: I32,
) -> tuple[I32, I32, F32]:
    """Return for some rows whom they list without being listed: end, suitor and weight.

    What a pair gains is the same from both sides.  So the other's list is full of better ones, or
    it leaves the suitor alone, who then is none.
    """
    slots = candidate_row.shape[1]
    most = listed(start, stop, rows, mate, count)
    end = np.empty(most, np.int32)
    suitor = np.empty(most, np.int32)
    weight = np.empty(most, np.float32)
    found = 0
    for place in range(start, stop):
        row = rows[place]
        if mate[row] != OPEN:
            continue
        for slot in range(count[row]):
            other = int64(candidate_row[row, slot])
            if count[other] < slots or mate[other] != OPEN:
                continue
            if lists(other, row, count, candidate_row):
                continue
            if leaves_alone(
                other, ids[row], tick, PARTNER, barred_kind, barred_target, barred_until
            ):
                continue
            end[found] = other
            suitor[found] = row
            weight[found] = candidate_weight[row, slot]
            found += 1
    return end[:found].copy(), suitor[:found].copy(), weight[:found].copy()


@kernel
def draw_weights(
    start: int,
    stop: int,
    seed: int,
    tick: int,
    ids: I64,
    intent_kind: I8,
    intent_target: I32,
    intent_since: I32,
    count: I8,
    candidate_row: I32,
    weight: F32,
) -> None:
    """Draw a weight for each pair of a list, the same from both sides; present pairs come first."""
    for row in range(start, stop):
        for slot in range(count[row]):
            other = int64(candidate_row[row, slot])
            low = min(ids[row], ids[other])
            high = max(ids[row], ids[other])
            weight[row, slot] = np.float32(uniform(seed, high, tick, low, PAIR))
            paired = intent_kind[row] == PARTNER and intent_kind[other] == PARTNER
            paired = paired and intent_since[row] >= 0 and intent_since[other] >= 0
            if paired and intent_target[row] == ids[other] and intent_target[other] == ids[row]:
                weight[row, slot] = np.float32(2.0)


@kernel
def list_edges(
    start: int,
    stop: int,
    rows: I64,
    tick: int,
    ids: I64,
    count: I8,
    candidate_row: I32,
    weights: F32,
    mate: I32,
    barred_kind: I8,
    barred_target: I32,
    barred_until: I32,
) -> tuple[I32, I32, F32]:
    """Return for some rows all edges of their lists, from both ends: end, other and weight.

    Where the other lists the row too, it returns its own end itself.
    """
    most = 2 * listed(start, stop, rows, mate, count)
    end = np.empty(most, np.int32)
    suitor = np.empty(most, np.int32)
    weight = np.empty(most, np.float32)
    found = 0
    for place in range(start, stop):
        row = rows[place]
        if mate[row] != OPEN:
            continue
        for slot in range(count[row]):
            other = int64(candidate_row[row, slot])
            if mate[other] != OPEN:
                continue
            if leaves_alone(
                other, ids[row], tick, PARTNER, barred_kind, barred_target, barred_until
            ):
                continue
            both = 1 if lists(other, row, count, candidate_row) else 2
            for side in range(both):
                end[found] = row if side == 0 else other
                suitor[found] = other if side == 0 else row
                weight[found] = weights[row, slot]
                found += 1
    return end[:found].copy(), suitor[:found].copy(), weight[:found].copy()


@kernel
def count_ends(end: I32, starts: I32) -> None:
    """Add the edges of each row to its count, kept one place on."""
    for edge in range(end.shape[0]):
        starts[end[edge] + 1] += 1


@kernel
def place_edges(
    end: I32, suitor: I32, weight: F32, next_place: I32, suitor_row: I32, suitor_weight: F32
) -> None:
    """Write edges in the order of their ends."""
    for edge in range(end.shape[0]):
        place = next_place[end[edge]]
        next_place[end[edge]] = place + 1
        suitor_row[place] = suitor[edge]
        suitor_weight[place] = weight[edge]


@kernel
def sort_suitors(
    start: int, stop: int, ids: I64, first: I32, suitor_row: I32, suitor_weight: F32
) -> None:
    """Sort each row's suitors by weight, ties by the lower id (insertion sort: few each)."""
    for row in range(start, stop):
        for entry in range(first[row] + 1, first[row + 1]):
            moved = suitor_row[entry]
            weight = suitor_weight[entry]
            place = entry
            while place > first[row] and (
                suitor_weight[place - 1] < weight
                or (suitor_weight[place - 1] == weight and ids[suitor_row[place - 1]] > ids[moved])
            ):
                suitor_row[place] = suitor_row[place - 1]
                suitor_weight[place] = suitor_weight[place - 1]
                place -= 1
            suitor_row[place] = moved
            suitor_weight[place] = weight
