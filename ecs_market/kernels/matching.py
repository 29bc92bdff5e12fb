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
    seekers: I64, ids: I64, agent_rows: I64, choice_kind: I8, choice_target: I64, partner: I64
) -> int:
    """Pair agents that are each other's first choice; return the number of pairs."""
    pairs = 0
    for position in range(seekers.shape[0]):
        row = seekers[position]
        other = agent_rows[choice_target[row]]
        if choice_kind[other] == PARTNER and choice_target[other] == ids[row]:
            partner[row] = ids[other]
            if row < other:
                pairs += 1
    return pairs


@kernel
def gather_suitors(
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
    suitor_start: I32,
    fill: bool,
    suitor_row: I32,
    suitor_weight: F32,
) -> None:
    """Count, or with `fill` write, for each seeker those that list it and that it does not list.

    Its own list being full of better ones is the usual reason; `suitor_start` is indexed by row.
    """
    for position in range(seekers.shape[0]):
        row = seekers[position]
        for slot in range(count[row]):
            other = int64(candidate_row[row, slot])
            if not open_to[other] or lists(other, row, count, candidate_row):
                continue
            if bars(other, ids[row], tick, barred_kind, barred_target, barred_until):
                continue
            if fill:
                place = suitor_start[other + 1] - 1
                suitor_start[other + 1] = place
                suitor_row[place] = row
                suitor_weight[place] = candidate_weight[row, slot]
            else:
                suitor_start[other + 1] += 1


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
def gather_edges(
    seekers: I64,
    tick: int,
    ids: I64,
    count: I8,
    candidate_row: I32,
    weight: F32,
    open_to: Bool,
    barred_kind: I8,
    barred_target: I64,
    barred_until: I32,
    edge_start: I32,
    fill: bool,
    edge_row: I32,
    edge_weight: F32,
) -> None:
    """Count, or with `fill` write, for each seeker all with whom either of the two would pair.

    `edge_start` is used as in `gather_suitors`.
    """
    for position in range(seekers.shape[0]):
        row = seekers[position]
        for slot in range(count[row]):
            other = int64(candidate_row[row, slot])
            if not open_to[other]:
                continue
            if bars(other, ids[row], tick, barred_kind, barred_target, barred_until):
                continue
            both = 1 if lists(other, row, count, candidate_row) else 2
            for side in range(both):
                end = row if side == 0 else other
                if fill:
                    place = edge_start[end + 1] - 1
                    edge_start[end + 1] = place
                    edge_row[place] = other if side == 0 else row
                    edge_weight[place] = weight[row, slot]
                else:
                    edge_start[end + 1] += 1


@kernel
def sort_suitors(
    seekers: I64, ids: I64, first: I32, last: I32, suitor_row: I32, suitor_weight: F32
) -> None:
    """Sort each seeker's suitors by weight, ties by the lower id (insertion sort: few each)."""
    for position in range(seekers.shape[0]):
        row = seekers[position]
        for entry in range(first[row] + 1, last[row]):
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
def match_rounds(
    seekers: I64,
    tick: int,
    ids: I64,
    count: I8,
    candidate_row: I32,
    open_to: Bool,
    barred_kind: I8,
    barred_target: I64,
    barred_until: I32,
    first: I32,
    last: I32,
    suitor_row: I32,
    cursor: I32,
    favourite: I32,
    partner: I64,
) -> int:
    """Pair mutual favourites in rounds until none is left; return the number of pairs.

    `cursor` is how far a row has gone through its own list and then its suitors; `open_to` tells
    who may still be paired.
    """
    pairs = 0
    alive = seekers.shape[0]
    active = np.empty(alive, np.int64)
    for position in range(alive):
        active[position] = seekers[position]
    while alive > 0:
        remaining = 0
        for position in range(alive):
            row = active[position]
            if not open_to[row]:
                continue
            chosen = int64(-1)
            step = int64(cursor[row])
            end = int64(count[row]) + last[row] - first[row]
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
            if chosen >= 0:
                active[remaining] = row
                remaining += 1
            else:
                open_to[row] = False
        alive = remaining
        for position in range(alive):
            row = active[position]
            other = int64(favourite[row])
            if open_to[row] and open_to[other] and favourite[other] == row:
                partner[row] = ids[other]
                partner[other] = ids[row]
                open_to[row] = False
                open_to[other] = False
                pairs += 1
    return pairs
