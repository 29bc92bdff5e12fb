"""Fixed proportions, u = least of x_k / c_k over the goods with c_k above 0.

Parameters of a row: the coefficients c, one an entry of the bundle, 0 for a good that is of no use,
then kappa and the scale (W. W. Leontief, The Structure of American Economy, 1941).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ecs_market.kernels.elementary import log
from ecs_market.kernels.jit import borrowing
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.preferences.rows import LOG, per_bundle, scale_and_kappa
from ecs_market.types import F64, Bool, float64

NAME = "leontief"
CODE = 3
KINKED = False
BOUNDLESS = 1e300


def width(bundle: int) -> int:
    """Return how many parameters a row takes."""
    return bundle + 2


def pack(parameters: Mapping[str, Any], bundle: int, money_weight: F64 | None) -> F64:
    """Lay out the parameters of n agents as rows, (n, width)."""
    coefficients = per_bundle(parameters["coefficients"], money_weight)
    return np.column_stack([coefficients, scale_and_kappa(parameters)])


@borrowing
def bundles(goods: F64, parameters: F64, least: float) -> float:
    """Return how many bundles there are, a quantity taken at no less than `least`."""
    found = BOUNDLESS
    for k in range(goods.shape[0]):
        if parameters[k] > 0.0:
            found = min(found, max(goods[k], least) / parameters[k])
    return found


@borrowing
def utility(goods: F64, parameters: F64, floor: float) -> float:
    """Return U at `goods` [unit]; in the log form a quantity counts as at least `floor`."""
    n = goods.shape[0]
    if parameters[n + 1] == LOG:
        return float64(parameters[n] * log(bundles(goods, parameters, floor)))
    return bundles(goods, parameters, 0.0)


@borrowing
def share_of(goods: F64, parameters: F64, floor: float, k: int) -> float:
    """Return the part of a further bundle that a further unit of good k is worth, in bundles.

    1 / c_k where good k alone is short.  Where several are equally short one alone is worth
    nothing, but it bears its part: the mean of their gradients supports the same demand.
    """
    if parameters[k] <= 0.0:
        return 0.0
    found = bundles(goods, parameters, floor)
    if max(goods[k], floor) / parameters[k] > found:
        return 0.0
    short = 0.0
    for m in range(goods.shape[0]):
        if parameters[m] > 0.0 and max(goods[m], floor) / parameters[m] <= found:
            short += 1.0
    return float64(1.0 / (short * parameters[k]))


@borrowing
def marginal(goods: F64, parameters: F64, floor: float, k: int) -> float:
    """Return dU/dx_k, taken at no less than `floor`, shared out among goods equally short."""
    n = goods.shape[0]
    share = share_of(goods, parameters, floor, k)
    if parameters[n + 1] == LOG:
        return float64(parameters[n] * share / bundles(goods, parameters, floor))
    return share


@borrowing
def hessian(goods: F64, parameters: F64, floor: float, k: int, m: int) -> float:
    """Return d2U/dx_k dx_m, taken at no less than `floor`."""
    n = goods.shape[0]
    if parameters[n + 1] != LOG:
        return 0.0
    level = bundles(goods, parameters, floor)
    both = share_of(goods, parameters, floor, k) * share_of(goods, parameters, floor, m)
    return float64(-parameters[n] * both / (level * level))


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

    More bundles than the goods that are not traded allow are of no use; where money does not leave
    the bundle, what that leaves is kept in the numeraire.
    """
    n = goods.shape[0]
    log_form = parameters[n + 1] == LOG
    cost = 0.0
    most = BOUNDLESS
    for k in range(n):
        if traded[k]:
            cost += parameters[k] * price[k]
        elif parameters[k] > 0.0:
            most = min(most, max(goods[k], floor if log_form else 0.0) / parameters[k])
    for k in range(n):
        low[k] = 0.0 if traded[k] and (mode == QUASILINEAR or cost > 0.0) else goods[k]
        high[k] = low[k]
    if cost <= 0.0:
        return
    level = float64(min(most, wealth / cost))
    if mode == QUASILINEAR:
        if log_form:
            level = min(level, float64(parameters[n] / (money_weight * cost)))
        elif money_weight * cost >= 1.0:
            level = 0.0
    for k in range(n):
        if traded[k]:
            low[k] = parameters[k] * level
    if mode != QUASILINEAR and level == most:
        low[numeraire] += max(0.0, wealth - level * cost) / price[numeraire]
    for k in range(n):
        high[k] = low[k]
