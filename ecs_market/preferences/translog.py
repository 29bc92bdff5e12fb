"""Translog utility of two goods, ln u = sum of a_k l_k + half the sum of b_km l_k l_m, l = ln x.

U = kappa ln u.  Parameters of a row: a_0, a_1, b_00, b_11, b_01 and kappa.  The elasticity of u
with respect to good k is e_k = a_k + sum of b_km l_m (L. R. Christensen, D. W. Jorgenson, L. J.
Lau, American Economic Review 65, 1975).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ecs_market.kernels.elementary import exp, log
from ecs_market.kernels.jit import borrowing
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.types import F64, Bool, float64

NAME = "translog"
CODE = 6
KINKED = False
MOST_STEPS = 200
CLOSE = 1e-14
# No good gets less than e^-40 of the spending, and no more than e^-60 of the wealth is left over.
FURTHEST = 40.0
LEAST_SPENT = 60.0


def width(bundle: int) -> int:
    """Return how many parameters a row takes."""
    return 6


def pack(parameters: Mapping[str, Any], bundle: int, money_weight: F64 | None) -> F64:
    """Lay out the parameters of n agents as rows, (n, width)."""
    cross = np.asarray(parameters["cross"], np.float64)
    if cross.ndim == 2:
        cross = np.broadcast_to(cross, (len(parameters["exponents"]), 2, 2))
    bends = [cross[:, 0, 0], cross[:, 1, 1], 0.5 * (cross[:, 0, 1] + cross[:, 1, 0])]
    return np.column_stack([parameters["exponents"], *bends, parameters["kappa"]])


@borrowing
def elasticity(parameters: F64, k: int, own: float, other: float) -> float:
    """Return e_k at the logarithms of the quantity of good k and of the other good."""
    return float64(parameters[k] + parameters[2 + k] * own + parameters[4] * other)


@borrowing
def utility(goods: F64, parameters: F64, floor: float) -> float:
    """Return U at `goods` [unit]; a quantity counts as at least `floor`."""
    first = log(max(goods[0], floor))
    second = log(max(goods[1], floor))
    bent = 0.5 * (parameters[2] * first * first + parameters[3] * second * second)
    bent += parameters[4] * first * second
    return float64(parameters[5] * (parameters[0] * first + parameters[1] * second + bent))


@borrowing
def marginal(goods: F64, parameters: F64, floor: float, k: int) -> float:
    """Return dU/dx_k, taken at no less than `floor`."""
    own = max(goods[k], floor)
    found = elasticity(parameters, k, log(own), log(max(goods[1 - k], floor)))
    return float64(parameters[5] * found / own)


@borrowing
def hessian(goods: F64, parameters: F64, floor: float, k: int, m: int) -> float:
    """Return d2U/dx_k dx_m, taken at no less than `floor`."""
    at_k = max(goods[k], floor)
    at_m = max(goods[m], floor)
    if k != m:
        return float64(parameters[5] * parameters[4] / (at_k * at_m))
    found = elasticity(parameters, k, log(at_k), log(max(goods[1 - k], floor)))
    return float64(parameters[5] * (parameters[2 + k] - found) / (at_k * at_k))


@borrowing
def gap_of_split(parameters: F64, first: float, second: float, odds: float) -> float:
    """Return how far good 0 is from its part of the spending, s / (1 - s) = e^odds.

    `first` and `second` are the logarithms of what all of the spending would buy of each.
    """
    rest = log(1.0 + exp(-abs(odds)))
    share_0 = -rest if odds > 0.0 else odds - rest
    share_1 = share_0 - odds
    at_0 = first + share_0
    at_1 = second + share_1
    gain_0 = elasticity(parameters, 0, at_0, at_1) * exp(share_1)
    return gain_0 - elasticity(parameters, 1, at_1, at_0) * exp(share_0)


@borrowing
def best_odds(parameters: F64, first: float, second: float, start: float) -> float:
    """Return the odds ln(s / (1 - s)) at which both goods are worth what they cost.

    A bracket around `start` grows until the gap changes its sign, and is closed by false position
    with the Illinois rule.
    """
    here = start
    gap = gap_of_split(parameters, first, second, here)
    if gap == 0.0:
        return here
    stride = 0.1 if gap > 0.0 else -0.1
    other, other_gap = here, gap
    while (other_gap > 0.0) == (gap > 0.0):
        if abs(other) >= FURTHEST:
            return other
        other = min(max(other + stride, -FURTHEST), FURTHEST)
        stride *= 4.0
        other_gap = gap_of_split(parameters, first, second, other)
    for _ in range(MOST_STEPS):
        if abs(other - here) <= CLOSE * max(1.0, abs(here)) or gap == 0.0:
            break
        middle = other - other_gap * (other - here) / (other_gap - gap)
        found = gap_of_split(parameters, first, second, middle)
        if (found > 0.0) == (gap > 0.0):
            other_gap *= 0.5
        else:
            other = here
            other_gap = gap
        here = middle
        gap = found
    return here


@borrowing
def both_elasticities(parameters: F64, first: float, second: float, odds: float) -> float:
    """Return e_0 + e_1 at a split of the spending."""
    rest = log(1.0 + exp(-abs(odds)))
    share_0 = -rest if odds > 0.0 else odds - rest
    at_0 = first + share_0
    at_1 = second + share_0 - odds
    total = elasticity(parameters, 0, at_0, at_1) + elasticity(parameters, 1, at_1, at_0)
    return float64(total)


@borrowing
def rest_to_spend(
    spent: float, price: F64, traded: Bool, goods: F64, parameters: F64, worth: float, floor: float
) -> float:
    """Return the ratio of what spending more gains to what it costs, less 1, at ln w = `spent`."""
    if traded[0] and traded[1]:
        first = spent - log(price[0])
        second = spent - log(price[1])
        odds = best_odds(parameters, first, second, 0.0)
        gains = both_elasticities(parameters, first, second, odds)
    else:
        k = 0 if traded[0] else 1
        other = log(max(goods[1 - k], floor))
        gains = elasticity(parameters, k, spent - log(price[k]), other)
    return float64(parameters[5] * gains / (worth * exp(spent)) - 1.0)


@borrowing
def spend_some(
    wealth: float,
    price: F64,
    traded: Bool,
    goods: F64,
    parameters: F64,
    worth: float,
    floor: float,
) -> float:
    """Return ln of what is spent: all, or where a unit of money gains what it is worth."""
    here = log(wealth)
    gap = rest_to_spend(here, price, traded, goods, parameters, worth, floor)
    if gap >= 0.0:
        return here
    other = here
    other_gap = gap
    stride = 0.25
    while other_gap < 0.0:
        if other <= here - LEAST_SPENT:
            return other
        other = max(other - stride, here - LEAST_SPENT)
        stride *= 2.0
        other_gap = rest_to_spend(other, price, traded, goods, parameters, worth, floor)
    for _ in range(MOST_STEPS):
        if abs(other - here) <= CLOSE * max(1.0, abs(here)) or gap == 0.0:
            break
        middle = other - other_gap * (other - here) / (other_gap - gap)
        found = rest_to_spend(middle, price, traded, goods, parameters, worth, floor)
        if (found > 0.0) == (gap > 0.0):
            other_gap *= 0.5
        else:
            other = here
            other_gap = gap
        here = middle
        gap = found
    return here


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
    both = traded[0] and traded[1]
    for k in range(2):
        low[k] = goods[k]
        if traded[k] and (both or mode == QUASILINEAR):
            low[k] = 0.0
    if wealth > 0.0 and (both or (mode == QUASILINEAR and (traded[0] or traded[1]))):
        spent = log(wealth)
        if mode == QUASILINEAR:
            spent = spend_some(wealth, price, traded, goods, parameters, money_weight, floor)
        amount = min(exp(spent), wealth)
        if both:
            first = spent - log(price[0])
            second = spent - log(price[1])
            odds = best_odds(parameters, first, second, 0.0)
            low[0] = amount / ((1.0 + exp(-odds)) * price[0])
            low[1] = amount / ((1.0 + exp(odds)) * price[1])
        else:
            k = 0 if traded[0] else 1
            low[k] = amount / price[k]
    high[0] = low[0]
    high[1] = low[1]
