"""Values and costs as laboratories induce them: a worth for each step of each good, plus money.

Parameters of a row: the lots of a step, then for each good whether it is sold (1) or not (0), how
many steps have a worth, and the worths [utility / unit], the highest first.  A seller owns its
capacity; what it keeps is worth the highest costs, which it thereby saves (V. L. Smith, Journal of
Political Economy 70, 1962).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ecs_market.declared.domains import LONGEST_CURVE
from ecs_market.kernels.jit import borrowing
from ecs_market.preferences.shapes import SEPARABLE
from ecs_market.types import F64, Bool, float64, int64

NAME = "induced_value"
CODE = 7
KINKED = True
# Goods count apart, each in steps of a bounded quantity.
STEPPED = True
# Columns of a good.
PITCH = 2 + LONGEST_CURVE


def width(bundle: int) -> int:
    """Return how many parameters a row takes."""
    return 1 + bundle * PITCH


def pack(parameters: Mapping[str, Any], bundle: int, money_weight: F64 | None) -> F64:
    """Lay out the parameters of n agents as rows, (n, width); all have the same curves."""
    unit = np.asarray(parameters["unit"], np.float64)
    rows = np.zeros((len(unit), width(bundle)))
    rows[:, 0] = unit
    for key, sold in (("values", 0.0), ("costs", 1.0)):
        curves: Sequence[Sequence[float]] = parameters.get(key) or ()
        for good, curve in enumerate(curves):
            if len(curve):
                at = 1 + good * PITCH
                rows[:, at] = sold
                rows[:, at + 1] = len(curve)
                rows[:, at + 2 : at + 2 + len(curve)] = sorted(curve, reverse=True)
    return rows


@borrowing
def utility(goods: F64, parameters: F64, floor: float) -> float:
    """Return U at `goods` [unit]; within a step worth grows in proportion."""
    size = 2.0 * floor * parameters[0]
    total = 0.0
    for k in range(goods.shape[0]):
        at = 1 + k * PITCH
        left = goods[k]
        for step in range(int64(parameters[at + 1])):
            if left <= 0.0:
                break
            total += parameters[at + 2 + step] * min(left, size)
            left -= size
    return total


@borrowing
def marginal(goods: F64, parameters: F64, floor: float, k: int) -> float:
    """Return the worth of the next unit that would change hands.

    Of a good that the agent sells, that is one it owns; of another, a further one.
    """
    at = 1 + k * PITCH
    size = 2.0 * floor * parameters[0]
    nearby = goods[k] + floor
    if parameters[at] > 0.0 and goods[k] > floor:
        nearby = goods[k] - floor
    step = int64(min(nearby / size, float64(LONGEST_CURVE)))
    return float64(parameters[at + 2 + step]) if step < parameters[at + 1] else 0.0


@borrowing
def shape(goods: F64, parameters: F64) -> int:
    """Return what is known of marginal utilities, as `shapes` has it."""
    return SEPARABLE


@borrowing
def hessian(goods: F64, parameters: F64, floor: float, k: int, m: int) -> float:
    """Return 0, the second derivative within a step."""
    return 0.0


@borrowing
def indifference_count(parameters: F64, k: int) -> int:
    """Return how many indifference prices good k has: one a step."""
    return int64(parameters[2 + k * PITCH])


@borrowing
def indifference_at(
    parameters: F64, money_weight: float, mode: int, numeraire: int, k: int, index: int
) -> float:
    """Return the price at which step `index` of good k is worth exactly its money."""
    return float64(parameters[3 + k * PITCH + index] / money_weight)


@borrowing
def dearest(price: F64, traded: Bool, parameters: F64, weight: float, steps: F64) -> int:
    """Return the good whose next step gains most for its money, -1 if none is worth its price."""
    best = -1
    ratio = 0.0
    for k in range(price.shape[0]):
        step = int64(steps[k])
        if traded[k] and step < parameters[2 + k * PITCH]:
            worth = parameters[3 + k * PITCH + step] / weight
            if worth > price[k] and worth / price[k] > ratio:
                ratio = worth / price[k]
                best = k
    return best


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
    """Write the box of optimal holdings: the steps worth more than their price, best first.

    Steps worth exactly their price may be held or not.
    """
    n = goods.shape[0]
    size = 2.0 * floor * parameters[0]
    for k in range(n):
        low[k] = 0.0 if traded[k] else goods[k]
        high[k] = 0.0
    left = wealth
    while left > 0.0:
        # `high` counts the steps taken for now.
        k = dearest(price, traded, parameters, money_weight, high)
        if k < 0:
            break
        amount = min(size, left / price[k])
        low[k] += amount
        left = left - amount * price[k] if amount == size else 0.0
        high[k] += 1.0
    for k in range(n):
        step = int64(high[k])
        high[k] = low[k]
        if not traded[k] or left <= 0.0:
            continue
        while step < parameters[2 + k * PITCH]:
            if parameters[3 + k * PITCH + step] / money_weight != price[k]:
                break
            high[k] = min(high[k] + size, low[k] + left / price[k])
            step += 1
