"""What a unit more of each good is worth to each agent, looked up once a tick.

The names imported here from `chain` are bound, for `families.search`, to a dispatch over all
families in use.

A bundle holds K goods [unit]; where money is a good like the others it is one longer, money last.
"""

from __future__ import annotations

import numpy as np

from ecs_market.preferences.chain import last_hessian as hessian
from ecs_market.preferences.chain import last_slopes as slopes
from ecs_market.preferences.modes import IN_UTILITY, QUASILINEAR, UNIT_OF_ACCOUNT
from ecs_market.types import F32, F64, I8, I64, float64, int64


def appraise_rows(
    start: int,
    stop: int,
    family: I8,
    inventory: I64,
    cash: I64,
    parameters: F64,
    money_weight: F64,
    mode: int,
    lot_size: float,
    minor_size: float,
    rate: F32,
    curvature: F32,
    goods: F64,
    rates: F64,
    bends: F64,
) -> None:
    """Do what `appraise` does; the last three are room for a bundle each."""
    goods_count = inventory.shape[1]
    n = goods.shape[0]
    last = n - 1
    floor = 0.5 * lot_size
    for row in range(start, stop):
        code = int64(family[row])
        for k in range(goods_count):
            goods[k] = float64(inventory[row, k]) * lot_size
        if mode == IN_UTILITY:
            goods[last] = float64(cash[row]) * minor_size
        own = parameters[row]
        for k in range(n):
            rates[k], bends[k] = slopes(code, goods, own, floor, k)
        paid = mode != QUASILINEAR
        worth = rates[last] if paid else money_weight[row]
        if worth <= 0.0:
            worth = 1.0
            paid = False
        for k in range(goods_count):
            m = rates[k] / worth
            bend = bends[k]
            # Along the trade good k changes by 1 and the last one by -m.
            if paid:
                bend += m * m * bends[last]
                bend += -2.0 * m * hessian(code, goods, own, floor, k, last)
            if mode == UNIT_OF_ACCOUNT and k == last:
                m = 1.0 if paid else 0.0
                bend = 0.0
            rate[row, k] = np.float32(max(0.0, m))
            curvature[row, k] = np.float32(max(0.0, -bend / worth))


def appraise(
    start: int,
    stop: int,
    family: I8,
    inventory: I64,
    cash: I64,
    parameters: F64,
    money_weight: F64,
    mode: int,
    lot_size: float,
    minor_size: float,
    rate: F32,
    curvature: F32,
) -> None:
    """Write what a unit more is worth to each agent [M / unit], and how fast that falls.

    `curvature` is minus the slope of the marginal rate along a trade against money, or against the
    numeraire (the last good) when money is a unit of account.  Where the numeraire is worth nothing
    both are in units of utility, and its own rate is 0.  Goods that an agent would rather not have
    are worth 0.
    """
    n = inventory.shape[1] + (1 if mode == IN_UTILITY else 0)
    appraise_rows(
        start,
        stop,
        family,
        inventory,
        cash,
        parameters,
        money_weight,
        mode,
        lot_size,
        minor_size,
        rate,
        curvature,
        np.empty(n),
        np.empty(n),
        np.empty(n),
    )
