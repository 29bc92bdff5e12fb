"""Whom to trade with: the second-order gain of a pair, and each trader's best candidates."""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.jit import kernel
from ecs_market.kernels.spatial import TILE_SHIFT
from ecs_market.types import F32, F64, I8, I32, I64, float64, int64

# Keeps a division defined where demand is perfectly elastic or a good is worthless to both.
TINY = 1e-30


@kernel
def pair_gain(i: int, j: int, rate: F32, curvature: F32, stock: F32, cash: F32) -> float:
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
) -> None:
    """Write each trader's best partners by discounted total gain, ties by the lower id.

    Both must see each other, and one must be able to walk if they are apart; a discounted gain
    under `least_gain` [M] is none.
    """
    slots = candidate_row.shape[1]
    best_id = np.empty(slots, np.int64)
    best_row = np.empty(slots, np.int32)
    best_weight = np.empty(slots, np.float32)
    for i in range(start, stop):
        row = rows[i]
        found = 0
        xi = int64(x[i])
        yi = int64(y[i])
        sight = int64(vision[i])
        left = max(0, xi - sight) >> TILE_SHIFT
        right = min(tiles_x - 1, (xi + sight) >> TILE_SHIFT)
        top = max(0, yi - sight) >> TILE_SHIFT
        bottom = min(tiles_y - 1, (yi + sight) >> TILE_SHIFT)
        bars = False
        for slot in range(barred_kind.shape[1]):
            if barred_until[row, slot] > tick and barred_kind[row, slot] == partner_kind:
                bars = True
        for tile_y in range(top, bottom + 1):
            first = tile_start[tile_y * tiles_x + left]
            last = tile_start[tile_y * tiles_x + right + 1]
            for j in range(first, last):
                distance = abs(xi - int64(x[j])) + abs(yi - int64(y[j]))
                if distance > sight or distance > vision[j] or j == i:
                    continue
                if grasp[i] >= 0 and grasp[j] >= 0 and distance > min(grasp[i], grasp[j]):
                    continue
                gain = pair_gain(i, j, rate, curvature, stock, cash) * beta_power[distance]
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
                    best_row[slot] = best_row[slot - 1]
                best_weight[place] = weight
                best_id[place] = ident
                best_row[place] = rows[j]
        count[row] = found
        for slot in range(found):
            candidate_row[row, slot] = best_row[slot]
            candidate_weight[row, slot] = best_weight[slot]
