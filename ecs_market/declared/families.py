"""The utility families that come with the engine."""

from __future__ import annotations

from ecs_market.declared.domains import (
    check_ces,
    check_induced,
    check_quadratic,
    check_translog,
    level_of_ces,
    level_of_leontief,
    level_of_product,
    level_of_translog,
)
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
                "Substitution: below 0 complements, above 0 substitutes; below 1 and not 0.",
                minimum=-1000.0,
                maximum=0.9999,
                required=True,
            ),
            _SCALE,
            _KAPPA,
        ),
        module="ecs_market.preferences.ces",
        check=check_ces,
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
                "Quantity of each good in one bundle, 0 for a good of no use.",
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
                nonzero=False,
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
                "Weight of the product of both distances; below 2 / (sigma x sigma) in size.",
                0.0,
                minimum=-1e9,
                maximum=1e9,
            ),
        ),
        module="ecs_market.preferences.quadratic",
        modes=("quasilinear", "unit_of_account"),
        check=check_quadratic,
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
                nonzero=False,
            ),
            _KAPPA,
        ),
        module="ecs_market.preferences.translog",
        modes=("quasilinear", "unit_of_account"),
        check=check_translog,
        level=level_of_translog,
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
                "Worth of each further step of each good [utility / unit]; must not rise.",
                minimum=0.0,
                maximum=1e9,
            ),
            Parameter(
                "costs",
                "curves",
                "Cost of each further step sold [utility / unit]; must not fall.",
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
