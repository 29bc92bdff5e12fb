"""Functions of blocks of members give the very bits that the functions of one member give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ecs_market.preferences.blocks import BLOCK, SPARE
from ecs_market.preferences.families import by_name
from tests.oracles.preferences import FLOOR, IN_UTILITY, QUASILINEAR, UNIT_OF_ACCOUNT, Person
from tests.test_families import row_of, taste_of

pytestmark = pytest.mark.kernel
MODES = (QUASILINEAR, IN_UTILITY, UNIT_OF_ACCOUNT)
TOGETHER = ("cobb_douglas", "ces", "stone_geary")


def rows_of(rng: np.random.Generator, family: str, scale: str, mode: int, n: int) -> Any:
    """Return the parameter rows of a block of random members, (BLOCK, width)."""
    rows = []
    for _ in range(BLOCK):
        taste = taste_of(rng, family, scale, n)
        if mode == IN_UTILITY and family == "stone_geary":
            taste["subsistence"] = (*taste["subsistence"][:-1], 0.0)
        rows.append(row_of(Person(family, taste, mode, (1.0,) * n, 1.0, 1.0, (True,) * n)))
    return np.array(rows)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scale", ["log", "level"])
@pytest.mark.parametrize("family", TOGETHER)
def test_demand_of_blocks(family: str, scale: str, mode: int) -> None:
    rng = np.random.default_rng([len(family), len(scale), mode])
    module, served = by_name(family), 0
    for trial in range(12):
        n = int(rng.integers(1, 5)) + (mode != QUASILINEAR)
        rows = rows_of(rng, family, scale, mode, n)
        if trial % 3:
            # Nobody is without a use for any good: such blocks may be served.
            rows[:, :n] = np.maximum(rows[:, :n], 0.01)
            if family == "ces":
                rows[:, n : 2 * n] = np.log(rows[:, :n])
        traded = np.ones(n, np.bool_) if trial % 2 else rng.random(n) < 0.7
        traded[-1] = True
        held = rng.uniform(0.0, 20.0, (n, BLOCK)) * (rng.random((n, BLOCK)) < 0.9)
        count = int(rng.integers(1, BLOCK + 1))
        # Everybody at prices of its own, or all at one post.
        price = rng.uniform(0.05, 3.0, (n, BLOCK if trial % 4 < 2 else 1)) * np.ones((n, BLOCK))
        wealth = rng.uniform(0.0, 300.0, BLOCK) * (rng.random(BLOCK) < 0.9)
        worth = rng.uniform(0.3, 3.0, BLOCK)
        low, work = np.full((n, BLOCK), -7.0), np.empty((n + SPARE, BLOCK))
        own = np.ascontiguousarray(rows.T)
        done = module.demands(count, price, traded, held, wealth, own, worth, mode, low, work)
        if not done:
            continue
        served += 1
        for j in range(count):
            one, high = np.empty(n), np.empty(n)
            person = (np.ascontiguousarray(held[:, j]), wealth[j], rows[j], worth[j])
            module.demand(
                np.ascontiguousarray(price[:, j]),
                traded,
                *person,
                mode,
                n - 1,
                FLOOR,
                0.0,
                one,
                high,
            )
            np.testing.assert_array_equal(low[:, j], one)
            np.testing.assert_array_equal(high, one)
        assert (low[:, count:] == -7.0).all()
    interior = scale == "log" or mode != QUASILINEAR or family == "stone_geary"
    assert served >= 4 if interior else served == 0


@pytest.mark.parametrize("scale", ["log", "level"])
@pytest.mark.parametrize("family", TOGETHER)
def test_utility_of_blocks(family: str, scale: str) -> None:
    rng = np.random.default_rng([len(family), len(scale)])
    module = by_name(family)
    for _ in range(8):
        n = int(rng.integers(1, 5))
        rows = rows_of(rng, family, scale, QUASILINEAR, n)
        goods = rng.uniform(0.0, 20.0, (n, BLOCK)) * (rng.random((n, BLOCK)) < 0.9)
        count = int(rng.integers(1, BLOCK + 1))
        values, work = np.full(BLOCK, -7.0), np.empty((n + SPARE, BLOCK))
        own = np.ascontiguousarray(rows.T)
        done = module.utilities(count, goods, own, FLOOR, work, values)
        assert done == (scale == "log" or family == "stone_geary")
        if not done:
            continue
        for j in range(count):
            alone = module.utility(np.ascontiguousarray(goods[:, j]), rows[j], FLOOR)
            assert values[j] == alone
        assert (values[count:] == -7.0).all()


def test_ces_leaves_what_needs_an_iteration() -> None:
    rng = np.random.default_rng(5)
    module, n = by_name("ces"), 2
    rows = rows_of(rng, "ces", "log", QUASILINEAR, n)
    rows[:, 0] = 0.5
    one, work = np.ones(BLOCK), np.empty((n + SPARE, BLOCK))
    goods, own = np.ones((n, BLOCK)), np.ascontiguousarray(rows.T)
    traded = np.array([False, True])
    given = (BLOCK, np.ones((n, BLOCK)), traded, goods, one, own, one)
    assert not module.demands(*given, QUASILINEAR, goods.copy(), work)
    assert module.demands(*given, IN_UTILITY, goods.copy(), work)
