"""What nobody wants all of is free, and does not keep the rest of its post from trading."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ecs_market import clear

UNITS = {"lot": 1e-3, "price_step": 1e-4}


def group(name: str, held: dict[str, float], **taste: Any) -> dict[str, Any]:
    """Return one agent that owns `held`."""
    return {"name": name, "count": 1, "inventories": {"M": 50, **held}, "utilities": [taste]}


def pair(first: dict[str, float], second: dict[str, float], **taste: Any) -> list[dict[str, Any]]:
    return [group("a", first, **taste), group("b", second, **taste)]


@pytest.mark.parametrize("ways", [["newton", "no_trade"], ["newton", "bilateral"]])
def test_a_good_worth_nothing_does_not_stop_the_other(ways: list[str]) -> None:
    """A alone clears at 10 x .5 x 2 / 12, and does so beside B, which everybody would sell."""
    groups = pair(
        {"A": 10, "B": 5}, {"A": 2, "B": 5}, type="cobb_douglas", exponents=[0.5, 0.0], kappa=10
    )
    result = clear(groups, units=UNITS, mechanism_params={"on_failure": ways})
    assert result.status == "boundary"
    assert result.prices["A"] == pytest.approx(10 / 12, abs=1e-4)
    assert result.prices["B"] == UNITS["price_step"]
    np.testing.assert_allclose(result.goods, [[6, 5], [6, 5]], atol=2e-3)
    assert (result.gains > 0.0).all()


def test_without_newton_it_is_not_known_whether_a_good_is_free() -> None:
    groups = pair(
        {"A": 10, "B": 5}, {"A": 2, "B": 5}, type="cobb_douglas", exponents=[0.5, 0.0], kappa=10
    )
    result = clear(groups, units=UNITS, mechanism_params={"on_failure": ["no_trade"]})
    assert (result.status, sum(result.volume.values())) == ("boundary", 0.0)


def test_the_abundant_half_of_a_pair_is_free() -> None:
    """Wanted in equal numbers, 13 of A and 14 of B: one of B is left over, and A has its worth."""
    groups = pair(
        {"A": 10, "B": 2}, {"A": 3, "B": 12}, type="leontief", coefficients=[1, 1], kappa=10
    )
    result = clear(groups, units=UNITS)
    assert result.status == "boundary"
    assert result.prices["B"] == UNITS["price_step"]
    assert result.prices["A"] == pytest.approx(20 / 13, abs=1e-3)
    np.testing.assert_allclose(result.goods[:, 0], [6.5, 6.5], atol=2e-3)
    np.testing.assert_allclose(result.goods.sum(axis=0), [13, 14])
    # Buyers of the free good are served: both have at least as much of it as of the other.
    assert (result.goods[:, 1] >= result.goods[:, 0] - 2e-3).all()
