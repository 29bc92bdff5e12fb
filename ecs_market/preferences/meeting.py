"""What each agent would gain at a post where all met; bound to the families in use."""

from __future__ import annotations

import numpy as np

from ecs_market.preferences.chain import last_demand as demand
from ecs_market.preferences.chain import last_utility as utility
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.types import F64, I8, I64, Bool, float64, int64


def own_gains(
    start: int,
    stop: int,
    family: I8,
    inventory: I64,
    cash: I64,
    parameters: F64,
    money_weight: F64,
    lot_size: float,
    minor_size: float,
    price: F64,
    traded: Bool,
    gain: F64,
    left: F64,
) -> None:
    """Write what each agent gains by its best trade at `price` (K,), and the money left [M].

    Money is quasi-linear.  Where the best bundles are many, the nearest to what the agent owns
    counts.
    """
    n = inventory.shape[1]
    goods = np.empty(n)
    low = np.empty(n)
    high = np.empty(n)
    floor = 0.5 * lot_size
    for row in range(start, stop):
        code = int64(family[row])
        own = parameters[row]
        weight = money_weight[row]
        money = float64(cash[row]) * minor_size
        wealth = money
        for k in range(n):
            goods[k] = float64(inventory[row, k]) * lot_size
            if traded[k]:
                wealth += price[k] * goods[k]
        demand(
            code, price, traded, goods, wealth, own, weight, QUASILINEAR, -1, floor, 0.0, low, high
        )
        cost = 0.0
        for k in range(n):
            low[k] = min(max(goods[k], low[k]), high[k])
            cost += price[k] * (low[k] - goods[k])
        more = utility(code, low, own, floor) - utility(code, goods, own, floor)
        gain[row] = 0.0
        left[row] = money - cost
        # Keeping what it owns is a choice too: less than that is float noise.
        if weight > 0.0:
            gain[row] = max(0.0, more / weight - cost)
