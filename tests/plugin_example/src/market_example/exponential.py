"""Exponential utility, u = sum of w_k (1 - exp(-r x_k)) / r, which is CARA in each good.

Parameters of a row: the weights w, one a good, then the rate r.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ecs_market.kernels.elementary import exp, log
from ecs_market.kernels.jit import kernel
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.types import F64, Bool, float64

NAME = "exponential"
CODE = 32
KINKED = False


def width(bundle: int) -> int:
    """Return how many parameters a row takes."""
    return bundle + 1


def pack(parameters: Mapping[str, Any], bundle: int, money_weight: F64 | None) -> F64:
    """Lay out the parameters of n agents as rows."""
    return np.column_stack([parameters["weights"], parameters["rate"]])


@kernel
def utility(goods: F64, parameters: F64, floor: float) -> float:
    """Return U at `goods` [unit]."""
    n = goods.shape[0]
    total = 0.0
    for k in range(n):
        total += parameters[k] * (1.0 - exp(-parameters[n] * goods[k])) / parameters[n]
    return float64(total)


@kernel
def marginal(goods: F64, parameters: F64, floor: float, k: int) -> float:
    """Return dU/dx_k."""
    return float64(parameters[k] * exp(-parameters[goods.shape[0]] * goods[k]))


@kernel
def hessian(goods: F64, parameters: F64, floor: float, k: int, m: int) -> float:
    """Return d2U/dx_k dx_m."""
    if k != m:
        return 0.0
    rate = parameters[goods.shape[0]]
    return float64(-rate * parameters[k] * exp(-rate * goods[k]))


@kernel
def indifference_price(
    parameters: F64, money_weight: float, mode: int, numeraire: int, k: int
) -> float:
    """Return 0: no good is worth exactly its money whatever the quantity."""
    return 0.0


@kernel
def demand(
    price: F64,
    traded: Bool,
    goods: F64,
    wealth: float,
    parameters: F64,
    money_weight: float,
    mode: int,
    numeraire: int,
    floor: float,
    smoothing: float,
    low: F64,
    high: F64,
) -> None:
    """Write optimal holdings at `price` with `wealth` to spend; `low` and `high` agree.

    A good is bought until its marginal utility a unit of money is down to that of money, or, if
    the wealth runs out before, to a common level. Goods that are worth less from the start are
    left; which these are is found by leaving out one after the other.
    """
    n = goods.shape[0]
    rate = parameters[n]
    level: Any = -1e300
    if mode == QUASILINEAR:
        level = log(money_weight)
    for _ in range(n):
        value = 0.0
        cost = 0.0
        for k in range(n):
            if traded[k] and parameters[k] > 0.0:
                worth = log(parameters[k] / price[k])
                if worth > level:
                    value += price[k] * worth
                    cost += price[k]
        if cost <= 0.0 or (value - cost * level) <= rate * wealth:
            break
        level = (value - rate * wealth) / cost
    for k in range(n):
        low[k] = goods[k]
        if traded[k]:
            low[k] = 0.0
            if parameters[k] > 0.0:
                low[k] = max(0.0, log(parameters[k] / price[k]) - level) / rate
        high[k] = low[k]
