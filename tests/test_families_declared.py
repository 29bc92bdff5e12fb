"""What a declaration of preferences is checked for, and the level that sets kappa."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

from ecs_market.declared.domains import LONGEST_CURVE
from ecs_market.registry import find

GOODS = ("A", "B")
PLAIN_TRANSLOG = {"exponents": (0.5, 0.5), "cross": ((-0.02, 0.02), (0.02, -0.02))}


def faults(family: str, parameters: dict[str, Any], mode: str = "quasilinear") -> list[str]:
    """Return what is wrong, as key and message."""
    check = find("family", family).check
    assert check is not None
    return [f"{key}: {message}" for key, message in check(parameters, GOODS, mode)]


@pytest.mark.parametrize(
    ("family", "parameters", "words"),
    [
        ("ces", {"rho": 0.0}, "rho: is 0; use the family cobb_douglas"),
        ("ces", {"rho": 1e-9}, "nearer to 0 than 1e-06; use the family cobb_douglas"),
        ("quadratic", {"sigma": (2.0, 1.0), "gamma": 1.0}, "between -1 and 1"),
        ("quadratic", {"sigma": (2.0, 1.0), "gamma": -1.5}, "not concave; got -1.5"),
        ("translog", PLAIN_TRANSLOG | {"cross": ((0, 0.1), (0.2, 0))}, "symmetric"),
        ("translog", PLAIN_TRANSLOG | {"cross": ((-0.3, 0), (0, 0))}, "must rise"),
        ("translog", PLAIN_TRANSLOG | {"cross": ((0.4, -0.3), (-0.3, 0.4))}, "cross: utility must"),
        ("induced_value", {"values": ((1.0, 2.0), ()), "costs": ((), ())}, "values of A must not"),
        ("induced_value", {"values": ((), ()), "costs": ((), (2.0, 1.0))}, "costs of B must not"),
        ("induced_value", {"values": ((1.0,), ()), "costs": ((1.0,), ())}, "A has values already"),
        ("induced_value", {"values": ((), ()), "costs": None}, "give values, costs or both"),
        ("induced_value", {"values": ((1.0,) * (LONGEST_CURVE + 1), ())}, "at most 64"),
    ],
)
def test_parameters_that_do_not_fit_together(
    family: str, parameters: dict[str, Any], words: str
) -> None:
    found = faults(family, parameters)
    assert len(found) == 1
    assert words in found[0]


def test_parameters_that_fit_together() -> None:
    assert not faults("ces", {"rho": -50.0})
    assert not faults("quadratic", {"sigma": (2.0, 1.0), "gamma": 0.99})
    assert not faults("translog", PLAIN_TRANSLOG)
    assert not faults("induced_value", {"values": ((3.0, 3.0), ()), "costs": ((), (1.0, 2.0))})


@pytest.mark.parametrize("family", ["quadratic", "translog"])
def test_two_goods_only(family: str) -> None:
    check = find("family", family).check
    assert check is not None
    ((_, message),) = check({}, ("A", "B", "C"), "quasilinear")
    assert "exactly two goods, here are 3" in message


def test_a_translog_may_be_quasi_concave_only_where_money_does_not_count() -> None:
    # An increasing function of ln(a b), steeper the more there is: better sets stay convex.
    bent = {"exponents": (0.3, 0.3), "cross": ((0.06, 0.06), (0.06, 0.06))}
    assert faults("translog", bent, "unit_of_account") == []
    (fault,) = faults("translog", bent)
    assert "must be concave" in fault


def test_levels_that_set_kappa() -> None:
    held = [Decimal(10), Decimal("2.5")]
    both: dict[str, tuple[dict[str, Any], float]] = {
        "cobb_douglas": ({"exponents": (0.6, 0.4)}, 10**0.6 * 2.5**0.4),
        "stone_geary": (
            {"exponents": (0.6, 0.4), "subsistence": (1.0, 0.5)},
            9**0.6 * 2**0.4,
        ),
        "ces": ({"weights": (0.6, 0.4), "rho": -1.0}, 1 / (0.06 + 0.16)),
        "leontief": ({"coefficients": (4.0, 2.0)}, 1.25),
        "translog": (
            PLAIN_TRANSLOG,
            math.exp(
                0.5 * math.log(25)
                - 0.01 * (math.log(10) ** 2 + math.log(2.5) ** 2)
                + 0.02 * math.log(10) * math.log(2.5)
            ),
        ),
    }
    for family, (parameters, expected) in both.items():
        level = find("family", family).level
        assert level is not None
        assert float(level(parameters, held, None)) == pytest.approx(expected, rel=1e-14)
    level = find("family", "leontief").level
    assert level is not None
    assert level({"coefficients": (4.0, 0.0)}, [*held, Decimal(1)], 2.0) == Decimal("0.5")
    level = find("family", "stone_geary").level
    assert level is not None
    poor = {"exponents": (0.6, 0.4), "subsistence": (11.0, 0.5)}
    assert level(poor, held, None) == 0
