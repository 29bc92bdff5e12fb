"""What an agent wants to hold at a post's price, with the post's fees and without.

The plain functions are templates: the names imported here from `chain` are bound to one family's
functions, or to a dispatch over several.  An indifference price of good k is one at which the
agent's demand for it is a set.
"""

from __future__ import annotations

import numpy as np

from ecs_market.preferences.chain import last_demand as demand
from ecs_market.preferences.chain import last_indifference_at as indifference_at
from ecs_market.preferences.chain import last_indifference_count as indifference_count
from ecs_market.preferences.chain import last_utility as utility
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.types import F64, Bool

# The price with its fee may miss an indifference price by the rounding of the sum.
SAME = 1e-14
# Values of candidates this near, relative to their size, count as equal where one is a set.
EQUAL = 1e-13


def wanted(
    family: int,
    price: F64,
    fee_rate: float,
    fee_unit: float,
    traded: Bool,
    goods: F64,
    money: float,
    parameters: F64,
    money_weight: float,
    mode: int,
    numeraire: int,
    floor: float,
    smoothing: float,
    work: F64,
    mask: Bool,
    low: F64,
    high: F64,
) -> None:
    """Write the box of optimal bundles at `price`, where nobody charges a fee."""
    wealth = money if mode == QUASILINEAR else 0.0
    for k in range(goods.shape[0]):
        if traded[k]:
            wealth += price[k] * goods[k]
    demand(
        family,
        price,
        traded,
        goods,
        wealth,
        parameters,
        money_weight,
        mode,
        numeraire,
        floor,
        smoothing,
        low,
        high,
    )


def try_sides(
    family: int,
    code: int,
    price: F64,
    fee_rate: float,
    fee_unit: float,
    traded: Bool,
    goods: F64,
    money: float,
    parameters: F64,
    money_weight: float,
    mode: int,
    numeraire: int,
    floor: float,
    smoothing: float,
    work: F64,
    mask: Bool,
) -> float:
    """Write the best bundle if each good is bought, sold or held as `code` says; return its value.

    The digits of `code` to base 3 belong to the traded goods in order: 0 holds, 1 buys, 2 sells.
    The bundle is in `work[1]` and `work[2]`; -inf is returned if it is not to be had that way.
    """
    n = goods.shape[0]
    net, low, high = work[0], work[1], work[2]
    wealth = money if mode == QUASILINEAR else 0.0
    rest = code
    for k in range(n):
        net[k] = price[k]
        mask[k] = traded[k]
        if traded[k] and k != numeraire:
            side = rest % 3
            rest //= 3
            mask[k] = side > 0
            fee = fee_rate * price[k] + fee_unit
            net[k] = price[k] + fee if side == 1 else price[k] - fee
            if side == 2 and (goods[k] <= 0.0 or net[k] <= 0.0):
                return -np.inf
            for index in range(indifference_count(family, parameters, k)):
                value = indifference_at(family, parameters, money_weight, mode, numeraire, k, index)
                if abs(net[k] - value) <= SAME * value:
                    net[k] = value
        if mask[k]:
            wealth += net[k] * goods[k]
    demand(
        family,
        net,
        mask,
        goods,
        wealth,
        parameters,
        money_weight,
        mode,
        numeraire,
        floor,
        smoothing,
        low,
        high,
    )
    left = wealth
    rest = code
    for k in range(n):
        if traded[k] and k != numeraire:
            side = rest % 3
            rest //= 3
            if side == 1:
                low[k] = max(low[k], goods[k])
            elif side == 2:
                high[k] = min(high[k], goods[k])
            if low[k] > high[k]:
                return -np.inf
        if mask[k] and k != numeraire:
            left -= net[k] * low[k]
    if mode == QUASILINEAR:
        return utility(family, low, parameters, floor) + money_weight * left
    low[numeraire] = max(0.0, left)
    high[numeraire] = low[numeraire]
    return utility(family, low, parameters, floor)


def wanted_after_fees(
    family: int,
    price: F64,
    fee_rate: float,
    fee_unit: float,
    traded: Bool,
    goods: F64,
    money: float,
    parameters: F64,
    money_weight: float,
    mode: int,
    numeraire: int,
    floor: float,
    smoothing: float,
    work: F64,
    mask: Bool,
    low: F64,
    high: F64,
) -> None:
    """Write the box of optimal bundles where a buyer pays p (1 + f) + phi, a seller gets less.

    Each good is bought, sold or held; the best of all such combinations that the agent keeps to is
    the optimum, because with the right one the fee is a mere shift of the price.
    """
    n = goods.shape[0]
    if fee_rate <= 0.0 and fee_unit <= 0.0:
        wanted(
            family,
            price,
            fee_rate,
            fee_unit,
            traded,
            goods,
            money,
            parameters,
            money_weight,
            mode,
            numeraire,
            floor,
            smoothing,
            work,
            mask,
            low,
            high,
        )
        return
    combinations = 1
    for k in range(n):
        low[k] = goods[k]
        high[k] = goods[k]
        if traded[k] and k != numeraire:
            combinations *= 3
    best = utility(family, goods, parameters, floor)
    if mode == QUASILINEAR:
        best += money_weight * money
    width = 0.0
    for code in range(1, combinations):
        value = try_sides(
            family,
            code,
            price,
            fee_rate,
            fee_unit,
            traded,
            goods,
            money,
            parameters,
            money_weight,
            mode,
            numeraire,
            floor,
            smoothing,
            work,
            mask,
        )
        spread = 0.0
        for k in range(n):
            spread += work[2, k] - work[1, k]
        near = EQUAL * abs(best)
        if (
            value > best + near
            or (value > best and width == 0.0)
            or (value >= best - near and spread > width)
        ):
            best = max(best, value)
            width = spread
            for k in range(n):
                low[k] = work[1, k]
                high[k] = work[2, k]
