"""The best of a trader's pairs, best first.  A pair that does not pay weighs less than 0."""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.jit import borrowing, helper, inlined
from ecs_market.kernels.lanes import LANES, lanes_above, rank_lower, rank_upper
from ecs_market.types import F32, F64, I32, I64, Bool, float64, int64, uint64


@helper
def lightest_kept(first: int, last: int, weight: F32, heaviest: F32) -> float:
    """Return the least weight among the heaviest pairs of a trader, as many as `heaviest` holds."""
    slots = heaviest.shape[0]
    found = 0
    for pair in range(first, last):
        place = found
        while place > 0 and heaviest[place - 1] < weight[pair]:
            place -= 1
        if place == slots:
            continue
        if found < slots:
            found += 1
        for slot in range(found - 1, place, -1):
            heaviest[slot] = heaviest[slot - 1]
        heaviest[place] = weight[pair]
    return float64(heaviest[slots - 1])


@borrowing
def rank(
    first: int,
    last: int,
    row: int,
    least: float,
    theirs: I32,
    weight: F32,
    surplus: F64,
    rows: I32,
    ids: I64,
    candidate_row: I32,
    candidate_weight: F32,
    candidate_surplus: F32,
    overlooked: Bool,
) -> None:
    """Write the best of a trader's pairs, ties by the lower id, to its row, best first.

    A pair's place is the number of those before it.  Those lighter than `least` are not among them.
    Several may write at once that somebody is overlooked: they all write the same.
    """
    slots = uint64(candidate_row.shape[1])
    kept = uint64(candidate_surplus.shape[1])
    me = uint64(row)
    for pair in range(uint64(first), uint64(last)):
        if weight[pair] < least:
            if weight[pair] >= 0.0:
                overlooked[uint64(rows[uint64(theirs[pair])])] = True
            continue
        place = uint64(0)
        equal = 0
        for other in range(uint64(first), uint64(last)):
            place += uint64(weight[other] > weight[pair])
            equal += int64(weight[other] == weight[pair])
        if equal > 1:
            ident = ids[uint64(rows[uint64(theirs[pair])])]
            for other in range(uint64(first), uint64(last)):
                if weight[other] == weight[pair]:
                    place += uint64(ids[uint64(rows[uint64(theirs[other])])] < ident)
        if place < slots:
            candidate_row[me, place] = rows[uint64(theirs[pair])]
            candidate_weight[me, place] = weight[pair]
            if place < kept:
                candidate_surplus[me, place] = np.float32(surplus[pair])
        else:
            overlooked[uint64(rows[uint64(theirs[pair])])] = True


@inlined
def rank_few(
    first: int,
    last: int,
    row: int,
    theirs: I32,
    weight: F32,
    rows: I32,
    candidate_row: I32,
    candidate_weight: F32,
) -> int:
    """Write a trader's pairs, at most `LANES`, to its row, best first; return how many pay.

    The result is negative, and what was written means nothing, if two are equally good.  A pair's
    place is the number of better ones: comparing each with each asks for no branch that could not
    be foreseen, but whether there are more than half of `LANES`.  Pairs that do not pay, and lanes
    without a pair, come behind, all in one place.
    """
    begin = uint64(first)
    many = uint64(last) - begin
    slots = uint64(candidate_row.shape[1])
    place = uint64(row) * slots
    ranked = LANES // 2
    places = rank_lower(weight, begin, many, theirs, rows, candidate_row, candidate_weight, place)
    if many > uint64(ranked):
        places += rank_upper(
            weight, begin, many, theirs, rows, candidate_row, candidate_weight, place
        )
        ranked = LANES
    pay = int64(lanes_above(weight, begin, many, np.float32(-0.5)))
    distinct = pay * (pay - 1) // 2 + (ranked - pay) * pay == int64(places)
    return pay if distinct else int64(-1)


@borrowing
def rank_many(
    first: int,
    last: int,
    row: int,
    theirs: I32,
    weight: F32,
    surplus: F64,
    rows: I32,
    ids: I64,
    heaviest: F32,
    candidate_row: I32,
    candidate_weight: F32,
    candidate_surplus: F32,
    overlooked: Bool,
) -> int:
    """Write the best of any number of a trader's pairs to its row; return how many."""
    slots = candidate_row.shape[1]
    pay = 0
    for pair in range(uint64(first), uint64(last)):
        pay += int64(weight[pair] >= 0.0)
    least = 0.0
    if pay > 2 * slots:
        least = lightest_kept(first, last, weight, heaviest)
    rank(
        first,
        last,
        row,
        least,
        theirs,
        weight,
        surplus,
        rows,
        ids,
        candidate_row,
        candidate_weight,
        candidate_surplus,
        overlooked,
    )
    return int64(min(pay, slots))
