"""Prices that run away do not pass for prices that clear, and the interior ones are found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ecs_market import clear

CAPPED = {"lot": 1e-3, "price_step": 1e-4}


def group(name: str, held: dict[str, float], family: str, **taste: Any) -> dict[str, Any]:
    """Return one agent that owns `held`."""
    tastes = [{"type": family, **taste}]
    return {"name": name, "count": 1, "inventories": held, "utilities": tastes}


def cleared(groups: list[dict[str, Any]], mode: str) -> Any:
    return clear(groups, units=CAPPED, money={"mode": mode})


def test_complements_are_not_priced_at_the_cap() -> None:
    """CES with rho -4 and as much of A as of B: p = (goods' total over money's)^-5 = 32."""
    groups = [
        group("a", {"A": 15, "B": 5, "M": 30}, "ces", weights=[1, 1], rho=-4),
        group("b", {"A": 5, "B": 15, "M": 10}, "ces", weights=[1, 1], rho=-4),
    ]
    result = cleared(groups, "in_utility")
    assert result.status == "converged"
    assert [result.prices["A"], result.prices["B"]] == pytest.approx([32.0, 32.0], rel=1e-5)
    # Wealth is 640 + 30 and 640 + 10, and alike tastes hold money in proportion to it.
    np.testing.assert_allclose(result.money, [40 * 670 / 1320, 40 * 650 / 1320], atol=0.05)


@pytest.mark.parametrize("rho", [-1.0, -4.0])
@pytest.mark.parametrize("money", [30.0, 100.0])
def test_alike_tastes_have_the_price_of_the_whole_bundle(rho: float, money: float) -> None:
    """Homothetic and alike: everybody's marginal rates are those at what there is."""
    weights = [0.5, 0.5]
    groups = [
        group("a", {"A": 10, "B": 2, "M": money}, "ces", weights=weights, rho=rho),
        group("b", {"A": 3, "B": 12, "M": money}, "ces", weights=weights, rho=rho),
    ]
    result = cleared(groups, "in_utility")
    assert result.status == "converged"
    expected = [0.5 * (2 * money / owned) ** (1 - rho) for owned in (13, 14)]
    assert [result.prices["A"], result.prices["B"]] == pytest.approx(expected, rel=1e-5)


def test_money_of_little_worth_is_judged_as_strictly_as_goods() -> None:
    taste = {"exponents": [0.5, 0.5], "money_weight": 1e-6}
    groups = [
        group("a", {"A": 10, "B": 2, "M": 100}, "cobb_douglas", **taste),
        group("b", {"A": 1, "B": 10, "M": 100}, "cobb_douglas", **taste),
    ]
    result = cleared(groups, "in_utility")
    assert result.status == "converged"
    assert result.prices["A"] == pytest.approx(0.5 / 1e-6 * 200 / 11, rel=1e-5)


def test_no_status_is_converged_where_the_numeraire_has_no_worth() -> None:
    leontief = {"coefficients": [1, 1]}
    abundant = [
        group("a", {"A": 10, "B": 2, "M": 100}, "leontief", **leontief),
        group("b", {"A": 3, "B": 12, "M": 100}, "leontief", **leontief),
    ]
    dear = [
        group("a", {"A": 10, "B": 2, "M": 100}, "cobb_douglas", exponents=[0.5, 0.5], kappa=1e12),
        group("b", {"A": 1, "B": 10, "M": 100}, "cobb_douglas", exponents=[0.5, 0.5], kappa=1e12),
    ]
    worthless = [
        group("a", {"A": 10, "B": 2, "C": 10}, "cobb_douglas", exponents=[0.5, 0.5, 0]),
        group("b", {"A": 3, "B": 12, "C": 10}, "cobb_douglas", exponents=[0.3, 0.7, 0]),
    ]
    for groups, mode in (
        (abundant, "in_utility"),
        (dear, "quasilinear"),
        (worthless, "unit_of_account"),
    ):
        for each in groups:
            each["inventories"].setdefault("M", 0)
        assert cleared(groups, mode).status in {"failed", "boundary"}


def test_a_search_that_strays_is_taken_up_again() -> None:
    groups = [
        group("a", {"A": 20, "B": 6, "M": 20}, "ces", weights=[0.74, 0.49], rho=-2),
        group("b", {"A": 2, "B": 17, "M": 60}, "ces", weights=[0.43, 0.54], rho=-2),
    ]
    result = cleared(groups, "in_utility")
    assert result.status == "converged"
    prices = [result.prices["A"], result.prices["B"]]
    assert prices == pytest.approx([28.665, 21.487], abs=1e-3)
