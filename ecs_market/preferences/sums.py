"""Demand at posts where nobody charges a fee: the loops that clearing spends most time in.

They do what `sum_demand` and `write_demand` of `template` do, a block of members at a time where
the family has `demands`.  `demand`, `demands`, `TOGETHER` and `want_block` stand for those of
whichever family they are copied for.
"""

from __future__ import annotations

import numpy as np

from ecs_market.preferences.blocks import BLOCK, Block, add_block, load_rows, new_block
from ecs_market.preferences.blocks import no_demands as demands
from ecs_market.preferences.linear import demand
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.types import F64, I32, I64, Bool, int64

# Whether the family has `demands`.
TOGETHER = False


def want_block(
    first: int,
    count: int,
    at: F64,
    traded: Bool,
    goods: F64,
    money: F64,
    parameters: F64,
    money_weight: F64,
    mode: int,
    numeraire: int,
    floor: float,
    smoothing: float,
    block: Block,
) -> bool:
    """Write what each of `count` members from `first` on holds and wants at the prices `at`.

    Returns whether what each wants is a point: then `high` is not written.
    """
    n = goods.shape[1]
    held, low, wealth, worth = block.held, block.low, block.wealth, block.worth
    load_rows(goods, first, count, held)
    for j in range(count):
        wealth[j] = money[first + j] if mode == QUASILINEAR else 0.0
        worth[j] = money_weight[first + j]
    for k in range(n):
        if traded[k]:
            for j in range(count):
                wealth[j] += at[k] * held[k, j]
    if TOGETHER:
        load_rows(parameters, first, count, block.own)
        for k in range(n):
            for j in range(count):
                block.price[k, j] = at[k]
        if demands(
            count, block.price, traded, held, wealth, block.own, worth, mode, low, block.work
        ):
            return True
    one_held, one_low, one_high, one_own = (
        block.one_held,
        block.one_low,
        block.one_high,
        block.one_own,
    )
    for j in range(count):
        for k in range(n):
            one_held[k] = held[k, j]
        for k in range(one_own.shape[0]):
            one_own[k] = parameters[first + j, k]
        demand(
            at,
            traded,
            one_held,
            wealth[j],
            one_own,
            worth[j],
            mode,
            numeraire,
            floor,
            smoothing,
            one_low,
            one_high,
        )
        for k in range(n):
            low[k, j] = one_low[k]
            block.high[k, j] = one_high[k]
    return False


def sum_demand(
    start: int,
    stop: int,
    family: int,
    segment_post: I32,
    segment_start: I64,
    segment_stop: I64,
    active: Bool,
    price: F64,
    commodities: Bool,
    numeraire: I32,
    fee_rate: F64,
    fee_unit: F64,
    shading: F64,
    goods: F64,
    money: F64,
    parameters: F64,
    money_weight: F64,
    mode: int,
    floor: float,
    smoothing: float,
    low_sum: F64,
    high_sum: F64,
    bought: F64,
    sold: F64,
) -> None:
    """Add up the demand of each segment of members at its post's price."""
    n = goods.shape[1]
    block = new_block(n, parameters.shape[1])
    at = np.empty(n)
    traded = np.empty(n, np.bool_)
    total = np.empty((4, n))
    for segment in range(start, stop):
        post = segment_post[segment]
        if not active[post]:
            continue
        for k in range(n):
            at[k] = price[post, k]
            traded[k] = commodities[post, k]
            for each in range(4):
                total[each, k] = 0.0
        part = 1.0 - shading[post]
        for first in range(segment_start[segment], segment_stop[segment], BLOCK):
            count = min(BLOCK, segment_stop[segment] - first)
            same = want_block(
                first,
                count,
                at,
                traded,
                goods,
                money,
                parameters,
                money_weight,
                mode,
                int64(numeraire[post]),
                floor,
                smoothing,
                block,
            )
            add_block(count, block, same, total)
        for k in range(n):
            # Members show the share `part` of each wish, so that sums shrink towards holdings.
            low_sum[segment, k] = total[0, k]
            high_sum[segment, k] = total[1, k]
            bought[segment, k] = part * total[2, k]
            sold[segment, k] = part * total[3, k]
        if part < 1.0:
            for k in range(n):
                owned = 0.0
                for member in range(segment_start[segment], segment_stop[segment]):
                    owned += goods[member, k]
                low_sum[segment, k] = owned + part * (low_sum[segment, k] - owned)
                high_sum[segment, k] = owned + part * (high_sum[segment, k] - owned)


def write_demand(
    start: int,
    stop: int,
    family: int,
    segment_post: I32,
    segment_start: I64,
    segment_stop: I64,
    active: Bool,
    price: F64,
    pinned_price: F64,
    commodities: Bool,
    numeraire: I32,
    fee_rate: F64,
    fee_unit: F64,
    shading: F64,
    goods: F64,
    money: F64,
    parameters: F64,
    money_weight: F64,
    mode: int,
    floor: float,
    desired: F64,
    marginal_member: Bool,
) -> None:
    """Write each member's desired holdings at `price`, and whether it is indifferent.

    `pinned_price` is the unrounded price: where a member's demand there is a set, the member is
    marginal in that good, and what it trades is for the clearing to say.  A member that rounding
    makes indifferent keeps to what it wanted before.
    """
    n = goods.shape[1]
    block = new_block(n, parameters.shape[1])
    at = np.empty(n)
    traded = np.empty(n, np.bool_)
    settled = np.empty(BLOCK, np.bool_)
    held, low = block.held, block.low
    for segment in range(start, stop):
        post = segment_post[segment]
        if not active[post]:
            continue
        attempts = 1
        for k in range(n):
            traded[k] = commodities[post, k]
            if price[post, k] != pinned_price[post, k]:
                attempts = 2
        part = 1.0 - shading[post]
        for first in range(segment_start[segment], segment_stop[segment], BLOCK):
            count = min(BLOCK, segment_stop[segment] - first)
            for attempt in range(attempts):
                for k in range(n):
                    at[k] = pinned_price[post, k] if attempt == 0 else price[post, k]
                same = want_block(
                    first,
                    count,
                    at,
                    traded,
                    goods,
                    money,
                    parameters,
                    money_weight,
                    mode,
                    int64(numeraire[post]),
                    floor,
                    0.0,
                    block,
                )
                high = low if same else block.high
                if attempt == 0:
                    for j in range(count):
                        settled[j] = False
                for k in range(n):
                    for j in range(count):
                        own = held[k, j]
                        least = own + part * (low[k, j] - own) if part < 1.0 else low[k, j]
                        most = own + part * (high[k, j] - own) if part < 1.0 else high[k, j]
                        if attempt == 0:
                            indifferent = least < most
                            marginal_member[first + j, k] = indifferent
                            settled[j] = settled[j] or indifferent
                            desired[first + j, k] = own if indifferent else least
                        elif not settled[j]:
                            before = desired[first + j, k]
                            desired[first + j, k] = min(max(before, least), most)
