"""What an agent would pay for its next lots of a good, or take for them: exact to the price step.

The plain functions are templates, copied for the families in use with `utility` (and the functions
built on it) bound to those; see `bind`.  Money is a unit of account nowhere here: an agent either
values it (`money_weight`) or has it in its bundle (`IN_UTILITY`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ecs_market.kernels.jit import inlined, kernel, specialise
from ecs_market.kernels.wide import mul_div
from ecs_market.preferences import families
from ecs_market.preferences.chain import last_utility as utility
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.types import F64, I64, float64, int64

BUY, SELL = 1, -1
# Utilities are compared up to this share of their size: the float error of the comparison.
NOISE = 1e-12
BILLION = 1_000_000_000


@inlined
def fee_on(payment: int, lots: int, fee_ppb: int, fee_per_lot: int) -> int:
    """Return what one side pays to the post on a trade, rounded down once [minor unit]."""
    if fee_ppb == 0:
        return int64(lots) * fee_per_lot
    return mul_div(payment, fee_ppb, BILLION)[0] + int64(lots) * fee_per_lot


@kernel
def affordable(money: int, price: int, most: int, fee_ppb: int, fee_per_lot: int) -> int:
    """Return how many lots, at most `most`, `money` [minor unit] buys at a price, fee included."""
    if price <= 0 or money <= 0:
        return int64(0)
    high = min(int64(most), int64(money) // price)
    if fee_ppb == 0 and fee_per_lot == 0:
        return high
    low = int64(0)
    while low < high:
        middle = low + (high - low + 1) // 2
        payment = middle * price
        # Compared so that no sum can exceed 63 bits.
        if fee_on(payment, middle, fee_ppb, fee_per_lot) <= money - payment:
            low = middle
        else:
            high = middle - 1
    return low


@kernel
def fill_bundle(goods: I64, money: int, lot_size: float, minor_size: float, bundle: F64) -> None:
    """Write holdings as a family sees them: goods [unit] and, if there is a place for it, money."""
    for k in range(goods.shape[0]):
        bundle[k] = float64(goods[k]) * lot_size
    if bundle.shape[0] > goods.shape[0]:
        bundle[goods.shape[0]] = float64(money) * minor_size


def gain_from(
    family: int,
    goods: I64,
    money: int,
    k: int,
    change: int,
    paid: int,
    parameters: F64,
    weight: float,
    mode: int,
    lot_size: float,
    minor_size: float,
    bundle: F64,
) -> float:
    """Return the change in utility [utility] of `change` lots more of good k for `paid`.

    Parameters
    ----------
    family, parameters, weight
        The agent's family code, row of parameters and money weight.
    goods, money
        What it owns: int64 (K,) [lot] and minor units.
    change, paid
        Lots and minor units; both negative for a sale.
    bundle
        Scratch, float64 (K,), or (K + 1,) in `IN_UTILITY` mode.

    Returns
    -------
    float
        0 within the float error of the comparison.
    """
    floor = 0.5 * lot_size
    fill_bundle(goods, money, lot_size, minor_size, bundle)
    old = utility(family, bundle, parameters, floor)
    bundle[k] = float64(goods[k] + change) * lot_size
    spent = 0.0
    if mode == QUASILINEAR:
        spent = weight * (float64(paid) * minor_size)
    else:
        bundle[goods.shape[0]] = float64(money - paid) * minor_size
    new = utility(family, bundle, parameters, floor)
    found = new - old - spent
    return 0.0 if abs(found) <= NOISE * (abs(old) + abs(new) + abs(spent)) else found


def limit_price(
    side: int,
    family: int,
    goods: I64,
    money: int,
    k: int,
    lots: int,
    parameters: F64,
    weight: float,
    mode: int,
    lot_size: float,
    minor_size: float,
    fee_ppb: int,
    fee_per_lot: int,
    most: int,
    bundle: F64,
) -> int:
    """Return the price [price step] at which a trade of `lots` lots leaves the agent as it is.

    A buyer (`side` BUY) is no worse off at this price or below it, a seller (SELL, which must own
    the lots) at this price or above it, fees included: the marginal rate of the next `lots` lots,
    rounded to the step on the agent's own side.  `most` is the highest price there may be (a
    payment for all lots must fit 63 bits with it); the other parameters are those of `gain_from`.

    Returns
    -------
    int
        From 1 on; 0 if there is no such price: a buyer would not pay a step, or could not in
        `IN_UTILITY` mode; nobody could pay what the seller asks.  Whether a buyer has the money
        is otherwise for the caller to see (`affordable`).
    """
    change = int64(side) * lots
    if mode == QUASILINEAR:
        floor = 0.5 * lot_size
        fill_bundle(goods, money, lot_size, minor_size, bundle)
        old = utility(family, bundle, parameters, floor)
        bundle[k] = float64(goods[k] + change) * lot_size
        new = utility(family, bundle, parameters, floor)
        if weight <= 0.0:
            return int64(0)
        scale = weight * minor_size * float64(lots)
        rate = abs(new - old) / scale if (new > old) == (side > 0) else 0.0
        error = min(0.5, NOISE * ((abs(old) + abs(new)) / scale + rate))
        share = float64(fee_ppb) / 1e9
        if side > 0:
            price = (rate - float64(fee_per_lot)) / (1.0 + share) + error
            return int64(min(float64(most), price)) if price >= 1.0 else int64(0)
        if share >= 1.0:
            return int64(0)
        price = (rate + float64(fee_per_lot)) / (1.0 - share) - error
        if price > float64(most):
            return int64(0)
        steps = int64(max(1.0, price))
        if float64(steps) < price:
            steps += 1
        return steps if steps <= most else int64(0)
    return indifferent_price(
        side,
        family,
        goods,
        money,
        k,
        lots,
        parameters,
        weight,
        mode,
        lot_size,
        minor_size,
        fee_ppb,
        fee_per_lot,
        most,
        bundle,
    )


def indifferent_price(
    side: int,
    family: int,
    goods: I64,
    money: int,
    k: int,
    lots: int,
    parameters: F64,
    weight: float,
    mode: int,
    lot_size: float,
    minor_size: float,
    fee_ppb: int,
    fee_per_lot: int,
    most: int,
    bundle: F64,
) -> int:
    """Return `limit_price` where money is in the bundle, by bisection on whole price steps."""
    change = int64(side) * lots
    # Prices up to `low` suit a buyer, from `high` on a seller; the ends are never tried.
    low = int64(0)
    high = int64(most) + 1
    if side > 0:
        high = min(high, int64(money) // lots + 1)
        # Nobody bids for what adds nothing, even where money is worth nothing to it either.
        gift = (goods, money, k, change, 0, parameters, weight, mode, lot_size, minor_size, bundle)
        if gain_from(family, *gift) <= 0.0:
            return int64(0)
    while high - low > 1:
        price = low + (high - low) // 2
        payment = price * lots
        fee = fee_on(payment, lots, fee_ppb, fee_per_lot)
        paid = payment + fee if side > 0 else fee - payment
        suits = paid <= money
        if suits:
            suits = (
                gain_from(
                    family,
                    goods,
                    money,
                    k,
                    change,
                    paid,
                    parameters,
                    weight,
                    mode,
                    lot_size,
                    minor_size,
                    bundle,
                )
                >= 0.0
            )
        if suits == (side > 0):
            low = price
        else:
            high = price
    if side > 0:
        return low
    return high if high <= most else int64(0)


@dataclass(frozen=True, slots=True)
class Quoting:
    """The functions of this module for a set of families."""

    name: str
    gain_from: Callable[..., float]
    limit_price: Callable[..., int]


@functools.cache
def bind(codes: tuple[int, ...]) -> Quoting:
    """Return `gain_from` and `limit_price` for the families in use, given as ascending codes."""
    chosen = families.dispatch(codes)
    names: dict[str, Any] = {"utility": chosen.utility}
    gain = specialise(gain_from, f"gain_from_{chosen.name}", **names)
    indifferent = specialise(indifferent_price, f"indifferent_price_{chosen.name}", gain_from=gain)
    limit = specialise(
        limit_price, f"limit_price_{chosen.name}", indifferent_price=indifferent, **names
    )
    return Quoting(chosen.name, gain, limit)
