"""Demand at posts where nobody charges a fee: the loops that clearing spends most time in.

They do what `sum_demand` and `write_demand` of `template` do, with less to hand over for each
member; `demand` stands for whichever family they are copied for.
"""

from __future__ import annotations

import numpy as np

from ecs_market.preferences.linear import demand
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.types import F64, I32, I64, Bool, int64


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
    width = parameters.shape[1]
    # Rows are copied: taking a view of one counts its references, for which threads would wait.
    held = np.empty(n)
    own = np.empty(width)
    low = np.empty(n)
    high = np.empty(n)
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
        counted = int64(numeraire[post])
        for member in range(segment_start[segment], segment_stop[segment]):
            wealth = money[member] if mode == QUASILINEAR else 0.0
            for k in range(n):
                held[k] = goods[member, k]
                if traded[k]:
                    wealth += at[k] * held[k]
            for k in range(width):
                own[k] = parameters[member, k]
            demand(
                at,
                traded,
                held,
                wealth,
                own,
                money_weight[member],
                mode,
                counted,
                floor,
                smoothing,
                low,
                high,
            )
            for k in range(n):
                # Of the box the end nearer to what is held: what it surely buys or sells.
                total[0, k] += low[k]
                total[1, k] += high[k]
                total[2, k] += max(0.0, low[k] - held[k])
                total[3, k] += max(0.0, held[k] - high[k])
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
    width = parameters.shape[1]
    held = np.empty(n)
    own = np.empty(width)
    low = np.empty(n)
    high = np.empty(n)
    at = np.empty(n)
    traded = np.empty(n, np.bool_)
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
        counted = int64(numeraire[post])
        for member in range(segment_start[segment], segment_stop[segment]):
            for k in range(n):
                held[k] = goods[member, k]
            for k in range(width):
                own[k] = parameters[member, k]
            any_marginal = False
            for attempt in range(attempts):
                if any_marginal:
                    break
                wealth = money[member] if mode == QUASILINEAR else 0.0
                for k in range(n):
                    at[k] = pinned_price[post, k] if attempt == 0 else price[post, k]
                    if traded[k]:
                        wealth += at[k] * held[k]
                demand(
                    at,
                    traded,
                    held,
                    wealth,
                    own,
                    money_weight[member],
                    mode,
                    counted,
                    floor,
                    0.0,
                    low,
                    high,
                )
                for k in range(n):
                    least = held[k] + part * (low[k] - held[k]) if part < 1.0 else low[k]
                    most = held[k] + part * (high[k] - held[k]) if part < 1.0 else high[k]
                    if attempt == 1:
                        desired[member, k] = min(max(desired[member, k], least), most)
                        continue
                    desired[member, k] = least
                    marginal_member[member, k] = least < most
                    if least < most:
                        any_marginal = True
                        desired[member, k] = held[k]
