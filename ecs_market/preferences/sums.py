"""The sum of demand where nobody charges a fee: the loop that a search for prices runs most.

It is `template.sum_demand` with less to hand over for each member; `demand` stands for whichever
family it is copied for.
"""

from __future__ import annotations

import numpy as np

from ecs_market.preferences.linear import demand
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.types import F64, I32, I64, Bool, int64


def sum_demand(
    start: int,
    stop: int,
    family: int,  # noqa: ARG001  # it takes the arguments of `template.sum_demand`
    segment_post: I32,
    segment_start: I64,
    segment_stop: I64,
    active: Bool,
    price: F64,
    commodities: Bool,
    numeraire: I32,
    fee_rate: F64,  # noqa: ARG001  # as above
    fee_unit: F64,  # noqa: ARG001  # as above
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
