"""What families say of their marginal utilities is so."""

from __future__ import annotations

import numpy as np
import pytest

from ecs_market.preferences import families
from ecs_market.preferences.shapes import CONVEX, SEPARABLE, no_shape
from tests.oracles.preferences import QUASILINEAR
from tests.test_families import CASES, person_of, row_of

pytestmark = pytest.mark.kernel
LOT = 0.001
CLAIMS = {
    "linear": SEPARABLE | CONVEX,
    "cobb_douglas": SEPARABLE | CONVEX,
    "ces": CONVEX,
    "quadratic": CONVEX,
    "stone_geary": SEPARABLE | CONVEX,
    "induced_value": SEPARABLE,
}


@pytest.mark.parametrize(
    ("family", "scale"), [(name, scale) for name, scale, mode in CASES if mode == QUASILINEAR]
)
def test_what_a_family_says_of_its_shape_holds(family: str, scale: str) -> None:
    rng = np.random.default_rng(3)
    chosen = families.dispatch((families.by_name(family).CODE,))
    code = families.by_name(family).CODE
    claimed = curved = 0
    for _ in range(300):
        person, _ = person_of(rng, family, scale, QUASILINEAR)
        row, goods = row_of(person), np.array(person.goods, float)
        shape = int(chosen.shape(code, goods, row))
        k = int(rng.integers(0, len(goods)))
        claimed |= shape

        def at(
            quantity: float, goods: np.ndarray = goods, row: np.ndarray = row, k: int = k
        ) -> float:
            goods[k] = quantity
            return float(chosen.marginal(code, goods, row, 0.5 * LOT, k))

        if shape & SEPARABLE:
            before = at(goods[k])
            other = goods.copy()
            other[np.arange(len(goods)) != k] = rng.uniform(0.0, 20.0)
            assert float(chosen.marginal(code, other, row, 0.5 * LOT, k)) == before
        if shape & CONVEX:
            least, most = np.sort(rng.uniform(LOT, 30.0, 2))
            slopes = []
            for goods[k] in (most, 0.5 * (least + most), least):
                slopes.append(float(chosen.marginal(code, goods, row, 0.5 * LOT, k)))
            if slopes[0] > slopes[2] or not chosen.sloped(code, goods, row):
                continue
            rounding = 1e-13 * max(map(abs, slopes))
            assert slopes[1] <= 0.5 * (slopes[0] + slopes[2]) + rounding
            curved += 1
    expected = CLAIMS.get(family, 0)
    if scale == "level":
        expected &= ~SEPARABLE
    assert claimed == expected
    assert curved > 20 or not expected & CONVEX


def test_a_family_that_does_not_say_has_no_shape() -> None:
    assert no_shape(np.ones(2), np.ones(3)) == 0
    for name in ("leontief", "translog"):
        chosen = families.dispatch((families.by_name(name).CODE,))
        assert chosen.shape(families.by_name(name).CODE, np.ones(2), np.ones(8)) == 0
