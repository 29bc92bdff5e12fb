"""A limit order as a preference: up to `cap` units are worth `limit` each, more is worth nothing.

Parameters of a row: the limits, one a good, then the caps, one a good.  A buyer starts with none of
the good and money for its whole order, a seller with its quantity; both then act on the limit as
an agent with that utility does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ecs_market.kernels.jit import borrowing
from ecs_market.types import F64, Bool, float64

NAME = "limit_order"
CODE = 100
KINKED = True
# Goods count apart, each in steps of a bounded quantity.
STEPPED = True


def width(bundle: int) -> int:
    """Return how many parameters a row takes."""
    return 2 * bundle


def pack(parameters: Mapping[str, Any], bundle: int, money_weight: F64 | None) -> F64:
    """Lay out the limits and caps of n orders as rows, (n, width)."""
    return np.column_stack([parameters["limits"], parameters["caps"]])


@borrowing
def utility(goods: F64, parameters: F64, floor: float) -> float:
    """Return U at `goods` [unit]."""
    n = goods.shape[0]
    total = 0.0
    for k in range(n):
        total += parameters[k] * min(goods[k], parameters[n + k])
    return total


@borrowing
def marginal(goods: F64, parameters: F64, floor: float, k: int) -> float:
    """Return the limit: what the next lot is worth, or the last one when the cap is reached."""
    return float64(parameters[k])


@borrowing
def hessian(goods: F64, parameters: F64, floor: float, k: int, m: int) -> float:
    """Return d2U/dx_k dx_m."""
    return 0.0


@borrowing
def indifference_price(
    parameters: F64, money_weight: float, mode: int, numeraire: int, k: int
) -> float:
    """Return the limit."""
    return float64(parameters[k] / money_weight)


@borrowing
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
    """Write the box of optimal holdings: all, none, or anything at the limit itself."""
    n = goods.shape[0]
    for k in range(n):
        low[k] = goods[k]
        high[k] = goods[k]
        cap = parameters[n + k]
        if not traded[k] or cap <= 0.0:
            continue
        limit = parameters[k] / money_weight
        most = min(cap, wealth / price[k])
        if limit > price[k]:
            low[k] = most
            high[k] = most
        elif limit < price[k]:
            low[k] = 0.0
            high[k] = 0.0
        else:
            low[k] = 0.0
            high[k] = most
