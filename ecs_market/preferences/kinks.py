"""What holds for families that do not say: how many indifference prices, where slopes.

`only_indifference` is a template; `families` binds `indifference_price` in it.
"""

from __future__ import annotations

from ecs_market.kernels.jit import borrowing
from ecs_market.preferences.linear import indifference_price
from ecs_market.types import F64, float64


@borrowing
def always_sloped(goods: F64, parameters: F64) -> bool:
    """Return whether marginal utilities are slopes of utility here: they are."""
    return True


@borrowing
def no_indifference(parameters: F64, k: int) -> int:
    """Return how many indifference prices there are: none."""
    return 0


@borrowing
def one_indifference(parameters: F64, k: int) -> int:
    """Return how many indifference prices there are: one."""
    return 1


@borrowing
def never_indifferent(
    parameters: F64, money_weight: float, mode: int, numeraire: int, k: int, index: int
) -> float:
    """Return 0: there is no indifference price."""
    return 0.0


def only_indifference(
    parameters: F64, money_weight: float, mode: int, numeraire: int, k: int, index: int
) -> float:
    """Return the one indifference price of good k."""
    return float64(indifference_price(parameters, money_weight, mode, numeraire, k))
