"""Quadratic utility of two goods around a bliss point b.

U = -((x_0 - b_0) / sigma_0)^2 - ((x_1 - b_1) / sigma_1)^2 - gamma (x_0 - b_0) (x_1 - b_1), which is
strictly concave for |gamma| < 2 / (sigma_0 sigma_1).  Parameters of a row: b_0, b_1, minus the
second derivatives h_00 and h_11, and gamma, which is h_01.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ecs_market.kernels.jit import absorbed, borrowing
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.preferences.shapes import CONVEX, SEPARABLE
from ecs_market.types import F64, Bool, float64

NAME = "quadratic"
CODE = 4
KINKED = False


def width(bundle: int) -> int:
    """Return how many parameters a row takes."""
    return 5


def pack(parameters: Mapping[str, Any], bundle: int, money_weight: F64 | None) -> F64:
    """Lay out the parameters of n agents as rows, (n, width)."""
    sigma = np.asarray(parameters["sigma"], np.float64)
    return np.column_stack([parameters["bliss"], 2.0 / (sigma * sigma), parameters["gamma"]])


@borrowing
def value_at(first: float, second: float, parameters: F64) -> float:
    """Return U at two quantities."""
    a = first - parameters[0]
    b = second - parameters[1]
    half = 0.5 * (parameters[2] * a * a + parameters[3] * b * b)
    return float64(-half - parameters[4] * a * b)


@borrowing
def utility(goods: F64, parameters: F64, floor: float) -> float:
    """Return U at `goods` [unit]."""
    return value_at(goods[0], goods[1], parameters)


@absorbed
def marginal(goods: F64, parameters: F64, floor: float, k: int) -> float:
    """Return dU/dx_k, which is below 0 beyond bliss."""
    own = parameters[2 + k] * (goods[k] - parameters[k])
    return float64(-own - parameters[4] * (goods[1 - k] - parameters[1 - k]))


@borrowing
def shape(goods: F64, parameters: F64) -> int:
    """Return what is known of marginal utilities, as `shapes` has it."""
    return SEPARABLE | CONVEX if parameters[4] == 0.0 else CONVEX


@borrowing
def hessian(goods: F64, parameters: F64, floor: float, k: int, m: int) -> float:
    """Return d2U/dx_k dx_m."""
    return float64(-parameters[2 + k] if k == m else -parameters[4])


@borrowing
def best_alone(parameters: F64, k: int, other: float, cost: float, most: float) -> float:
    """Return the best quantity of good k in [0, most] at a cost in utility, the other one fixed."""
    pull = parameters[4] * (other - parameters[1 - k]) + cost
    return float64(min(max(0.0, parameters[k] - pull / parameters[2 + k]), most))


@borrowing
def best_on_line(price: F64, wealth: float, parameters: F64) -> float:
    """Return the best quantity of good 0 if all wealth is spent on the two goods."""
    ratio = price[0] / price[1]
    bent = parameters[4]
    rest = wealth / price[1] - parameters[1]
    slope = parameters[2] - 2.0 * ratio * bent + ratio * ratio * parameters[3]
    pull = (parameters[2] - ratio * bent) * parameters[0] + (ratio * parameters[3] - bent) * rest
    return float64(min(max(0.0, pull / slope), wealth / price[0]))


@borrowing
def spend_some(price: F64, wealth: float, parameters: F64, worth: float, low: F64) -> None:
    """Write the best holdings of both goods where money is of use too.

    The maximum of a concave function over a triangle: inside it, or else on one of its sides.
    """
    cost_0 = worth * price[0]
    cost_1 = worth * price[1]
    bent = parameters[4]
    size = parameters[2] * parameters[3] - bent * bent
    first = parameters[0] - (parameters[3] * cost_0 - bent * cost_1) / size
    second = parameters[1] - (parameters[2] * cost_1 - bent * cost_0) / size
    if first >= 0.0 and second >= 0.0 and price[0] * first + price[1] * second <= wealth:
        low[0] = first
        low[1] = second
        return
    best = -1e300
    for side in range(3):
        if side == 0:
            first = 0.0
            second = best_alone(parameters, 1, 0.0, cost_1, wealth / price[1])
        elif side == 1:
            first = best_alone(parameters, 0, 0.0, cost_0, wealth / price[0])
            second = 0.0
        else:
            first = best_on_line(price, wealth, parameters)
            second = max(0.0, (wealth - price[0] * first) / price[1])
        value = value_at(first, second, parameters) - cost_0 * first - cost_1 * second
        if value > best:
            best = value
            low[0] = first
            low[1] = second


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
    """Write optimal holdings at `price` with `wealth` to spend; `low` and `high` agree.

    Where goods pay for goods nothing can be thrown away: all wealth is spent, beyond bliss too.
    """
    low[0] = goods[0]
    low[1] = goods[1]
    if traded[0] and traded[1]:
        if mode == QUASILINEAR:
            spend_some(price, wealth, parameters, money_weight, low)
        else:
            low[0] = best_on_line(price, wealth, parameters)
            low[1] = max(0.0, (wealth - price[0] * low[0]) / price[1])
    elif mode == QUASILINEAR and (traded[0] or traded[1]):
        k = 0 if traded[0] else 1
        cost = money_weight * price[k]
        low[k] = best_alone(parameters, k, goods[1 - k], cost, wealth / price[k])
    high[0] = low[0]
    high[1] = low[1]
