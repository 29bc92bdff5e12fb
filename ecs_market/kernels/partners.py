"""Whom to trade with: the second-order gain of a pair, and each trader's best candidates."""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.jit import inlined, kernel
from ecs_market.kernels.spatial import apart, tile_spans
from ecs_market.types import F32, F64, I8, I32, I64, float64, int64, uint64

# Keeps a division defined where demand is perfectly elastic or a good is worthless to both.
TINY = 1e-30
# So many pairs, or a neighbourhood, are worked on at a time: what is noted of them stays in the
# nearest cache.
PAIRS_AT_ONCE = 1024


@kernel
def barter_gain(i: int, j: int, k: int, unit: int, rate: F32, curvature: F32, stock: F32) -> float:
    """Return the total gain [M] of the best trade of good `k` for good `unit`, 0 if none pays.

    Each gives at most what it has.  With rates of exchange r = m_k / m_unit the price is the
    midpoint p.  The gain of q units is, to second order, |r_i - r_j| q (m_unit,i + m_unit,j) / 2 -
    (b_i + b_j) q^2 / 2 with b = b_k + p^2 b_unit: how much of one good bends the rate of the other
    is left out.  What pays must be worth something to both; or else each has use for just what the
    other one has no use for, and they swap one for one, as those do who bargain.
    """
    unit_i = float64(rate[i, unit])
    unit_j = float64(rate[j, unit])
    buyer = i
    seller = j
    price = 1.0
    if unit_i > 0.0 and unit_j > 0.0:
        rate_i = float64(rate[i, k]) / unit_i
        rate_j = float64(rate[j, k]) / unit_j
        if rate_j > rate_i:
            buyer = j
            seller = i
        price = 0.5 * (rate_i + rate_j)
        gap = 0.5 * (unit_i + unit_j) * abs(rate_i - rate_j)
    else:
        if unit_i > 0.0:
            buyer = j
            seller = i
        if rate[seller, k] > 0.0 or rate[buyer, k] <= 0.0 or rate[seller, unit] <= 0.0:
            return 0.0
        gap = float64(rate[buyer, k]) + float64(rate[seller, unit])
    bend = float64(curvature[i, k]) + float64(curvature[j, k])
    bend += price * price * (float64(curvature[i, unit]) + float64(curvature[j, unit]))
    quantity = gap / max(bend, TINY)
    quantity = min(quantity, float64(stock[seller, k]))
    quantity = min(quantity, float64(stock[buyer, unit]) / max(price, TINY))
    return gap * quantity - 0.5 * bend * quantity * quantity


@kernel
def money_gain(i: int, j: int, rate: F32, curvature: F32, stock: F32, cash: F32) -> float:
    """Return the total gain [M] of the best trade of one good for money between two traders.

    With marginal rates m and demand slopes s the best quantity is |m_i - m_j| / (1/s_i + 1/s_j),
    as far as the seller's stock and the buyer's cash at the midpoint go.
    """
    best = 0.0
    for k in range(rate.shape[1]):
        rate_i = float64(rate[i, k])
        rate_j = float64(rate[j, k])
        gap = abs(rate_i - rate_j)
        bend = float64(curvature[i, k]) + float64(curvature[j, k])
        buyer = i
        seller = j
        if rate_j > rate_i:
            buyer = j
            seller = i
        midpoint = 0.5 * (rate_i + rate_j)
        quantity = gap / max(bend, TINY)
        quantity = min(quantity, float64(stock[seller, k]))
        quantity = min(quantity, float64(cash[buyer]) / max(midpoint, TINY))
        gain = gap * quantity - 0.5 * bend * quantity * quantity
        if gain > best:
            best = gain
    return best


@kernel
def goods_gain(i: int, j: int, rate: F32, curvature: F32, stock: F32) -> float:
    """Return the total gain [M] of the best trade of one good for another between two traders."""
    best = 0.0
    for unit in range(rate.shape[1] - 1, 0, -1):
        for k in range(unit):
            gain = barter_gain(i, j, k, unit, rate, curvature, stock)
            if gain <= 0.0:
                gain = barter_gain(i, j, unit, k, rate, curvature, stock)
            if gain > best:
                best = gain
    return best


@inlined
def neighbourhood(
    i: int,
    tile_start: I32,
    tiles_x: int,
    tiles_y: int,
    x: I32,
    y: I32,
    vision: I32,
    period_x: int,
    period_y: int,
    runs: I32,
) -> tuple[int, int]:
    """Write the runs of entries that a trader's sight touches; return how many, and their length.

    `runs` is int32 (2, r): where each starts and stops.
    """
    sight = int64(vision[i])
    left, right, left_2, right_2 = tile_spans(int64(x[i]), sight, tiles_x, period_x)
    top, bottom, top_2, bottom_2 = tile_spans(int64(y[i]), sight, tiles_y, period_y)
    found = int64(0)
    entries = int64(0)
    for part in range(4):
        second = part & 1 == 1
        west = left_2 if second else left
        east = right_2 if second else right
        low = top if part < 2 else top_2
        high = bottom if part < 2 else bottom_2
        if east < west:
            continue
        for tile_y in range(low, high + 1):
            first = int64(tile_start[tile_y * tiles_x + west])
            last = int64(tile_start[tile_y * tiles_x + east + 1])
            runs[0, found] = first
            runs[1, found] = last
            found += 1
            entries += last - first
    return found, entries


@inlined
def pairs_in_sight(
    i: int,
    found: int,
    runs: I32,
    x: I32,
    y: I32,
    vision: I32,
    period_x: int,
    period_y: int,
    pairs: int,
    mine: I32,
    theirs: I32,
    apart_by: I32,
) -> int:
    """Append all that see trader `i` and are seen by it to the pairs; return their new number.

    There is no branch on who is in sight: it could not be foreseen.
    """
    xi = int64(x[i])
    yi = int64(y[i])
    sight = int64(vision[i])
    me = uint64(i)
    place = uint64(pairs)
    for run in range(found):
        for j in range(uint64(runs[0, run]), uint64(runs[1, run])):
            distance = apart(xi, int64(x[j]), period_x) + apart(yi, int64(y[j]), period_y)
            mine[place] = me
            theirs[place] = j
            apart_by[place] = distance
            sees = (distance <= min(sight, int64(vision[j]))) & (j != me)
            place += uint64(sees)
    return int64(place)


@kernel
def pair_gains(
    pairs: int,
    mine: I32,
    theirs: I32,
    rate: F32,
    curvature: F32,
    stock: F32,
    cash: F32,
    for_money: bool,
    for_goods: bool,
    surplus: F64,
) -> None:
    """Write the total gain [M] of each pair's best trade."""
    for pair in range(pairs):
        surplus[pair] = 0.0
        if for_money:
            surplus[pair] = money_gain(
                uint64(mine[pair]), uint64(theirs[pair]), rate, curvature, stock, cash
            )
    if for_goods:
        for pair in range(pairs):
            gain = goods_gain(uint64(mine[pair]), uint64(theirs[pair]), rate, curvature, stock)
            surplus[pair] = max(surplus[pair], gain)


@inlined
def bars_any(row: int, tick: int, kind: int, barred_kind: I8, until: I32) -> bool:
    """Return whether an agent leaves any target of some kind alone for now."""
    found = False
    for slot in range(uint64(barred_kind.shape[1])):
        found |= (until[row, slot] > tick) & (barred_kind[row, slot] == kind)
    return found


@inlined
def is_barred(
    row: int, target: int, tick: int, kind: int, barred_kind: I8, barred_target: I64, until: I32
) -> bool:
    """Return whether an agent leaves a target of some kind alone for now."""
    found = False
    for slot in range(uint64(barred_kind.shape[1])):
        bars = (until[row, slot] > tick) & (barred_kind[row, slot] == kind)
        found |= bars & (barred_target[row, slot] == target)
    return found


@inlined
def worth_it(
    first: int,
    last: int,
    place: int,
    theirs: I32,
    apart_by: I32,
    surplus: F64,
    weight: F32,
    beta_power: F64,
    least_gain: float,
    grasp: I32,
    grasp_i: int,
) -> int:
    """Move a trader's pairs that are worth the way to `place` and on; return where they end.

    Of two who do not walk each must be within reach of the other.
    """
    free = uint64(place)
    for pair in range(uint64(first), uint64(last)):
        distance = apart_by[pair]
        gain = surplus[pair]
        discounted = gain * beta_power[uint64(distance)]
        other = theirs[pair]
        theirs[free] = other
        surplus[free] = gain
        weight[free] = np.float32(discounted)
        meet = True
        if grasp_i >= 0:
            reach = int64(grasp[uint64(other)])
            meet = (reach < 0) | (distance <= min(grasp_i, reach))
        free += uint64((discounted >= least_gain) & meet)
    return int64(free)


@kernel
def leave_out(
    first: int,
    last: int,
    row: int,
    tick: int,
    kind: int,
    barred_kind: I8,
    barred_target: I64,
    barred_until: I32,
    ids: I64,
    theirs: I32,
    surplus: F64,
    weight: F32,
) -> int:
    """Drop a trader's pairs with those whom it leaves alone; return where the rest ends."""
    free = uint64(first)
    for pair in range(uint64(first), uint64(last)):
        theirs[free] = theirs[pair]
        surplus[free] = surplus[pair]
        weight[free] = weight[pair]
        ident = ids[uint64(theirs[pair])]
        barred = is_barred(row, ident, tick, kind, barred_kind, barred_target, barred_until)
        free += uint64(not barred)
    return int64(free)


@kernel
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


@inlined
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
) -> None:
    """Write the best of a trader's pairs to its row, best first, those lighter than `least` apart.

    A pair's place is the number of those before it: with few to be ranked, comparing each with
    each asks for no branch that could not be foreseen.
    """
    slots = uint64(candidate_row.shape[1])
    kept = uint64(candidate_surplus.shape[1])
    me = uint64(row)
    for pair in range(uint64(first), uint64(last)):
        if weight[pair] < least:
            continue
        ident = ids[uint64(theirs[pair])]
        place = uint64(0)
        for other in range(uint64(first), uint64(last)):
            lower = ids[uint64(theirs[other])] < ident
            heavier = weight[other] > weight[pair]
            place += uint64(heavier | ((weight[other] == weight[pair]) & lower))
        if place < slots:
            candidate_row[me, place] = rows[uint64(theirs[pair])]
            candidate_weight[me, place] = weight[pair]
            if place < kept:
                candidate_surplus[me, place] = np.float32(surplus[pair])


@kernel
def find_partners(
    start: int,
    stop: int,
    tile_start: I32,
    tiles_x: int,
    tiles_y: int,
    rows: I32,
    ids: I64,
    x: I32,
    y: I32,
    vision: I32,
    grasp: I32,
    rate: F32,
    curvature: F32,
    stock: F32,
    cash: F32,
    beta_power: F64,
    least_gain: float,
    barred_kind: I8,
    barred_target: I64,
    barred_until: I32,
    partner_kind: int,
    tick: int,
    count: I8,
    candidate_row: I32,
    candidate_weight: F32,
    for_money: bool,
    for_goods: bool,
    candidate_surplus: F32,
    period_x: int,
    period_y: int,
) -> None:
    """Write each trader's best partners by discounted total gain, ties by the lower id.

    Both must see each other, and one must be able to walk if they are apart; a discounted gain
    under `least_gain` [M] is none.  `candidate_surplus` gets the gain that is not discounted,
    unless it has no columns.
    """
    slots = candidate_row.shape[1]
    room = int64(PAIRS_AT_ONCE)
    mine = np.empty(room, np.int32)
    theirs = np.empty(room, np.int32)
    apart_by = np.empty(room, np.int32)
    surplus = np.empty(room)
    weight = np.empty(room, np.float32)
    heaviest = np.empty(slots, np.float32)
    ends = np.empty(PAIRS_AT_ONCE, np.int64)
    runs = np.empty((2, 2 * tiles_y + 2), np.int32)
    begin = int64(start)
    while begin < stop:
        pairs = int64(0)
        end = begin
        while end < stop and end - begin < PAIRS_AT_ONCE:
            found, entries = neighbourhood(
                end, tile_start, tiles_x, tiles_y, x, y, vision, period_x, period_y, runs
            )
            if pairs + entries >= room:
                if end > begin:
                    break
                room = 2 * entries
                mine = np.empty(room, np.int32)
                theirs = np.empty(room, np.int32)
                apart_by = np.empty(room, np.int32)
                surplus = np.empty(room)
                weight = np.empty(room, np.float32)
            pairs = pairs_in_sight(
                end, found, runs, x, y, vision, period_x, period_y, pairs, mine, theirs, apart_by
            )
            ends[end - begin] = pairs
            end += 1
        pair_gains(pairs, mine, theirs, rate, curvature, stock, cash, for_money, for_goods, surplus)
        first = int64(0)
        for i in range(begin, end):
            row = int64(rows[i])
            last = worth_it(
                first,
                ends[i - begin],
                first,
                theirs,
                apart_by,
                surplus,
                weight,
                beta_power,
                least_gain,
                grasp,
                int64(grasp[i]),
            )
            if bars_any(row, tick, partner_kind, barred_kind, barred_until):
                last = leave_out(
                    first,
                    last,
                    row,
                    tick,
                    partner_kind,
                    barred_kind,
                    barred_target,
                    barred_until,
                    ids,
                    theirs,
                    surplus,
                    weight,
                )
            least = -1.0
            if last - first > 2 * slots:
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
            )
            count[row] = min(last - first, slots)
            first = ends[i - begin]
        begin = end
