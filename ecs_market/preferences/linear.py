"""Linear utility, U = sum of w_k x_k.

Parameters of a row: the weights w, one an entry of the bundle.  Demand is a corner; where an agent
is indifferent between a good and money it is a set, which `demand` returns as the box from `low` to
`high`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecs_market.kernels.elementary import exp, log
from ecs_market.kernels.jit import absorbed, borrowing
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.preferences.rows import per_bundle
from ecs_market.preferences.shapes import CONVEX, SEPARABLE
from ecs_market.types import F64, Bool, float64

NAME = "linear"
CODE = 0
KINKED = True


def width(bundle: int) -> int:
    """Return how many parameters a row takes."""
    return bundle


def pack(parameters: Mapping[str, Any], bundle: int, money_weight: F64 | None) -> F64:
    """Lay out the parameters of n agents as rows, (n, width)."""
    return per_bundle(parameters["weights"], money_weight)


@borrowing
def utility(goods: F64, parameters: F64, floor: float) -> float:
    """Return U at `goods` [unit]."""
    total = 0.0
    for k in range(goods.shape[0]):
        total += parameters[k] * goods[k]
    return total


@absorbed
def marginal(goods: F64, parameters: F64, floor: float, k: int) -> float:
    """Return dU/dx_k."""
    return float64(parameters[k])


@borrowing
def shape(goods: F64, parameters: F64) -> int:
    """Return what is known of marginal utilities, as `shapes` has it."""
    return SEPARABLE | CONVEX


@borrowing
def hessian(goods: F64, parameters: F64, floor: float, k: int, m: int) -> float:
    """Return d2U/dx_k dx_m."""
    return 0.0


@borrowing
def indifference_price(
    parameters: F64, money_weight: float, mode: int, numeraire: int, k: int
) -> float:
    """Return the price of good k at which it is worth exactly its money, 0 if there is none."""
    worth = money_weight if mode == QUASILINEAR else parameters[numeraire]
    if worth > 0.0:
        return float64(parameters[k] / worth)
    return 0.0


@borrowing
def smooth_demand(
    price: F64,
    traded: Bool,
    goods: F64,
    wealth: float,
    parameters: F64,
    worth: float,
    spends_all: bool,
    smoothing: float,
    low: F64,
    high: F64,
) -> None:
    """Write holdings that spread spending by (utility per unit of money) ^ (1 / smoothing).

    The smaller the smoothing the closer to the corner; money is an option unless all is spent.
    """
    best = 0.0 if spends_all else worth
    for k in range(goods.shape[0]):
        if traded[k]:
            best = max(best, parameters[k] / price[k])
    total = 0.0
    if not spends_all and worth > 0.0:
        total = exp(log(worth / best) / smoothing)
    for k in range(goods.shape[0]):
        low[k] = goods[k]
        if traded[k]:
            low[k] = 0.0
            if parameters[k] > 0.0:
                low[k] = exp(log(parameters[k] / (price[k] * best)) / smoothing)
            total += low[k]
    for k in range(goods.shape[0]):
        if traded[k]:
            low[k] = low[k] * wealth / (total * price[k]) if total > 0.0 else goods[k]
        high[k] = low[k]


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
    """Write the box of optimal holdings at `price` with `wealth` to spend.

    All of the wealth goes to the good with most utility for a unit of money, if that is more
    than money itself is worth.  A good worth exactly its price is kept: any amount is optimal.
    """
    worth = money_weight if mode == QUASILINEAR else parameters[numeraire]
    if smoothing > 0.0:
        spends_all = mode != QUASILINEAR
        smooth_demand(
            price, traded, goods, wealth, parameters, worth, spends_all, smoothing, low, high
        )
        return
    best = -1
    ratio = 0.0
    for k in range(goods.shape[0]):
        low[k] = goods[k]
        high[k] = goods[k]
        if traded[k] and parameters[k] > 0.0 and not (mode != QUASILINEAR and k == numeraire):
            better = worth <= 0.0 or parameters[k] / worth > price[k]
            if better and parameters[k] / price[k] > ratio:
                ratio = parameters[k] / price[k]
                best = k
    spent = 0.0
    for k in range(goods.shape[0]):
        if not traded[k] or (mode != QUASILINEAR and k == numeraire):
            continue
        tied = best < 0 and worth > 0.0 and parameters[k] / worth == price[k]
        if not tied:
            low[k] = wealth / price[k] if k == best else 0.0
            high[k] = low[k]
        spent += price[k] * low[k]
    rest = wealth - spent
    for k in range(goods.shape[0]):
        if not traded[k]:
            continue
        if mode != QUASILINEAR and k == numeraire:
            low[k] = max(0.0, rest) / price[k]
            high[k] = low[k]
        elif best < 0 and worth > 0.0 and parameters[k] / worth == price[k]:
            high[k] = low[k] + max(0.0, rest) / price[k]
            low[k] = 0.0
