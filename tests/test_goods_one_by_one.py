"""Prices of goods cleared one by one, where all together are not found."""

from __future__ import annotations

import pytest

from ecs_market import clear

HELD = {"A": [10, 20], "B": [10, 20], "M": [100, 200]}


@pytest.mark.parametrize("seed", [0, 2])
def test_linear_and_smooth_tastes_with_a_small_fee(seed: int) -> None:
    linear = {"type": "linear", "weights": [0.7, 0.3]}
    smooth = {"type": "cobb_douglas", "exponents": [0.6, 0.4]}
    groups = [
        {"name": name, "count": 20, "inventories": HELD, "utilities": [taste]}
        for name, taste in (("l", linear), ("c", smooth))
    ]
    fees = {"type": "ad_valorem", "rate": 0.01}
    result = clear(groups, mechanism_params={"fees": fees}, seed=seed)
    assert result.status == "marginal"
    # Between what a linear member pays and gets for a unit, net of its fee.
    assert 0.7 / 1.01 - 1e-4 <= result.prices["A"] <= 0.7 / 0.99 + 1e-4
    assert 0.3 / 1.01 - 1e-4 <= result.prices["B"] <= 0.3 / 0.99 + 1e-4
    assert min(result.volume["A"], result.volume["B"]) > 0.0
