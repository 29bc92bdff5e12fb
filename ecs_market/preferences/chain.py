"""One link of a dispatch over utility families: this family's function, or the next link.

`families.dispatch` copies these functions and binds `CODE`, `own` and `other` for each link; the
last link has no other and asks no more which family it is.
"""

from __future__ import annotations

from typing import Any

from ecs_market.types import F64, Bool

CODE = 0
own: Any = None
other: Any = None


def utility(family: int, goods: F64, parameters: F64, floor: float) -> float:
    """Return the utility of `goods` [unit] in the given family."""
    if family == CODE:
        return own(goods, parameters, floor)  # type: ignore[no-any-return]  # bound per link
    return other(family, goods, parameters, floor)  # type: ignore[no-any-return]  # bound per link


def utilities(
    family: int, count: int, goods: F64, parameters: F64, floor: float, work: F64, values: F64
) -> bool:
    """Write the utilities of a block of members of the given family, or return False."""
    if family == CODE:
        return own(count, goods, parameters, floor, work, values)  # type: ignore[no-any-return]  # bound per link
    return other(family, count, goods, parameters, floor, work, values)  # type: ignore[no-any-return]  # as above


def demands(
    family: int,
    count: int,
    price: F64,
    traded: Bool,
    held: F64,
    wealth: F64,
    parameters: F64,
    worth: F64,
    mode: int,
    low: F64,
    work: F64,
) -> bool:
    """Write optimal holdings of a block of members of the given family, or return False."""
    if family == CODE:
        return own(count, price, traded, held, wealth, parameters, worth, mode, low, work)  # type: ignore[no-any-return]  # bound per link
    return other(family, count, price, traded, held, wealth, parameters, worth, mode, low, work)  # type: ignore[no-any-return]  # as above


def marginal(family: int, goods: F64, parameters: F64, floor: float, k: int) -> float:
    """Return the marginal utility of good k in the given family."""
    if family == CODE:
        return own(goods, parameters, floor, k)  # type: ignore[no-any-return]  # bound per link
    return other(family, goods, parameters, floor, k)  # type: ignore[no-any-return]  # as above


def slopes(family: int, goods: F64, parameters: F64, floor: float, k: int) -> tuple[float, float]:
    """Return the marginal utility of good k, and how it changes with k, in the given family."""
    if family == CODE:
        return own(goods, parameters, floor, k)  # type: ignore[no-any-return]  # bound per link
    return other(family, goods, parameters, floor, k)  # type: ignore[no-any-return]  # as above


def sloped(family: int, goods: F64, parameters: F64) -> bool:
    """Return whether marginal utilities are slopes of utility here, in the given family."""
    if family == CODE:
        return own(goods, parameters)  # type: ignore[no-any-return]  # bound per link
    return other(family, goods, parameters)  # type: ignore[no-any-return]  # bound per link


def shape(family: int, goods: F64, parameters: F64) -> int:
    """Return what is known of marginal utilities in the given family, as `shapes` has it."""
    if family == CODE:
        return own(goods, parameters)  # type: ignore[no-any-return]  # bound per link
    return other(family, goods, parameters)  # type: ignore[no-any-return]  # bound per link


def hessian(family: int, goods: F64, parameters: F64, floor: float, k: int, m: int) -> float:
    """Return d2U/dx_k dx_m in the given family."""
    if family == CODE:
        return own(goods, parameters, floor, k, m)  # type: ignore[no-any-return]  # bound per link
    return other(family, goods, parameters, floor, k, m)  # type: ignore[no-any-return]  # as above


def indifference_count(family: int, parameters: F64, k: int) -> int:
    """Return how many indifference prices good k has in the given family."""
    if family == CODE:
        return own(parameters, k)  # type: ignore[no-any-return]  # bound per link
    return other(family, parameters, k)  # type: ignore[no-any-return]  # bound per link


def indifference_at(
    family: int,
    parameters: F64,
    money_weight: float,
    mode: int,
    numeraire: int,
    k: int,
    index: int,
) -> float:
    """Return one indifference price of good k in the given family."""
    if family == CODE:
        return own(parameters, money_weight, mode, numeraire, k, index)  # type: ignore[no-any-return]  # bound per link
    return other(family, parameters, money_weight, mode, numeraire, k, index)  # type: ignore[no-any-return]  # as above


def demand(
    family: int,
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
    """Write optimal holdings in the given family."""
    if family == CODE:
        own(
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
    else:
        other(
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


def last_utility(family: int, goods: F64, parameters: F64, floor: float) -> float:
    """Return the utility of `goods` [unit]."""
    return own(goods, parameters, floor)  # type: ignore[no-any-return]  # bound per link


def last_utilities(
    family: int, count: int, goods: F64, parameters: F64, floor: float, work: F64, values: F64
) -> bool:
    """Write the utilities of a block of members, or return False."""
    return own(count, goods, parameters, floor, work, values)  # type: ignore[no-any-return]  # bound per link


def last_demands(
    family: int,
    count: int,
    price: F64,
    traded: Bool,
    held: F64,
    wealth: F64,
    parameters: F64,
    worth: F64,
    mode: int,
    low: F64,
    work: F64,
) -> bool:
    """Write optimal holdings of a block of members, or return False."""
    return own(count, price, traded, held, wealth, parameters, worth, mode, low, work)  # type: ignore[no-any-return]  # bound per link


def last_marginal(family: int, goods: F64, parameters: F64, floor: float, k: int) -> float:
    """Return the marginal utility of good k."""
    return own(goods, parameters, floor, k)  # type: ignore[no-any-return]  # bound per link


def last_slopes(
    family: int, goods: F64, parameters: F64, floor: float, k: int
) -> tuple[float, float]:
    """Return the marginal utility of good k, and how it changes with k."""
    return own(goods, parameters, floor, k)  # type: ignore[no-any-return]  # bound per link


def both_slopes(
    family: int, goods: F64, parameters: F64, floor: float, k: int
) -> tuple[float, float]:
    """Return the marginal utility of good k, and how it changes with k, one after the other.

    `marginal` and `hessian` are bound to those of the families in use.
    """
    bend = hessian(family, goods, parameters, floor, k, k)
    return marginal(family, goods, parameters, floor, k), bend


def last_sloped(family: int, goods: F64, parameters: F64) -> bool:
    """Return whether marginal utilities are slopes of utility here."""
    return own(goods, parameters)  # type: ignore[no-any-return]  # bound per link


def last_shape(family: int, goods: F64, parameters: F64) -> int:
    """Return what is known of marginal utilities, as `shapes` has it."""
    return own(goods, parameters)  # type: ignore[no-any-return]  # bound per link


def last_hessian(family: int, goods: F64, parameters: F64, floor: float, k: int, m: int) -> float:
    """Return d2U/dx_k dx_m."""
    return own(goods, parameters, floor, k, m)  # type: ignore[no-any-return]  # bound per link


def last_indifference_count(family: int, parameters: F64, k: int) -> int:
    """Return how many indifference prices good k has."""
    return own(parameters, k)  # type: ignore[no-any-return]  # bound per link


def last_indifference_at(
    family: int,
    parameters: F64,
    money_weight: float,
    mode: int,
    numeraire: int,
    k: int,
    index: int,
) -> float:
    """Return one indifference price of good k."""
    return own(parameters, money_weight, mode, numeraire, k, index)  # type: ignore[no-any-return]  # bound per link


def last_demand(
    family: int,
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
    """Write optimal holdings."""
    own(
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
