"""The utility families that come with the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

from ecs_market.registry import Entry, Parameter

_SCALE = Parameter(
    "scale", "choice", "log: U = kappa ln u; level: U = u.", "log", choices=("log", "level")
)
_KAPPA = Parameter(
    "kappa",
    "number",
    "Factor of the log scale; auto: u at the midpoint of the group's declared initial endowment.",
    "auto",
    above=0.0,
    maximum=1e12,
    choices=("auto",),
)
_EXPONENTS = Parameter(
    "exponents",
    "per_good",
    "Exponent of each good, in the order of goods.",
    minimum=0.0,
    maximum=1e3,
    required=True,
)
_WEIGHTS = Parameter(
    "weights",
    "per_good",
    "Weight of each good, in the order of goods.",
    minimum=0.0,
    maximum=1e9,
    required=True,
)


def _number(value: float) -> Decimal:
    return Decimal(repr(float(value)))


def _with_money(listed: Sequence[float], money_weight: float | None) -> list[Decimal]:
    numbers = [_number(each) for each in listed]
    return numbers if money_weight is None else [*numbers, _number(money_weight)]


def level_of_product(
    parameters: Mapping[str, Any], quantities: Sequence[Decimal], money_weight: float | None
) -> Decimal:
    """Return the product of the quantities, each above its subsistence, to its exponent."""
    exponents = _with_money(parameters["exponents"], money_weight)
    least = [_number(each) for each in parameters.get("subsistence") or ()]
    level = Decimal(1)
    for index, (exponent, quantity) in enumerate(zip(exponents, quantities, strict=True)):
        above = quantity - least[index] if index < len(least) else quantity
        if exponent > 0:
            level *= above**exponent if above > 0 else Decimal(0)
    return level


def level_of_ces(
    parameters: Mapping[str, Any], quantities: Sequence[Decimal], money_weight: float | None
) -> Decimal:
    """Return the weighted mean of order rho of the quantities."""
    weights = _with_money(parameters["weights"], money_weight)
    rho = _number(parameters["rho"])
    pairs = [pair for pair in zip(weights, quantities, strict=True) if pair[0] > 0]
    if rho < 0 and any(quantity <= 0 for _, quantity in pairs):
        return Decimal(0)
    if rho == 0:
        level = Decimal(1)
        for weight, quantity in pairs:
            level *= quantity**weight
        return level
    total = sum(weight * quantity**rho for weight, quantity in pairs)
    return Decimal(total) ** (1 / rho)


def level_of_leontief(
    parameters: Mapping[str, Any], quantities: Sequence[Decimal], money_weight: float | None
) -> Decimal:
    """Return how many bundles of the fixed proportions the quantities make."""
    needed = _with_money(parameters["coefficients"], money_weight)
    return min(quantity / need for need, quantity in zip(needed, quantities, strict=True) if need)


def check_induced(
    parameters: Mapping[str, Any], goods: tuple[str, ...], mode: str
) -> list[tuple[str, str]]:
    """Refuse values that rise and costs that fall from step to step."""
    found = []
    for key, sign, word in (("values", -1, "rise"), ("costs", 1, "fall")):
        for good, curve in zip(goods, parameters.get(key) or (), strict=False):
            if any(sign * (b - a) < 0 for a, b in pairwise(curve)):
                found.append((key, f"{key} of {good} must not {word} from step to step"))
    if not any(map(any, (parameters.get("values") or (), parameters.get("costs") or ()))):
        found.append(("values", "give values, costs or both"))
    return found


ENTRIES: tuple[Entry, ...] = (
    Entry(
        "family",
        "linear",
        "2025.10.29",
        "Perfect substitutes: u is the weighted sum of the quantities.",
        (),
        (_WEIGHTS,),
        module="ecs_market.preferences.linear",
    ),
    Entry(
        "family",
        "cobb_douglas",
        "2025.10.29",
        "u is the product of the quantities, each to the power of its exponent.",
        (),
        (_EXPONENTS, _SCALE, _KAPPA),
        module="ecs_market.preferences.cobb_douglas",
        level=level_of_product,
    ),
    Entry(
        "family",
        "ces",
        "2025.10.29",
        "Constant elasticity of substitution 1 / (1 - rho).",
        (),
        (
            _WEIGHTS,
            Parameter(
                "rho",
                "number",
                "Substitution: below 0 complements, above 0 substitutes.",
                minimum=-50.0,
                maximum=0.99,
                required=True,
            ),
            _SCALE,
            _KAPPA,
        ),
        module="ecs_market.preferences.ces",
        level=level_of_ces,
    ),
    Entry(
        "family",
        "leontief",
        "2025.10.29",
        "Fixed proportions: u is the smallest of quantity over coefficient.",
        (),
        (
            Parameter(
                "coefficients",
                "per_good",
                "Quantity of each good in one bundle, in the order of goods.",
                minimum=0.0,
                maximum=1e9,
                required=True,
            ),
            _SCALE,
            _KAPPA,
        ),
        module="ecs_market.preferences.leontief",
        level=level_of_leontief,
    ),
    Entry(
        "family",
        "quadratic",
        "2025.10.29",
        "u falls with the squared distance from the bliss point.",
        (),
        (
            Parameter(
                "bliss",
                "per_good",
                "Best quantity of each good [unit].",
                minimum=0.0,
                maximum=1e9,
                required=True,
            ),
            Parameter(
                "sigma",
                "per_good",
                "Distance from the best quantity that costs 1 [unit].",
                above=0.0,
                maximum=1e9,
                required=True,
            ),
            Parameter(
                "gamma",
                "number",
                "Weight of the product of the distances of each two goods.",
                0.0,
                minimum=-1e9,
                maximum=1e9,
            ),
        ),
        module="ecs_market.preferences.quadratic",
    ),
    Entry(
        "family",
        "stone_geary",
        "2025.10.29",
        "Cobb-Douglas in what exceeds the subsistence quantities.",
        (),
        (
            _EXPONENTS,
            Parameter(
                "subsistence",
                "per_good",
                "Least quantity of each good [unit].",
                minimum=0.0,
                maximum=1e9,
                required=True,
                nonzero=False,
            ),
            _KAPPA,
        ),
        module="ecs_market.preferences.stone_geary",
        level=level_of_product,
    ),
    Entry(
        "family",
        "translog",
        "2025.10.29",
        "ln u is a quadratic form of the logarithms of the quantities.",
        (),
        (
            _EXPONENTS,
            Parameter(
                "cross",
                "matrix",
                "Symmetric coefficients of the products of two logarithms, halved.",
                minimum=-1e3,
                maximum=1e3,
                required=True,
            ),
            _KAPPA,
        ),
        module="ecs_market.preferences.translog",
    ),
    Entry(
        "family",
        "induced_value",
        "2025.10.29",
        "Laboratory values and costs: a worth for each step of each good, plus money.",
        (),
        (
            Parameter(
                "values",
                "curves",
                "Worth of each further step of each good [utility]; must not rise.",
                minimum=0.0,
                maximum=1e9,
            ),
            Parameter(
                "costs",
                "curves",
                "Cost of each further step sold of each good [utility]; must not fall.",
                minimum=0.0,
                maximum=1e9,
            ),
            Parameter("unit", "integer", "Lots of one step.", 1, minimum=1),
        ),
        module="ecs_market.preferences.induced_value",
        modes=("quasilinear",),
        check=check_induced,
    ),
)
