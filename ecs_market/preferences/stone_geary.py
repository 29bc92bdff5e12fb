"""Cobb-Douglas utility of what exceeds subsistence, U = kappa sum of a_k ln(x_k - s_k).

Parameters of a row: the exponents a and the subsistence quantities s, one an entry of the bundle,
then kappa (R. C. Geary, Review of Economic Studies 18, 1950; R. Stone, Economic Journal 64, 1954).
Below subsistence U also falls with the least x_k / s_k, so steeply that subsistence comes first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ecs_market.kernels.elementary import log
from ecs_market.kernels.jit import absorbed, borrowing
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.preferences.rows import per_bundle
from ecs_market.preferences.shapes import CONVEX, SEPARABLE
from ecs_market.types import F64, Bool, float64

NAME = "stone_geary"
CODE = 5
KINKED = False
# How much steeper utility is below subsistence than a `floor` above it.
URGENCY = 100.0


def width(bundle: int) -> int:
    """Return how many parameters a row takes."""
    return 2 * bundle + 1


def pack(parameters: Mapping[str, Any], bundle: int, money_weight: F64 | None) -> F64:
    """Lay out the parameters of n agents as rows, (n, width)."""
    exponents = per_bundle(parameters["exponents"], money_weight)
    none = None if money_weight is None else np.zeros(len(exponents))
    subsistence = per_bundle(parameters["subsistence"], none)
    return np.column_stack([exponents, subsistence, parameters["kappa"]])


@borrowing
def utility(goods: F64, parameters: F64, floor: float) -> float:
    """Return U at `goods` [unit]; what exceeds subsistence counts as at least `floor`."""
    n = goods.shape[0]
    total = 0.0
    degree = 0.0
    needs = 0.0
    supplied = 1.0
    for k in range(n):
        need = parameters[n + k]
        if parameters[k] > 0.0:
            degree += parameters[k]
            total += parameters[k] * log(max(goods[k] - need, floor))
        if need > 0.0:
            needs += need
            supplied = min(supplied, goods[k] / need)
    if supplied < 1.0:
        total -= URGENCY * degree * needs / floor * (1.0 - supplied)
    return float64(parameters[2 * n] * total)


@absorbed
def marginal(goods: F64, parameters: F64, floor: float, k: int) -> float:
    """Return dU/dx_k, taken at no less than `floor` above subsistence.

    A unit of a good short of subsistence is worth what all goods together are at the floor.
    """
    n = goods.shape[0]
    if goods[k] < parameters[n + k]:
        degree = 0.0
        for m in range(n):
            degree += parameters[m]
        return float64(parameters[2 * n] * degree / floor)
    above = max(goods[k] - parameters[n + k], floor)
    return float64(parameters[2 * n] * parameters[k] / above)


@absorbed
def slopes(goods: F64, parameters: F64, floor: float, k: int) -> tuple[float, float]:
    """Return dU/dx_k and d2U/dx_k^2, the bits of `marginal` and `hessian`."""
    n = goods.shape[0]
    kappa = parameters[2 * n]
    above = max(goods[k] - parameters[n + k], floor)
    bend = float64(-kappa * parameters[k] / (above * above))
    if goods[k] < parameters[n + k]:
        return float64(marginal(goods, parameters, floor, k)), bend
    return float64(kappa * parameters[k] / above), bend


@absorbed
def sloped(goods: F64, parameters: F64) -> bool:
    """Return whether marginal utilities are slopes of U: not while anything is short."""
    n = goods.shape[0]
    short = 0
    for k in range(n):
        short += 1 if goods[k] < parameters[n + k] else 0
    return short == 0


@borrowing
def shape(goods: F64, parameters: F64) -> int:
    """Return what is known of marginal utilities, as `shapes` has it."""
    return SEPARABLE | CONVEX


@borrowing
def hessian(goods: F64, parameters: F64, floor: float, k: int, m: int) -> float:
    """Return d2U/dx_k dx_m, taken at no less than `floor` above subsistence."""
    if k != m:
        return 0.0
    n = goods.shape[0]
    above = max(goods[k] - parameters[n + k], floor)
    return float64(-parameters[2 * n] * parameters[k] / (above * above))


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

    Whoever cannot pay for subsistence buys the same part of it of every good.
    """
    n = goods.shape[0]
    degree = 0.0
    cost = 0.0
    for k in range(n):
        if traded[k]:
            degree += parameters[k]
            cost += price[k] * parameters[n + k]
    extra = wealth - cost
    part = 1.0
    if extra < 0.0:
        part = max(0.0, wealth) / cost
        extra = 0.0
    if mode == QUASILINEAR:
        extra = min(extra, float64(parameters[2 * n] * degree / money_weight))
    useless = mode != QUASILINEAR and degree <= 0.0
    for k in range(n):
        low[k] = goods[k]
        if traded[k] and not (useless and cost <= 0.0):
            low[k] = part * parameters[n + k]
            if degree > 0.0:
                low[k] += parameters[k] / degree * extra / price[k]
            elif useless and k == numeraire:
                low[k] += extra / price[k]
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
    """Write optimal holdings of a block of members of whom each has a use for a traded good."""
    n = held.shape[0]
    degree, cost, extra = 0, 1, 2
    for j in range(count):
        work[degree, j] = 0.0
        work[cost, j] = 0.0
    for k in range(n):
        if traded[k]:
            for j in range(count):
                work[degree, j] += own[k, j]
                work[cost, j] += price[k, j] * own[n + k, j]
    odd = 0
    for j in range(count):
        odd += 1 if work[degree, j] <= 0.0 else 0
    if odd > 0:
        return False
    part = cost
    for j in range(count):
        left = wealth[j] - work[cost, j]
        needed = work[cost, j] if work[cost, j] > 0.0 else 1.0
        work[part, j] = max(0.0, wealth[j]) / needed if left < 0.0 else 1.0
        left = max(left, 0.0)
        work[extra, j] = left
        if mode == QUASILINEAR:
            work[extra, j] = min(left, own[2 * n, j] * work[degree, j] / worth[j])
    for k in range(n):
        if traded[k]:
            for j in range(count):
                share = own[k, j] / work[degree, j] * work[extra, j] / price[k, j]
                low[k, j] = work[part, j] * own[n + k, j] + share
        else:
            for j in range(count):
                low[k, j] = held[k, j]
    return True


@borrowing
def utilities(count: int, goods: F64, own: F64, floor: float, work: F64, values: F64) -> bool:
    """Write U of a block of members."""
    n = goods.shape[0]
    degree, needs, supplied = 0, 1, 2
    for j in range(count):
        values[j] = 0.0
        work[degree, j] = 0.0
        work[needs, j] = 0.0
        work[supplied, j] = 1.0
    for k in range(n):
        for j in range(count):
            need = own[n + k, j]
            above = goods[k, j] - need
            values[j] += own[k, j] * log(max(floor, above))
            work[degree, j] += own[k, j]
            work[needs, j] += need
            share = goods[k, j] / (need if need > 0.0 else 1.0)
            share = share if need > 0.0 else 1.0
            work[supplied, j] = min(work[supplied, j], share)
    for j in range(count):
        lost = URGENCY * work[degree, j] * work[needs, j] / floor * (1.0 - work[supplied, j])
        values[j] = own[2 * n, j] * (values[j] - lost)
    return True
