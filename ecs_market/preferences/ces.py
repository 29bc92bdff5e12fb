"""Utility with a constant elasticity of substitution, u = (sum of w_k x_k ^ rho) ^ (1 / rho).

Parameters of a row: the weights w, one an entry of the bundle, their logarithms, then rho, kappa
and the scale.  All sums are taken of logarithms, so that no power leaves the range of floats
(K. J. Arrow, H. B. Chenery, B. S. Minhas, R. M. Solow, Review of Economics and Statistics 43,
1961).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ecs_market.kernels.elementary import exp, log
from ecs_market.kernels.jit import absorbed, borrowing, inlined, kernel
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.preferences.rows import LEVEL, LOG, MOST_LOGARITHM, per_bundle, scale_and_kappa
from ecs_market.preferences.shapes import CONVEX
from ecs_market.types import F64, Bool, float64

NAME = "ces"
CODE = 2
KINKED = False
# Steps of Newton's method, which needs about six.
MOST_STEPS = 100
CLOSE = 1e-15
NOTHING = -1e300
# From this rho on marginal utilities are convex in both forms; far below they need not be.
LEAST_CONVEX = -1.0


def width(bundle: int) -> int:
    """Return how many parameters a row takes."""
    return 2 * bundle + 3


def pack(parameters: Mapping[str, Any], bundle: int, money_weight: F64 | None) -> F64:
    """Lay out the parameters of n agents as rows, (n, width)."""
    weights = per_bundle(parameters["weights"], money_weight)
    logs = np.zeros(weights.shape)
    write_logs(weights, logs)
    return np.column_stack([weights, logs, parameters["rho"], scale_and_kappa(parameters)])


@kernel
def write_logs(weights: F64, logs: F64) -> None:
    """Write the logarithms of positive weights."""
    for row in range(weights.shape[0]):
        for k in range(weights.shape[1]):
            if weights[row, k] > 0.0:
                logs[row, k] = log(weights[row, k])


@inlined
def with_term(most: float, total: float, term: float) -> tuple[float, float]:
    """Return the largest logarithm of some terms and the sum of all over it, with one more."""
    if term <= most:
        return most, total + exp(term - most)
    return term, total * exp(most - term) + 1.0 if most > NOTHING else 1.0


@borrowing
def log_terms(goods: F64, parameters: F64, least: float) -> float:
    """Return ln of the sum of w x^rho, a quantity taken at no less than `least`.

    `NOTHING` where no good with a weight is there.
    """
    n = goods.shape[0]
    rho = parameters[2 * n]
    most = NOTHING
    total = 0.0
    for k in range(n):
        quantity = max(goods[k], least)
        if parameters[k] > 0.0 and quantity > 0.0:
            most, total = with_term(most, total, parameters[n + k] + rho * log(quantity))
    return float64(most + log(total)) if most > NOTHING else NOTHING


@borrowing
def log_others(goods: F64, parameters: F64, least: float, traded: Bool) -> float:
    """Return the same as `log_terms` over the goods that are not traded."""
    n = goods.shape[0]
    rho = parameters[2 * n]
    most = NOTHING
    total = 0.0
    for k in range(n):
        quantity = max(goods[k], least)
        if parameters[k] > 0.0 and quantity > 0.0 and not traded[k]:
            most, total = with_term(most, total, parameters[n + k] + rho * log(quantity))
    return float64(most + log(total)) if most > NOTHING else NOTHING


@borrowing
def utility(goods: F64, parameters: F64, floor: float) -> float:
    """Return U at `goods` [unit].

    In the log form, and with rho below 0, a quantity counts as at least `floor`.
    """
    n = goods.shape[0]
    rho = parameters[2 * n]
    level = parameters[2 * n + 2] == LEVEL
    least = 0.0 if level and rho > 0.0 else floor
    terms = log_terms(goods, parameters, least)
    if terms == NOTHING:
        return 0.0
    if level:
        return exp(min(terms / rho, MOST_LOGARITHM))
    return float64(parameters[2 * n + 1] * terms / rho)


@absorbed
def parts(goods: F64, parameters: F64, floor: float, k: int) -> float:
    """Return the sum of w x^rho over the term of good k in it, quantities at least `floor`."""
    n = goods.shape[0]
    rho = parameters[2 * n]
    quantity = max(goods[k], floor)
    total = 1.0
    for m in range(n):
        if m != k and parameters[m] > 0.0:
            apart = parameters[n + m] - parameters[n + k]
            total += exp(apart + rho * log(max(goods[m], floor) / quantity))
    return total


@absorbed
def height(goods: F64, parameters: F64, floor: float, k: int, whole: float) -> float:
    """Return u with every quantity taken at no less than `floor`, from the `parts` of good k."""
    n = goods.shape[0]
    rho = parameters[2 * n]
    terms = parameters[n + k] + rho * log(max(goods[k], floor)) + log(whole)
    return exp(min(terms / rho, MOST_LOGARITHM))


@absorbed
def marginal(goods: F64, parameters: F64, floor: float, k: int) -> float:
    """Return dU/dx_k, taken at no less than `floor`."""
    n = goods.shape[0]
    if parameters[k] <= 0.0:
        return 0.0
    whole = parts(goods, parameters, floor, k)
    found = 1.0 / (whole * max(goods[k], floor))
    if parameters[2 * n + 2] == LOG:
        return float64(parameters[2 * n + 1] * found)
    return float64(height(goods, parameters, floor, k, whole) * found) if found > 0.0 else 0.0


@absorbed
def slopes(goods: F64, parameters: F64, floor: float, k: int) -> tuple[float, float]:
    """Return dU/dx_k and d2U/dx_k^2, the bits of `marginal` and `hessian`, for half the work."""
    n = goods.shape[0]
    if parameters[k] <= 0.0:
        return 0.0, 0.0
    rho = parameters[2 * n]
    whole = parts(goods, parameters, floor, k)
    quantity = max(goods[k], floor)
    share = 1.0 / whole
    found = 1.0 / (whole * quantity)
    bend = 1.0 / (whole * quantity * quantity)
    if parameters[2 * n + 2] == LOG:
        kappa = parameters[2 * n + 1]
        return float64(kappa * found), float64(kappa * bend * (rho * (1.0 - share) - 1.0))
    level = height(goods, parameters, floor, k, whole) if found > 0.0 or bend > 0.0 else 0.0
    slope = float64(level * found) if found > 0.0 else 0.0
    return slope, float64(level * (bend * ((1.0 - rho) * (share - 1.0)))) if bend > 0.0 else 0.0


@borrowing
def shape(goods: F64, parameters: F64) -> int:
    """Return what is known of marginal utilities, as `shapes` has it."""
    return CONVEX if parameters[2 * goods.shape[0]] >= LEAST_CONVEX else 0


@borrowing
def hessian(goods: F64, parameters: F64, floor: float, k: int, m: int) -> float:
    """Return d2U/dx_k dx_m, taken at no less than `floor`."""
    n = goods.shape[0]
    if parameters[k] <= 0.0 or parameters[m] <= 0.0:
        return 0.0
    rho = parameters[2 * n]
    whole = parts(goods, parameters, floor, k)
    share = 1.0 / (whole if k == m else parts(goods, parameters, floor, m))
    own = 1.0 if k == m else 0.0
    bend = 1.0 / (whole * max(goods[k], floor) * max(goods[m], floor))
    if parameters[2 * n + 2] == LOG:
        return float64(parameters[2 * n + 1] * bend * (rho * (own - share) - own))
    if bend == 0.0:
        return 0.0
    bend *= (1.0 - rho) * (share - own)
    return float64(height(goods, parameters, floor, k, whole) * bend)


@borrowing
def log_spending(index: float, others: float, rho: float, kappa: float, worth: float) -> float:
    """Return what is spent of unlimited money in the log form.

    The root of w (1 + C (P / w)^rho) = kappa / lambda, with ln P = `index` and ln C = `others`.
    In ln w the left side's logarithm is convex and increasing, so that Newton's method comes down
    to the root from kappa / lambda.
    """
    most = log(kappa / worth)
    if others == NOTHING:
        return kappa / worth
    spent = most
    for _ in range(MOST_STEPS):
        term = others + rho * (index - spent)
        if term > 0.0:
            tail = exp(-term)
            share = 1.0 / (1.0 + tail)
            gap = spent + term + log(1.0 + tail) - most
        else:
            tail = exp(term)
            share = tail / (1.0 + tail)
            gap = spent + log(1.0 + tail) - most
        step = gap / (1.0 - rho * share)
        spent -= step
        if abs(step) <= CLOSE * max(1.0, abs(spent)):
            break
    return exp(spent)


@borrowing
def level_spending(index: float, others: float, rho: float, wealth: float, worth: float) -> float:
    """Return what is spent in the level form, where dv/dw is (1 + C (P/w)^rho)^(1/rho - 1) / P."""
    power = (log(worth) + index) * rho / (1.0 - rho)
    all_of_it = wealth if log(worth) + index < 0.0 else 0.0
    if others == NOTHING:
        return all_of_it
    if power <= 0.0:
        return wealth if rho > 0.0 else 0.0
    # ln(e^power - 1), which for small powers needs the first terms of the series.
    excess = power
    if power < 1e-5:
        excess = log(power * (1.0 + 0.5 * power))
    elif power < 40.0:
        excess = log(exp(power) - 1.0)
    return exp(min(index + (others - excess) / rho, MOST_LOGARITHM))


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
    rho = parameters[2 * n]
    sigma = 1.0 / (1.0 - rho)
    most = NOTHING
    partial = False
    for k in range(n):
        low[k] = goods[k]
        if traded[k]:
            low[k] = 0.0
            if parameters[k] > 0.0:
                low[k] = sigma * parameters[n + k] + (1.0 - sigma) * log(price[k])
                most = max(most, low[k])
        elif parameters[k] > 0.0:
            partial = True
    if most == NOTHING:
        # Nothing traded here is of use: sold for money, kept where it would have to buy something.
        for k in range(n):
            low[k] = goods[k] if mode != QUASILINEAR else low[k]
            high[k] = low[k]
        return
    total = 0.0
    for k in range(n):
        if traded[k] and parameters[k] > 0.0:
            low[k] = exp(low[k] - most)
            total += low[k]
    spent = wealth
    if mode == QUASILINEAR:
        level = parameters[2 * n + 2] == LEVEL
        if not partial and not level:
            # kappa ln u with u proportional to what is spent.
            spent = min(wealth, float64(parameters[2 * n + 1] / money_weight))
            for k in range(n):
                if traded[k] and parameters[k] > 0.0:
                    low[k] = low[k] / total * spent / price[k]
                high[k] = low[k]
            return
        index = (most + log(total)) / (1.0 - sigma)
        others = NOTHING
        if partial:
            least = 0.0 if level and rho > 0.0 else floor
            others = log_others(goods, parameters, least, traded)
        if level:
            spent = level_spending(index, others, rho, wealth, money_weight)
        else:
            spent = log_spending(index, others, rho, parameters[2 * n + 1], money_weight)
        spent = min(spent, wealth)
    for k in range(n):
        if traded[k] and parameters[k] > 0.0:
            low[k] = low[k] / total * spent / price[k]
        high[k] = low[k]


@borrowing
def log_prices(count: int, price: F64, k: int, work: F64, place: int) -> None:
    """Write the logarithms of good k's price to members of a block; as a rule it is one price."""
    others = 0
    for j in range(count):
        others += 1 if price[k, j] != price[k, 0] else 0
    if others > 0:
        for j in range(count):
            work[place, j] = log(price[k, j])
    else:
        all_of_them = log(price[k, 0])
        for j in range(count):
            work[place, j] = all_of_them


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
    """Write optimal holdings of a block of members, unless spending needs an iteration."""
    n = held.shape[0]
    sigma, most, total = 0, 1, 2
    odd = 0
    if mode == QUASILINEAR:
        for k in range(n):
            if not traded[k]:
                for j in range(count):
                    odd += 1 if own[k, j] > 0.0 else 0
        for j in range(count):
            odd += 1 if own[2 * n + 2, j] == LEVEL else 0
    if odd > 0:
        return False
    for j in range(count):
        work[sigma, j] = 1.0 / (1.0 - own[2 * n, j])
        work[most, j] = NOTHING
    for k in range(n):
        if traded[k]:
            log_prices(count, price, k, work, total)
            for j in range(count):
                at = work[total, j]
                term = work[sigma, j] * own[n + k, j] + (1.0 - work[sigma, j]) * at
                term = term if own[k, j] > 0.0 else NOTHING
                low[k, j] = term
                work[most, j] = max(work[most, j], term)
    for j in range(count):
        odd += 1 if work[most, j] == NOTHING else 0
        work[total, j] = 0.0
    if odd > 0:
        return False
    for k in range(n):
        if traded[k]:
            for j in range(count):
                low[k, j] = exp(low[k, j] - work[most, j])
                work[total, j] += low[k, j]
    spent = sigma
    for j in range(count):
        work[spent, j] = wealth[j]
        if mode == QUASILINEAR:
            work[spent, j] = min(wealth[j], own[2 * n + 1, j] / worth[j])
    for k in range(n):
        if traded[k]:
            for j in range(count):
                low[k, j] = low[k, j] / work[total, j] * work[spent, j] / price[k, j]
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
        odd += 1 if own[2 * n + 2, j] == LEVEL else 0
        work[n, j] = NOTHING
        values[j] = 0.0
    if odd > 0:
        return False
    for k in range(n):
        for j in range(count):
            quantity = max(floor, goods[k, j])
            term = own[n + k, j] + own[2 * n, j] * log(quantity)
            term = term if own[k, j] > 0.0 else NOTHING
            most = max(work[n, j], term)
            values[j] = values[j] * exp(work[n, j] - most) + exp(term - most)
            work[n, j] = most
    for j in range(count):
        terms = work[n, j] + log(values[j])
        value = own[2 * n + 1, j] * terms / own[2 * n, j]
        values[j] = value if work[n, j] > NOTHING else 0.0
    return True
