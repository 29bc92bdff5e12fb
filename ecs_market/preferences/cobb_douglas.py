"""Cobb-Douglas utility, u = product of x_k ^ a_k.

Parameters of a row: the exponents a, one an entry of the bundle, then kappa and the scale.  With
the scale LOG the utility is kappa ln u, which makes quasi-linear demand interior; with LEVEL it is
u itself, which an agent with constant marginal utility of money buys with everything or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ecs_market.kernels.elementary import exp, log, power
from ecs_market.kernels.jit import absorbed, borrowing
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.preferences.rows import LEVEL, LOG, MOST_LOGARITHM, per_bundle, scale_and_kappa
from ecs_market.preferences.shapes import CONVEX, SEPARABLE
from ecs_market.types import F64, Bool, float64

NAME = "cobb_douglas"
CODE = 1
KINKED = False
# Exponents that add up to one up to rounding make utility proportional to spending.
DEGREE_ONE = 1e-12


def width(bundle: int) -> int:
    """Return how many parameters a row takes."""
    return bundle + 2


def pack(parameters: Mapping[str, Any], bundle: int, money_weight: F64 | None) -> F64:
    """Lay out the parameters of n agents as rows, (n, width)."""
    exponents = per_bundle(parameters["exponents"], money_weight)
    return np.column_stack([exponents, scale_and_kappa(parameters)])


@borrowing
def utility(goods: F64, parameters: F64, floor: float) -> float:
    """Return U at `goods` [unit]; in the log form a quantity counts as at least `floor`."""
    n = goods.shape[0]
    total = 0.0
    for k in range(n):
        if parameters[k] > 0.0:
            total += parameters[k] * log(max(goods[k], floor))
    if parameters[n + 1] == LOG:
        return float64(parameters[n] * total)
    for k in range(n):
        if parameters[k] > 0.0 and goods[k] <= 0.0:
            return 0.0
    return exp(min(total, MOST_LOGARITHM))


@absorbed
def level(goods: F64, parameters: F64, floor: float) -> float:
    """Return u with every quantity taken at no less than `floor`."""
    total = 0.0
    for k in range(goods.shape[0]):
        if parameters[k] > 0.0:
            total += parameters[k] * log(max(goods[k], floor))
    return exp(min(total, MOST_LOGARITHM))


@absorbed
def marginal(goods: F64, parameters: F64, floor: float, k: int) -> float:
    """Return dU/dx_k, taken at no less than `floor`."""
    n = goods.shape[0]
    quantity = max(goods[k], floor)
    if parameters[n + 1] == LOG:
        return float64(parameters[n] * parameters[k] / quantity)
    return float64(parameters[k] * level(goods, parameters, floor) / quantity)


@absorbed
def slopes(goods: F64, parameters: F64, floor: float, k: int) -> tuple[float, float]:
    """Return dU/dx_k and d2U/dx_k^2, the bits of `marginal` and `hessian`."""
    n = goods.shape[0]
    quantity = max(goods[k], floor)
    share = parameters[k]
    if parameters[n + 1] == LOG:
        kappa = parameters[n]
        return float64(kappa * share / quantity), float64(-kappa * share / (quantity * quantity))
    height = level(goods, parameters, floor)
    bend = share * (share - 1.0) / (quantity * quantity)
    return float64(share * height / quantity), float64(bend * height)


@borrowing
def shape(goods: F64, parameters: F64) -> int:
    """Return what is known of marginal utilities, as `shapes` has it."""
    return SEPARABLE | CONVEX if parameters[goods.shape[0] + 1] == LOG else CONVEX


@borrowing
def hessian(goods: F64, parameters: F64, floor: float, k: int, m: int) -> float:
    """Return d2U/dx_k dx_m, taken at no less than `floor`."""
    n = goods.shape[0]
    at_k = max(goods[k], floor)
    at_m = max(goods[m], floor)
    if parameters[n + 1] == LOG:
        return float64(-parameters[n] * parameters[k] / (at_k * at_k)) if k == m else 0.0
    own = 1.0 if k == m else 0.0
    bend = parameters[k] * (parameters[m] - own) / (at_k * at_m)
    return float64(bend * level(goods, parameters, floor))


@borrowing
def level_spending(
    price: F64,
    traded: Bool,
    goods: F64,
    wealth: float,
    parameters: F64,
    money_weight: float,
    degree: float,
) -> float:
    """Return what a level-form agent spends: the maximiser of v w^degree - lambda w."""
    logarithm = 0.0
    for k in range(goods.shape[0]):
        if parameters[k] <= 0.0:
            continue
        if traded[k]:
            logarithm += parameters[k] * log(parameters[k] / (degree * price[k]))
        elif goods[k] > 0.0:
            logarithm += parameters[k] * log(goods[k])
        else:
            return 0.0
    value = exp(logarithm)
    if degree < 1.0 - DEGREE_ONE:
        return min(wealth, power(degree * value / money_weight, 1.0 / (1.0 - degree)))
    if wealth <= 0.0:
        return 0.0
    gain = value * exp((degree - 1.0) * log(wealth)) if degree > 1.0 + DEGREE_ONE else value
    return wealth if gain > money_weight else 0.0


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
    """Write optimal holdings at `price` with `wealth` to spend; `low` and `high` agree."""
    n = goods.shape[0]
    degree = 0.0
    for k in range(n):
        if traded[k]:
            degree += parameters[k]
    if degree <= 0.0:
        # Nothing traded here is of use: sold for money, kept where it would have to buy something.
        for k in range(n):
            low[k] = 0.0 if traded[k] and mode == QUASILINEAR else goods[k]
            high[k] = low[k]
        return
    spent = wealth
    if mode == QUASILINEAR:
        if parameters[n + 1] == LOG:
            spent = min(wealth, float64(parameters[n] * degree / money_weight))
        else:
            spent = level_spending(price, traded, goods, wealth, parameters, money_weight, degree)
    for k in range(n):
        low[k] = parameters[k] / degree * spent / price[k] if traded[k] else goods[k]
        high[k] = low[k]


@borrowing
def demands(
    count: int,
    price: F64,
    traded: Bool,
    held: F64,
    wealth: F64,
    own: F64,
    worth: F64,
    mode: int,
    low: F64,
    work: F64,
) -> bool:
    """Write optimal holdings of a block of members in the log form."""
    n = held.shape[0]
    degree, spent = 0, 1
    odd = 0
    if mode == QUASILINEAR:
        for j in range(count):
            odd += 1 if own[n + 1, j] == LEVEL else 0
    for j in range(count):
        work[degree, j] = 0.0
    for k in range(n):
        if traded[k]:
            for j in range(count):
                work[degree, j] += own[k, j]
    for j in range(count):
        odd += 1 if work[degree, j] <= 0.0 else 0
    if odd > 0:
        return False
    for j in range(count):
        work[spent, j] = wealth[j]
        if mode == QUASILINEAR:
            work[spent, j] = min(wealth[j], own[n, j] * work[degree, j] / worth[j])
    for k in range(n):
        if traded[k]:
            for j in range(count):
                low[k, j] = own[k, j] / work[degree, j] * work[spent, j] / price[k, j]
        else:
            for j in range(count):
                low[k, j] = held[k, j]
    return True


@borrowing
def utilities(count: int, goods: F64, own: F64, floor: float, work: F64, values: F64) -> bool:
    """Write U of a block of members in the log form."""
    n = goods.shape[0]
    odd = 0
    for j in range(count):
        odd += 1 if own[n + 1, j] == LEVEL else 0
        values[j] = 0.0
    if odd > 0:
        return False
    for k in range(n):
        for j in range(count):
            quantity = max(floor, goods[k, j])
            values[j] += own[k, j] * log(quantity)
    for j in range(count):
        values[j] *= own[n, j]
    return True
