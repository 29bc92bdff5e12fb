"""Whom to trade with: the second-order gain of a pair, and each trader's best candidates."""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.jit import kernel
from ecs_market.kernels.spatial import apart, tile_spans
from ecs_market.types import F32, F64, I8, I32, I64, float64, int64

# Keeps a division defined where demand is perfectly elastic or a good is worthless to both.
TINY = 1e-30


@kernel
def barter_gain(i: int, j: int, k: int, unit: int, rate: F32, curvature: F32, stock: F32) -> float:
    """Return the total gain [M] of the best trade of good `k` for good `unit`, 0 if none pays.

    What pays must be worth something to both, and each gives at most what it has.  With rates of
    exchange r = m_k / m_unit the price is the midpoint p.  The gain of q units is, to second
    order, |r_i - r_j| q (m_unit,i + m_unit,j) / 2 - (b_i + b_j) q^2 / 2 with b = b_k + p^2 b_unit:
    how much of one good bends the rate of the other is left out.
    """
    unit_i = float64(rate[i, unit])
    unit_j = float64(rate[j, unit])
    if unit_i <= 0.0 or unit_j <= 0.0:
        return 0.0
    rate_i = float64(rate[i, k]) / unit_i
    rate_j = float64(rate[j, k]) / unit_j
    buyer = i
    seller = j
    if rate_j > rate_i:
        buyer = j
        seller = i
    price = 0.5 * (rate_i + rate_j)
    gap = 0.5 * (unit_i + unit_j) * abs(rate_i - rate_j)
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
    best_id = np.empty(slots, np.int64)
    best_entry = np.empty(slots, np.int64)
    best_weight = np.empty(slots, np.float32)
    best_surplus = np.empty(slots, np.float32)
    for i in range(start, stop):
        row = rows[i]
        found = 0
        xi = int64(x[i])
        yi = int64(y[i])
        sight = int64(vision[i])
        left, right, left_2, right_2 = tile_spans(xi, sight, tiles_x, period_x)
        top, bottom, top_2, bottom_2 = tile_spans(yi, sight, tiles_y, period_y)
        upper = bottom - top + 1
        two = 0 if right_2 < left_2 else 1
        bars = False
        for slot in range(barred_kind.shape[1]):
            if barred_until[row, slot] > tick and barred_kind[row, slot] == partner_kind:
                bars = True
        for part in range((upper + bottom_2 - top_2 + 1) << two):
            tile_y = part >> two
            tile_y = top + tile_y if tile_y < upper else top_2 + tile_y - upper
            second = part & two == 1
            first = tile_start[tile_y * tiles_x + (left_2 if second else left)]
            last = tile_start[tile_y * tiles_x + (right_2 if second else right) + 1]
            for j in range(first, last):
                distance = apart(xi, int64(x[j]), period_x)
                distance += apart(yi, int64(y[j]), period_y)
                if distance > sight or distance > vision[j] or j == i:
                    continue
                if grasp[i] >= 0 and grasp[j] >= 0 and distance > min(grasp[i], grasp[j]):
                    continue
                surplus = 0.0
                if for_money:
                    surplus = money_gain(i, j, rate, curvature, stock, cash)
                if for_goods:
                    surplus = max(surplus, goods_gain(i, j, rate, curvature, stock))
                gain = surplus * beta_power[distance]
                if gain < least_gain:
                    continue
                weight = np.float32(gain)
                ident = ids[j]
                if bars:
                    barred = False
                    for slot in range(barred_kind.shape[1]):
                        if (
                            barred_until[row, slot] > tick
                            and barred_kind[row, slot] == partner_kind
                            and barred_target[row, slot] == ident
                        ):
                            barred = True
                    if barred:
                        continue
                place = found
                while place > 0 and (
                    best_weight[place - 1] < weight
                    or (best_weight[place - 1] == weight and best_id[place - 1] > ident)
                ):
                    place -= 1
                if place == slots:
                    continue
                if found < slots:
                    found += 1
                for slot in range(found - 1, place, -1):
                    best_weight[slot] = best_weight[slot - 1]
                    best_id[slot] = best_id[slot - 1]
                    best_entry[slot] = best_entry[slot - 1]
                    best_surplus[slot] = best_surplus[slot - 1]
                best_weight[place] = weight
                best_id[place] = ident
                best_entry[place] = j
                best_surplus[place] = np.float32(surplus)
        count[row] = found
        for slot in range(found):
            candidate_row[row, slot] = rows[best_entry[slot]]
            candidate_weight[row, slot] = best_weight[slot]
            if slot < candidate_surplus.shape[1]:
                candidate_surplus[row, slot] = best_surplus[slot]
