"""Resource patches: what has grown back, which one is worth the way, and who harvests it."""

from __future__ import annotations

from ecs_market.kernels.jit import helper, inlined, kernel
from ecs_market.kernels.lanes import LANE_COUNT, LANES, LANES_OF, lanes_within
from ecs_market.kernels.pursuit import leaves_alone
from ecs_market.kernels.spatial import TILE_SHIFT, apart, tile_spans
from ecs_market.types import F32, F64, I8, I32, I64, Bool, float64, int64, uint64


@helper
def amount_now(
    amount: int, touched: int, tick: int, rate: int, cooldown: int, max_amount: int
) -> int:
    """Return what lies on a patch at the start of `tick` [lot].

    A harvested patch grows by `rate` at the end of every tick that follows the cooldown.
    """
    if touched < 0 or rate <= 0 or amount >= max_amount:
        return amount
    grown = tick - 1 - touched - cooldown
    if grown <= 0:
        return amount
    if grown > (max_amount - amount) // rate:
        return max_amount
    return amount + rate * grown


@inlined
def patches_within(
    begin: int,
    end: int,
    x: int,
    y: int,
    sight: int,
    patch_x: I32,
    patch_y: I32,
    period_x: int,
    period_y: int,
) -> int:
    """Return which of the first `LANES` patches from `begin` to `end` are in sight, as bits."""
    first = uint64(begin)
    if first + uint64(LANES) <= uint64(patch_x.shape[0]):
        return lanes_within(
            patch_x, patch_y, first, uint64(end), x, y, uint64(sight), period_x, period_y
        )
    seen = uint64(0)
    bit = uint64(1)
    for place in range(first, uint64(end)):
        far = apart(x, int64(patch_x[place]), period_x) + apart(y, int64(patch_y[place]), period_y)
        if far <= sight:
            seen |= bit
        bit <<= uint64(1)
    return seen


@kernel
def find_patches(
    start: int,
    stop: int,
    x: I32,
    y: I32,
    vision: I32,
    budget: I32,
    rate: F32,
    tile_start: I32,
    tiles_x: int,
    tiles_y: int,
    patch_x: I32,
    patch_y: I32,
    good: I8,
    amount: I64,
    touched: I32,
    growth: int,
    cooldown: int,
    max_amount: int,
    lot_size: float,
    beta_power: F64,
    min_value: float,
    intent_kind: I8,
    intent_target: I32,
    intent_since: I32,
    barred_kind: I8,
    barred_target: I32,
    barred_until: I32,
    resource_kind: int,
    tick: int,
    best_patch: I32,
    best_value: F32,
    wanders: bool,
    period_x: int,
    period_y: int,
) -> None:
    """Write each agent's best patch and its discounted value [M].

    A patch is worth its whole amount at the agent's marginal rate.  Who cannot walk, or wanders
    without looking, finds only the patch it stands on.  Ties go to the patch pursued already, then
    the lower number.
    """
    for row in range(uint64(start), uint64(stop)):
        chosen = int64(-1)
        value_chosen = 0.0
        kept = int64(-1)
        if intent_kind[row] == resource_kind and intent_since[row] >= 0:
            kept = intent_target[row]
        xi = int64(x[row])
        yi = int64(y[row])
        sight = int64(vision[row]) if budget[row] > 0 and not wanders else 0
        left, right, left_2, right_2 = tile_spans(xi, sight, tiles_x, period_x, TILE_SHIFT)
        top, bottom, top_2, bottom_2 = tile_spans(yi, sight, tiles_y, period_y, TILE_SHIFT)
        upper = bottom - top + 1
        two = 0 if right_2 < left_2 else 1
        for part in range((upper + bottom_2 - top_2 + 1) << two):
            tile_y = part >> two
            tile_y = top + tile_y if tile_y < upper else top_2 + tile_y - upper
            second = part & two == 1
            first = uint64(tile_y * tiles_x + (left_2 if second else left))
            last = uint64(tile_y * tiles_x + (right_2 if second else right) + 1)
            place = uint64(tile_start[first])
            end = uint64(tile_start[last])
            # Once at least: whether there is a patch at all could not be foreseen.
            while True:
                seen = patches_within(
                    place, end, xi, yi, sight, patch_x, patch_y, period_x, period_y
                )
                for each in range(uint64(LANE_COUNT[seen])):
                    patch = place + uint64(LANES_OF[seen, each])
                    distance = apart(xi, int64(patch_x[patch]), period_x)
                    distance += apart(yi, int64(patch_y[patch]), period_y)
                    lots = amount_now(
                        amount[patch], int64(touched[patch]), tick, growth, cooldown, max_amount
                    )
                    worth = float64(rate[row, uint64(good[patch])]) * (float64(lots) * lot_size)
                    value = worth * beta_power[uint64(distance)]
                    if value < min_value:
                        continue
                    better = value > value_chosen
                    if value == value_chosen and chosen != kept:
                        better = int64(patch) == kept or int64(patch) < chosen
                    if better and not leaves_alone(
                        row,
                        int64(patch),
                        tick,
                        resource_kind,
                        barred_kind,
                        barred_target,
                        barred_until,
                    ):
                        chosen = int64(patch)
                        value_chosen = value
                place += uint64(LANES)
                if place >= end:
                    break
        best_patch[row] = chosen
        best_value[row] = value_chosen


@kernel
def harvest(
    rows: I64,
    target: I32,
    forage_rate: I64,
    good: I8,
    amount: I64,
    touched: I32,
    growth: int,
    cooldown: int,
    max_amount: int,
    tick: int,
    goods: I64,
    filled: Bool,
    harvested: I64,
) -> None:
    """Let the agents of `rows`, in that order, take from the patches they stand on."""
    for position in range(rows.shape[0]):
        row = rows[position]
        patch = target[row]
        lots = amount[patch]
        if touched[patch] != tick:
            lots = amount_now(
                amount[patch], int64(touched[patch]), tick, growth, cooldown, max_amount
            )
        taken = min(forage_rate[row], lots)
        if taken <= 0:
            continue
        amount[patch] = lots - taken
        touched[patch] = tick
        goods[row, good[patch]] += taken
        harvested[good[patch]] += taken
        filled[row] = True
