"""The loops over the members of posts that every family needs, written once.

The names imported here from `chain` and `holdings` are bound to one family's functions by
`families.loops`.  A bundle holds K goods [unit]; where money is a good like the others it is one
longer, money last.
"""

from __future__ import annotations

import numpy as np

from ecs_market.preferences.chain import last_indifference_at as indifference_at
from ecs_market.preferences.chain import last_indifference_count as indifference_count
from ecs_market.preferences.holdings import wanted
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
    """Add up the demand of each segment of members at its post's price.

    A segment is a run of at most 4,096 members of one family at one post, so that the order of
    floating point additions is the same whatever the number of threads.
    """
    n = goods.shape[1]
    low = np.empty(n)
    high = np.empty(n)
    work = np.empty((3, n))
    mask = np.empty(n, np.bool_)
    # Rows are copied: taking a view of one counts its references, for which threads would wait.
    bundle = np.empty(n)
    own = np.empty(parameters.shape[1])
    for segment in range(start, stop):
        post = segment_post[segment]
        if not active[post]:
            continue
        for k in range(n):
            low_sum[segment, k] = 0.0
            high_sum[segment, k] = 0.0
            bought[segment, k] = 0.0
            sold[segment, k] = 0.0
        part = 1.0 - shading[post]
        at = price[post]
        traded = commodities[post]
        for member in range(segment_start[segment], segment_stop[segment]):
            for k in range(n):
                bundle[k] = goods[member, k]
            for k in range(own.shape[0]):
                own[k] = parameters[member, k]
            wanted(
                family,
                at,
                fee_rate[post],
                fee_unit[post],
                traded,
                bundle,
                money[member],
                own,
                money_weight[member],
                mode,
                int64(numeraire[post]),
                floor,
                smoothing,
                work,
                mask,
                low,
                high,
            )
            for k in range(n):
                held = bundle[k]
                if part < 1.0:
                    low[k] = held + part * (low[k] - held)
                    high[k] = held + part * (high[k] - held)
                low_sum[segment, k] += low[k]
                high_sum[segment, k] += high[k]
                if low[k] > held:
                    bought[segment, k] += low[k] - held
                elif high[k] < held:
                    sold[segment, k] += held - high[k]


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
    low = np.empty(n)
    high = np.empty(n)
    work = np.empty((3, n))
    mask = np.empty(n, np.bool_)
    # Rows are copied: taking a view of one counts its references, for which threads would wait.
    bundle = np.empty(n)
    own = np.empty(parameters.shape[1])
    for segment in range(start, stop):
        post = segment_post[segment]
        if not active[post]:
            continue
        part = 1.0 - shading[post]
        traded = commodities[post]
        at = price[post]
        pinned = pinned_price[post]
        for member in range(segment_start[segment], segment_stop[segment]):
            for k in range(n):
                bundle[k] = goods[member, k]
            for k in range(own.shape[0]):
                own[k] = parameters[member, k]
            any_marginal = False
            for attempt in range(2):
                if attempt == 1 and any_marginal:
                    break
                wanted(
                    family,
                    pinned if attempt == 0 else at,
                    fee_rate[post],
                    fee_unit[post],
                    traded,
                    bundle,
                    money[member],
                    own,
                    money_weight[member],
                    mode,
                    int64(numeraire[post]),
                    floor,
                    0.0,
                    work,
                    mask,
                    low,
                    high,
                )
                for k in range(n):
                    held = bundle[k]
                    if part < 1.0:
                        low[k] = held + part * (low[k] - held)
                        high[k] = held + part * (high[k] - held)
                    if attempt == 1:
                        desired[member, k] = min(max(desired[member, k], low[k]), high[k])
                        continue
                    desired[member, k] = low[k]
                    marginal_member[member, k] = low[k] < high[k]
                    if low[k] < high[k]:
                        any_marginal = True
                        desired[member, k] = held


def nearest_kink(
    start: int,
    stop: int,
    family: int,
    segment_post: I32,
    segment_start: I64,
    segment_stop: I64,
    wanted_good: Bool,
    lower: F64,
    upper: F64,
    fee_rate: F64,
    fee_unit: F64,
    parameters: F64,
    money_weight: F64,
    mode: int,
    numeraire: I32,
    nearest: F64,
) -> None:
    """Write, for each segment and wanted good, the kink of demand nearest mid-bracket.

    Demand jumps at an agent's indifference prices; with fees, where they are what a buyer pays and
    where they are what a seller gets.  Only prices strictly between `lower` and `upper`
    (posts, bundle) count; 0 where there is none.
    """
    n = lower.shape[1]
    for segment in range(start, stop):
        post = segment_post[segment]
        sides = 2 if fee_rate[post] > 0.0 or fee_unit[post] > 0.0 else 1
        for k in range(n):
            nearest[segment, k] = 0.0
            if not wanted_good[post, k]:
                continue
            middle = 0.5 * (lower[post, k] + upper[post, k])
            for member in range(segment_start[segment], segment_stop[segment]):
                own = parameters[member]
                weight = money_weight[member]
                for index in range(indifference_count(family, own, k)):
                    value = indifference_at(
                        family, own, weight, mode, int64(numeraire[post]), k, index
                    )
                    for side in range(sides):
                        price = value
                        if sides == 2 and side == 0:
                            price = (value - fee_unit[post]) / (1.0 + fee_rate[post])
                        elif sides == 2:
                            price = (value + fee_unit[post]) / (1.0 - fee_rate[post])
                        if price <= lower[post, k] or price >= upper[post, k]:
                            continue
                        found = nearest[segment, k]
                        gap = abs(price - middle)
                        if (
                            found == 0.0
                            or gap < abs(found - middle)
                            or (gap == abs(found - middle) and price < found)
                        ):
                            nearest[segment, k] = price
