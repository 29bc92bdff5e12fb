"""Each trader's best candidates for a trade, by the pair's discounted gain."""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.gains import GATHERING, discount_gains, pair_gains
from ecs_market.kernels.jit import borrowing, helper, inlined, kernel
from ecs_market.kernels.lanes import LANES
from ecs_market.kernels.pursuit import leaves_alone
from ecs_market.kernels.ranking import rank_few, rank_many
from ecs_market.kernels.sight import neighbourhood, pairs_in_sight
from ecs_market.kernels.spatial import apart
from ecs_market.types import F32, F64, I8, I32, I64, Bool, int64, uint64

# Pairs of so many traders, or more than so many pairs, are not worked on at a time: what is noted
# of them stays in the nearest cache.
TRADERS_AT_ONCE = 128
PAIRS_AT_ONCE = 1024


@inlined
def bars_any(row: int, tick: int, kind: int, barred_kind: I8, until: I32) -> bool:
    """Return whether an agent leaves any target of some kind alone for now."""
    found = False
    for slot in range(uint64(barred_kind.shape[1])):
        found |= (until[row, slot] > tick) & (barred_kind[row, slot] == kind)
    return found


@borrowing
def rule_out_distant(
    pairs: int,
    mine: I32,
    theirs: I32,
    x: I32,
    y: I32,
    period_x: int,
    period_y: int,
    grasp: I32,
    weight: F32,
) -> None:
    """Take the weight of pairs out of each other's reach neither of whom walks."""
    for pair in range(uint64(pairs)):
        i = uint64(mine[pair])
        j = uint64(theirs[pair])
        reach = min(int64(grasp[i]), int64(grasp[j]))
        far = apart(int64(x[i]), int64(x[j]), period_x) + apart(int64(y[i]), int64(y[j]), period_y)
        if reach >= 0 and far > reach:
            weight[pair] = -1.0


@borrowing
def rule_out_barred(
    first: int,
    last: int,
    row: int,
    tick: int,
    kind: int,
    barred_kind: I8,
    barred_target: I32,
    barred_until: I32,
    rows: I32,
    ids: I64,
    theirs: I32,
    weight: F32,
) -> None:
    """Take the weight of a trader's pairs with those whom it leaves alone."""
    for pair in range(uint64(first), uint64(last)):
        ident = ids[uint64(rows[uint64(theirs[pair])])]
        if leaves_alone(row, ident, tick, kind, barred_kind, barred_target, barred_until):
            weight[pair] = -1.0


@helper
def room_for(pairs: int) -> tuple[I32, I32, F64, F64, F32]:
    """Return room to note so many pairs: the one, the other, discount, gain, discounted gain."""
    # Entries that are read before they are written are those of nobody in particular.
    mine = np.zeros(pairs, np.int32)
    theirs = np.zeros(pairs, np.int32)
    return mine, theirs, np.zeros(pairs), np.zeros(pairs), np.zeros(pairs, np.float32)


@borrowing
def find_while_room(
    start: int,
    stop: int,
    tile_start: I32,
    tiles_x: int,
    tiles_y: int,
    column_shift: int,
    strip_shift: int,
    rows: I32,
    ids: I64,
    x: I32,
    y: I32,
    vision: I32,
    grasp: I32,
    stands: bool,
    sides: F32,
    beta_power: F64,
    least_gain: float,
    barred_kind: I8,
    barred_target: I32,
    barred_until: I32,
    partner_kind: int,
    tick: int,
    count: I8,
    candidate_row: I32,
    candidate_weight: F32,
    for_money: bool,
    for_goods: bool,
    candidate_surplus: F32,
    overlooked: Bool,
    period_x: int,
    period_y: int,
    room: int,
    mine: I32,
    theirs: I32,
    discount: F64,
    surplus: F64,
    weight: F32,
    gathered: F32,
    heaviest: F32,
    ends: I64,
    runs: I32,
) -> tuple[int, int]:
    """Write the best partners of traders from `start` on; return where it ended, and the room.

    It ends before a trader whose neighbourhood has more entries than there is room for pairs, and
    then returns room that is enough.
    """
    few = LANES if candidate_surplus.shape[1] == 0 and candidate_row.shape[1] >= LANES else 0
    begin = int64(start)
    while begin < stop:
        pairs = int64(0)
        end = begin
        while end < stop and end - begin < TRADERS_AT_ONCE:
            found, entries = neighbourhood(
                end,
                tile_start,
                tiles_x,
                tiles_y,
                column_shift,
                strip_shift,
                x,
                y,
                vision,
                period_x,
                period_y,
                runs,
            )
            if pairs + entries + LANES > room:
                if end == begin:
                    return begin, 2 * entries + LANES
                break
            pairs = pairs_in_sight(
                end, found, runs, x, y, vision, period_x, period_y, pairs, mine, theirs
            )
            ends[end - begin] = pairs
            end += 1
        pair_gains(
            pairs,
            mine,
            theirs,
            sides,
            for_money,
            for_goods,
            gathered,
            surplus,
        )
        discount_gains(
            pairs,
            mine,
            theirs,
            x,
            y,
            period_x,
            period_y,
            beta_power,
            least_gain,
            discount,
            surplus,
            weight,
        )
        if stands:
            rule_out_distant(pairs, mine, theirs, x, y, period_x, period_y, grasp, weight)
        first = int64(0)
        for i in range(begin, end):
            row = int64(rows[i])
            last = ends[i - begin]
            if bars_any(row, tick, partner_kind, barred_kind, barred_until):
                rule_out_barred(
                    first,
                    last,
                    row,
                    tick,
                    partner_kind,
                    barred_kind,
                    barred_target,
                    barred_until,
                    rows,
                    ids,
                    theirs,
                    weight,
                )
            pay = int64(-1)
            if last - first <= few:
                pay = rank_few(
                    first, last, row, theirs, weight, rows, candidate_row, candidate_weight
                )
            if pay < 0:
                pay = rank_many(
                    first,
                    last,
                    row,
                    theirs,
                    weight,
                    surplus,
                    rows,
                    ids,
                    heaviest,
                    candidate_row,
                    candidate_weight,
                    candidate_surplus,
                    overlooked,
                )
            count[row] = pay
            first = last
        begin = end
    return begin, room


@kernel
def find_partners(
    start: int,
    stop: int,
    tile_start: I32,
    tiles_x: int,
    tiles_y: int,
    column_shift: int,
    strip_shift: int,
    rows: I32,
    ids: I64,
    x: I32,
    y: I32,
    vision: I32,
    grasp: I32,
    stands: bool,
    sides: F32,
    beta_power: F64,
    least_gain: float,
    barred_kind: I8,
    barred_target: I32,
    barred_until: I32,
    partner_kind: int,
    tick: int,
    count: I8,
    candidate_row: I32,
    candidate_weight: F32,
    for_money: bool,
    for_goods: bool,
    candidate_surplus: F32,
    overlooked: Bool,
    period_x: int,
    period_y: int,
) -> None:
    """Write each trader's best partners by discounted total gain, ties by the lower id.

    Both must see each other, and one must be able to walk if they are apart; a discounted gain
    under `least_gain` [M] is none.  `candidate_surplus` gets the gain that is not discounted,
    unless it has no columns.  Whose list is full has `overlooked` set for those that found no room.
    """
    gathered = np.empty(GATHERING * sides.shape[1], np.float32)
    heaviest = np.empty(candidate_row.shape[1], np.float32)
    ends = np.empty(TRADERS_AT_ONCE, np.int64)
    runs = np.empty((2, 2 * tiles_y + 2), np.int32)
    room = int64(PAIRS_AT_ONCE)
    begin = int64(start)
    while begin < stop:
        mine, theirs, discount, surplus, weight = room_for(room)
        begin, room = find_while_room(
            begin,
            stop,
            tile_start,
            tiles_x,
            tiles_y,
            column_shift,
            strip_shift,
            rows,
            ids,
            x,
            y,
            vision,
            grasp,
            stands,
            sides,
            beta_power,
            least_gain,
            barred_kind,
            barred_target,
            barred_until,
            partner_kind,
            tick,
            count,
            candidate_row,
            candidate_weight,
            for_money,
            for_goods,
            candidate_surplus,
            overlooked,
            period_x,
            period_y,
            room,
            mine,
            theirs,
            discount,
            surplus,
            weight,
            gathered,
            heaviest,
            ends,
            runs,
        )
