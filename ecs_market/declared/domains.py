"""What parameters of utility families must satisfy together, and the level u that kappa is set by.

Plain functions of a declaration, without kernels: `check(parameters, goods, mode)` gives what is
wrong as pairs of a key and a message, `level(parameters, quantities, money_weight)` gives u.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise, product
from typing import Any, TypeAlias

Parameters: TypeAlias = Mapping[str, Any]
Faults: TypeAlias = list[tuple[str, str]]

# Steps of a curve of values or costs that a row of parameters has room for.
LONGEST_CURVE = 64
# A CES utility nearer to Cobb-Douglas than this is not told from it.
LEAST_RHO = 1e-6
# Quantities [unit] between which a translog utility must be well-behaved, and points a side of the
# grid on which that is looked at.
LEAST_QUANTITY, MOST_QUANTITY = 0.1, 100.0
GRID = 25
# Rounding that a second-order condition may miss by.
SLACK = 1e-12


def _two_goods(family: str, key: str, goods: Sequence[str]) -> Faults:
    if len(goods) == 2:
        return []
    return [(key, f"{family} is for exactly two goods, here are {len(goods)}")]


def check_ces(parameters: Parameters, goods: tuple[str, ...], mode: str) -> Faults:
    """Check that rho is not 0, where the formula has no value."""
    rho = parameters["rho"]
    if abs(rho) >= LEAST_RHO:
        return []
    limit = "is 0" if rho == 0.0 else f"is nearer to 0 than {LEAST_RHO:g}"
    return [("rho", f"{limit}; use the family cobb_douglas, which is the limit there")]


def check_quadratic(parameters: Parameters, goods: tuple[str, ...], mode: str) -> Faults:
    """Check that the form is strictly concave, for two goods."""
    faults = _two_goods("quadratic", "bliss", goods)
    if faults:
        return faults
    first, second = parameters["sigma"]
    bound = 2.0 / (first * second)
    if abs(parameters["gamma"]) >= bound:
        reason = f"must be between -{bound:g} and {bound:g}, 2 / (sigma of {goods[0]} x sigma of "
        reason += f"{goods[1]}), exclusive, or utility is not concave; got {parameters['gamma']:g}"
        return [("gamma", reason)]
    return []


def check_translog(parameters: Parameters, goods: tuple[str, ...], mode: str) -> Faults:
    """Check that utility rises in both goods and its better sets are convex, for two goods.

    Looked at on a grid of quantities from 0.1 to 100 units.  Where money is outside the bundle
    (quasilinear) utility must be concave, so that the best spending is unique.
    """
    faults = _two_goods("translog", "exponents", goods)
    if faults:
        return faults
    cross = parameters["cross"]
    if cross[0][1] != cross[1][0]:
        return [("cross", f"must be symmetric, got {cross[0][1]:g} and {cross[1][0]:g}")]
    first, second, bent = cross[0][0], cross[1][1], cross[0][1]
    span = math.log(MOST_QUANTITY / LEAST_QUANTITY)
    points = [math.log(LEAST_QUANTITY) + span * i / (GRID - 1) for i in range(GRID)]
    where = f"between {LEAST_QUANTITY:g} and {MOST_QUANTITY:g} units of each good"
    for a, b in product(points, points):
        e_0 = parameters["exponents"][0] + first * a + bent * b
        e_1 = parameters["exponents"][1] + second * b + bent * a
        at = f"{math.exp(a):.3g} {goods[0]} and {math.exp(b):.3g} {goods[1]}"
        if e_0 <= 0.0 or e_1 <= 0.0:
            falling = goods[0] if e_0 <= 0.0 else goods[1]
            return [("cross", f"utility must rise {where}, but not in {falling} at {at}")]
        # The bordered and the plain second-order conditions, times the squares of the quantities.
        bend = (first - e_0) * e_1 * e_1 + (second - e_1) * e_0 * e_0 - 2.0 * bent * e_0 * e_1
        if bend > SLACK:
            return [("cross", f"utility must be quasi-concave {where}, but is not at {at}")]
        size = (first - e_0) * (second - e_1) - bent * bent
        if mode == "quasilinear" and (first > e_0 + SLACK or size < -SLACK):
            reason = f"utility must be concave {where} with money mode quasilinear, but is not at "
            return [("cross", reason + at)]
    return []


def check_induced(parameters: Parameters, goods: tuple[str, ...], mode: str) -> Faults:
    """Check that values do not rise nor costs fall, and that a good has one or the other."""
    faults = []
    curves = {key: parameters.get(key) or () for key in ("values", "costs")}
    for key, sign, word in (("values", -1, "rise"), ("costs", 1, "fall")):
        for good, curve in zip(goods, curves[key], strict=False):
            if any(sign * (after - before) < 0 for before, after in pairwise(curve)):
                faults.append((key, f"{key} of {good} must not {word} from step to step"))
            if len(curve) > LONGEST_CURVE:
                reason = f"{key} of {good} have {len(curve)} steps, at most {LONGEST_CURVE} are"
                faults.append((key, f"{reason} possible; choose a larger unit"))
    for good, values, costs in zip(goods, curves["values"], curves["costs"], strict=False):
        if len(values) and len(costs):
            faults.append(("costs", f"{good} has values already; an agent buys or sells a good"))
    if not any(map(len, (*curves["values"], *curves["costs"]))):
        faults.append(("values", "give values, costs or both"))
    return faults


def _decimal(value: float) -> Decimal:
    return Decimal(repr(float(value)))


def _with_money(listed: Sequence[float], money_weight: float | None) -> list[Decimal]:
    numbers = [_decimal(each) for each in listed]
    return numbers if money_weight is None else [*numbers, _decimal(money_weight)]


def level_of_product(
    parameters: Parameters, quantities: Sequence[Decimal], money_weight: float | None
) -> Decimal:
    """Return the product of the quantities, each above its subsistence, to its exponent."""
    exponents = _with_money(parameters["exponents"], money_weight)
    least = [_decimal(each) for each in parameters.get("subsistence") or ()]
    level = Decimal(1)
    for index, (exponent, quantity) in enumerate(zip(exponents, quantities, strict=True)):
        above = quantity - least[index] if index < len(least) else quantity
        if exponent > 0:
            level *= above**exponent if above > 0 else Decimal(0)
    return level


def level_of_ces(
    parameters: Parameters, quantities: Sequence[Decimal], money_weight: float | None
) -> Decimal:
    """Return (sum of w x^rho) ^ (1 / rho)."""
    weights = _with_money(parameters["weights"], money_weight)
    rho = _decimal(parameters["rho"])
    pairs = [(w, x) for w, x in zip(weights, quantities, strict=True) if w > 0]
    if rho < 0 and any(x <= 0 for _, x in pairs):
        return Decimal(0)
    total = sum((w * x**rho for w, x in pairs if x > 0), Decimal(0))
    return total ** (1 / rho) if total > 0 else Decimal(0)


def level_of_leontief(
    parameters: Parameters, quantities: Sequence[Decimal], money_weight: float | None
) -> Decimal:
    """Return how many bundles of the fixed proportions the quantities make."""
    needed = _with_money(parameters["coefficients"], money_weight)
    return min(x / need for need, x in zip(needed, quantities, strict=True) if need > 0)


def level_of_translog(
    parameters: Parameters, quantities: Sequence[Decimal], money_weight: float | None
) -> Decimal:
    """Return e to the power of the quadratic form of the logarithms of the quantities."""
    if any(quantity <= 0 for quantity in quantities):
        return Decimal(0)
    logs = [quantity.ln() for quantity in quantities]
    exponents = [_decimal(each) for each in parameters["exponents"]]
    total = sum((a * x for a, x in zip(exponents, logs, strict=True)), Decimal(0))
    for row, x in zip(parameters["cross"], logs, strict=True):
        for bend, y in zip(row, logs, strict=True):
            total += _decimal(bend) * x * y / 2
    return total.exp()
