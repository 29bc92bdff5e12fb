"""Pairing: sequential greedy matching by weight, found without sorting all edges.

An edge whose two ends both like it best among all edges left is taken by the sequential greedy
algorithm whatever else happens, so that taking such edges in any order gives the same matching
(Preis 1999).  They are found by walking from favourite to favourite: the edges on the way only get
better, so that it ends at two who like each other best.

`mate` is int32, an entry a row: the row of its partner, or `OPEN` or `CLOSED`.
"""

from __future__ import annotations

import numpy as np

from ecs_market.components.intent import PARTNER
from ecs_market.kernels.edges import CLOSED, OPEN
from ecs_market.kernels.jit import borrowing, inlined, kernel
from ecs_market.kernels.lanes import prefetch
from ecs_market.kernels.pursuit import leaves_alone
from ecs_market.types import I8, I32, I64, int64, uint64

# Memory takes about as long to answer as so many rows take to be settled.
AHEAD = 16


@kernel
def open_seekers(start: int, stop: int, choice_kind: I8, mate: I32) -> None:
    """Write who may be paired."""
    for row in range(uint64(start), uint64(stop)):
        mate[row] = OPEN if choice_kind[row] == PARTNER else CLOSED


@kernel
def pair_mutual(start: int, stop: int, choice_kind: I8, choice_target: I32, mate: I32) -> None:
    """Write who may be paired, and pair those that are each other's first choice.

    Each row writes its own entry alone.
    """
    for row in range(uint64(start), uint64(stop)):
        # No branch, which could not be foreseen: who wants no partner looks at itself.
        seeks = choice_kind[row] == PARTNER
        other = uint64(choice_target[row]) if seeks else row
        mutual = (choice_kind[other] == PARTNER) & (choice_target[other] == int64(row))
        found = int64(other) if mutual else int64(OPEN)
        mate[row] = found if seeks else CLOSED


@inlined
def best_left(
    row: int,
    tick: int,
    ids: I64,
    count: I8,
    candidate_row: I32,
    mate: I32,
    barred_kind: I8,
    barred_target: I32,
    barred_until: I32,
    first: I32,
    suitor_row: I32,
    cursor: I32,
) -> int:
    """Return whom a row likes best of those that may still be paired, -1 if nobody.

    `cursor` is how far a row has gone through its own list and then its suitors.
    """
    me = uint64(row)
    step = int64(cursor[me])
    own = int64(count[me])
    chosen = int64(-1)
    while chosen < 0 and step < own:
        other = uint64(candidate_row[me, uint64(step)])
        if mate[other] == OPEN and not leaves_alone(
            other, ids[me], tick, PARTNER, barred_kind, barred_target, barred_until
        ):
            chosen = int64(other)
        else:
            step += 1
    end = own + int64(first[me + uint64(1)]) - int64(first[me])
    while chosen < 0 and step < end:
        other = uint64(suitor_row[uint64(int64(first[me]) + step - own)])
        if mate[other] == OPEN:
            chosen = int64(other)
        else:
            step += 1
    cursor[me] = step
    return chosen


@borrowing
def pair_up(
    row: int,
    low: int,
    high: int,
    tick: int,
    ids: I64,
    count: I8,
    candidate_row: I32,
    mate: I32,
    barred_kind: I8,
    barred_target: I32,
    barred_until: I32,
    first: I32,
    suitor_row: I32,
    cursor: I32,
    back: I32,
) -> bool:
    """Settle a row after all that have to be settled before it; return whether that was possible.

    It is not where the way leads out of the rows from `low` to `high`.  `back` is where
    the way came from to a row, -1 at its start.
    """
    here = int64(row)
    back[uint64(here)] = -1
    while here >= 0:
        other = best_left(
            here,
            tick,
            ids,
            count,
            candidate_row,
            mate,
            barred_kind,
            barred_target,
            barred_until,
            first,
            suitor_row,
            cursor,
        )
        if other < 0:
            mate[uint64(here)] = CLOSED
            here = int64(back[uint64(here)])
            continue
        if other < low or other >= high:
            return False
        before = int64(back[uint64(here)])
        if before == other:
            mate[uint64(here)] = other
            mate[uint64(other)] = here
            here = int64(back[uint64(other)])
        else:
            back[uint64(other)] = here
            here = other
    return True


@inlined
def bring_near(row: int, candidate_row: I32) -> None:
    """Ask for the lists of a row's best candidates, which may be far from its own in memory."""
    slots = uint64(candidate_row.shape[1])
    for slot in range(uint64(min(candidate_row.shape[1], 2))):
        prefetch(candidate_row, uint64(candidate_row[uint64(row), slot]) * slots)


@kernel
def pair_heaviest(
    start: int,
    stop: int,
    tick: int,
    ids: I64,
    count: I8,
    candidate_row: I32,
    mate: I32,
    barred_kind: I8,
    barred_target: I32,
    barred_until: I32,
    first: I32,
    suitor_row: I32,
    cursor: I32,
    back: I32,
) -> I32:
    """Pair the open rows of a range among themselves; return those it could not settle.

    Of other rows it only reads whether they are taken.  That they are is final, whoever writes it
    when, so that ranges may be worked on at the same time.
    """
    left = np.empty(stop - start, np.int32)
    many = 0
    for row in range(start, stop):
        if row + AHEAD < stop:
            bring_near(row + AHEAD, candidate_row)
        if mate[row] == OPEN and not pair_up(
            row,
            start,
            stop,
            tick,
            ids,
            count,
            candidate_row,
            mate,
            barred_kind,
            barred_target,
            barred_until,
            first,
            suitor_row,
            cursor,
            back,
        ):
            left[many] = row
            many += 1
    return left[:many].copy()


@kernel
def pair_rest(
    rest: I32,
    tick: int,
    ids: I64,
    count: I8,
    candidate_row: I32,
    mate: I32,
    barred_kind: I8,
    barred_target: I32,
    barred_until: I32,
    first: I32,
    suitor_row: I32,
    cursor: I32,
    back: I32,
) -> None:
    """Pair rows whose way leads from range to range."""
    for place in range(rest.shape[0]):
        if mate[rest[place]] == OPEN:
            pair_up(
                int64(rest[place]),
                int64(0),
                mate.shape[0],
                tick,
                ids,
                count,
                candidate_row,
                mate,
                barred_kind,
                barred_target,
                barred_until,
                first,
                suitor_row,
                cursor,
                back,
            )
