"""Pairing: sequential greedy matching by weight, found without sorting all edges.

An edge whose two ends both like it best among all edges left is taken by the sequential greedy
algorithm whatever else happens, so that taking such edges in rounds gives the same matching (Preis
1999).
"""

from __future__ import annotations

import numpy as np

from ecs_market.components.intent import PARTNER
from ecs_market.kernels.jit import kernel
from ecs_market.kernels.philox import PAIR, uniform
from ecs_market.types import F32, I8, I32, I64, Bool, int64


@kernel
def lists(row: int, other: int, count: I8, candidate_row: I32) -> bool:
    """Return whether `other` is among the candidates of `row`."""
    for slot in range(count[row]):
        if candidate_row[row, slot] == other:
            return True
    return False


@kernel
def bars(row: int, ident: int, tick: int, kind: I8, target: I64, until: I32) -> bool:
    """Return whether `row` leaves the agent `ident` alone for now."""
    for slot in range(kind.shape[1]):
        if until[row, slot] > tick and kind[row, slot] == PARTNER and target[row, slot] == ident:
            return True
    return False


@kernel
def pair_mutual(
    start: int,
    stop: int,
    seekers: I64,
    ids: I64,
    agent_rows: I64,
    choice_kind: I8,
    choice_target: I64,
    partner: I64,
) -> int:
    """Pair agents that are each other's first choice; return the number of pairs.

    Each agent's own row is written alone, as everywhere here.
    """
    pairs = 0
    for position in range(start, stop):
        row = seekers[position]
        other = agent_rows[choice_target[row]]
        if choice_kind[other] == PARTNER and choice_target[other] == ids[row]:
            partner[row] = ids[other]
            if row < other:
                pairs += 1
    return pairs


@kernel
def listed(start: int, stop: int, seekers: I64, count: I8) -> int:
    """Return how many candidates some seekers have together."""
    found = int64(0)
    for position in range(start, stop):
        found += count[seekers[position]]
    return found


@kernel
def list_suitors(
    start: int,
    stop: int,
    seekers: I64,
    tick: int,
    ids: I64,
    count: I8,
    candidate_row: I32,
    candidate_weight: F32,
    open_to: Bool,
    barred_kind: I8,
    barred_target: I64,
    barred_until: I32,
) -> tuple[I32, I32, F32]:
    """Return for some seekers whom they list without being listed: end, suitor and weight.

    That the other's list is full of better ones is the usual reason.
    """
    most = listed(start, stop, seekers, count)
    end = np.empty(most, np.int32)
    suitor = np.empty(most, np.int32)
    weight = np.empty(most, np.float32)
    found = 0
    for position in range(start, stop):
        row = seekers[position]
        for slot in range(count[row]):
            other = int64(candidate_row[row, slot])
            if not open_to[other] or lists(other, row, count, candidate_row):
                continue
            if bars(other, ids[row], tick, barred_kind, barred_target, barred_until):
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
    intent_target: I64,
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
    seekers: I64,
    tick: int,
    ids: I64,
    count: I8,
    candidate_row: I32,
    weights: F32,
    open_to: Bool,
    barred_kind: I8,
    barred_target: I64,
    barred_until: I32,
) -> tuple[I32, I32, F32]:
    """Return for some seekers all edges of their lists, from both ends: end, other and weight.

    Where the other lists the seeker too, it returns its own end itself.
    """
    most = 2 * listed(start, stop, seekers, count)
    end = np.empty(most, np.int32)
    suitor = np.empty(most, np.int32)
    weight = np.empty(most, np.float32)
    found = 0
    for position in range(start, stop):
        row = seekers[position]
        for slot in range(count[row]):
            other = int64(candidate_row[row, slot])
            if not open_to[other]:
                continue
            if bars(other, ids[row], tick, barred_kind, barred_target, barred_until):
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
    start: int,
    stop: int,
    seekers: I64,
    ids: I64,
    first: I32,
    suitor_row: I32,
    suitor_weight: F32,
) -> None:
    """Sort each seeker's suitors by weight, ties by the lower id (insertion sort: few each)."""
    for position in range(start, stop):
        row = seekers[position]
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


@kernel
def find_favourites(
    start: int,
    stop: int,
    active: I64,
    tick: int,
    ids: I64,
    count: I8,
    candidate_row: I32,
    open_to: Bool,
    barred_kind: I8,
    barred_target: I64,
    barred_until: I32,
    first: I32,
    suitor_row: I32,
    cursor: I32,
    favourite: I32,
) -> None:
    """Write whom each active row likes best of those that may still be paired, -1 if nobody.

    `cursor` is how far a row has gone through its own list and then its suitors.
    """
    for position in range(start, stop):
        row = active[position]
        chosen = int64(-1)
        step = int64(cursor[row])
        end = int64(count[row]) + first[row + 1] - first[row]
        while step < end:
            if step < count[row]:
                other = int64(candidate_row[row, step])
                fit = open_to[other] and not bars(
                    other, ids[row], tick, barred_kind, barred_target, barred_until
                )
            else:
                other = int64(suitor_row[first[row] + step - count[row]])
                fit = open_to[other]
            if fit:
                chosen = other
                break
            step += 1
        cursor[row] = step
        favourite[row] = chosen


@kernel
def pair_favourites(
    start: int, stop: int, active: I64, ids: I64, favourite: I32, open_to: Bool, partner: I64
) -> int:
    """Pair active rows that like each other best; return the number of rows paired.

    Rows that are paired, or that nobody is left for, are not open any more.
    """
    paired = 0
    for position in range(start, stop):
        row = active[position]
        other = int64(favourite[row])
        if other < 0:
            open_to[row] = False
        elif favourite[other] == row:
            partner[row] = ids[other]
            open_to[row] = False
            paired += 1
    return paired
